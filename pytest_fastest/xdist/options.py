"""The options of pytest-xdist: what they mean here, and what to use instead of those that are not carried."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

OFF = "no"
MOST_WORKERS = 10_000
# Module groups with stealing and splitting; the rest differ from that in what belongs together.
DEFAULT_MODE = "load"
MODES = ("each", "load", "loadscope", "loadfile", "loadgroup", "worksteal", OFF)
_REFUSED = ("tx", "px", "rsyncdir", "rsyncignore", "looponfail")
_NUMBERS = ("maxprocesses", "maxschedchunk", "maxworkerrestart")


class _Default(str):
    """A value that nobody has given, in contrast to the same one from somebody."""

    __slots__ = ()


def add_options(parser: pytest.Parser, numprocesses: Callable[[str], int | str]) -> None:
    """Defines pytest-xdist's options. Those that it has defined itself, as it is installed too, are taken over.

    `numprocesses` is the type of `-n`.
    """
    known_options = dict(defined(parser))
    group = parser.getgroup("xdist", "distributed testing, as pytest-xdist has it (fastest)")

    def add(*names: str, **attributes: Any) -> None:
        known = next((known_options[name] for name in names if name in known_options), None)
        if known is None:
            # A lower-case short option needs pytest's private method.
            group._addoption(*names, **attributes)
            return
        for attribute in ("type", "choices", "default", "metavar", "help"):
            if attribute in attributes:
                known(attribute, attributes[attribute])

    add(
        "-n",
        "--numprocesses",
        dest="numprocesses",
        metavar="N",
        type=numprocesses,
        default=None,
        help="Run tests in N worker processes. 0, auto or logical: choose a number by cores, memory and tests. "
        "no: off.",
    )
    add("--maxprocesses", metavar="N", type=int, default=None, help="Never more workers than N.")
    add(
        "--max-worker-restart",
        dest="maxworkerrestart",
        metavar="N",
        default=None,
        help="Replace at most N crashed workers (default: 4 for each worker); 0: none.",
    )
    add(
        "--dist",
        dest="dist",
        metavar="MODE",
        choices=MODES,
        default=_Default(OFF),
        help="load, worksteal: modules are dealt, stolen and split (as without this option). loadfile, loadscope: "
        "files, or modules and classes, are never split. loadgroup: as load; tests marked with xdist_group stay "
        "together in every mode. each: every worker runs every test. no: no workers.",
    )
    add("-d", dest="distload", action="store_true", default=False, help="As --dist=load.")
    add(
        "--loadscope-reorder",
        dest="loadscopereorder",
        action="store_true",
        default=True,
        help="With loadscope and loadfile: what takes very long first (default).",
    )
    add(
        "--no-loadscope-reorder",
        dest="loadscopereorder",
        action="store_false",
        help="With loadscope and loadfile: scopes in the order of the collection.",
    )
    add(
        "--tx",
        dest="tx",
        metavar="SPEC",
        action="append",
        default=[],
        help="N*popen, together with --dist: N workers. Others than popen are not supported.",
    )
    add("--testrunuid", default=None, help="The value of the fixture testrun_uid, instead of a random one.")
    add(
        "--maxschedchunk",
        metavar="N",
        type=int,
        default=None,
        help="Accepted, and without effect: tests that a worker has not begun can always be given to another.",
    )
    for name, metavar in (("--px", "SPEC"), ("--rsyncdir", "DIR"), ("--rsyncignore", "GLOB")):
        add(name, metavar=metavar, action="append", default=[], help="Not supported.")
    add("-f", "--looponfail", dest="looponfail", action="store_true", default=False, help="Not supported.")
    for name in ("rsyncdirs", "rsyncignore", "looponfailroots"):
        text = "Accepted, and without effect."
        if name in parser._inidict:
            parser._inidict[name] = (text, *parser._inidict[name][1:])
        else:
            parser.addini(name, text, type="paths")


def defined(parser: pytest.Parser) -> Iterator[tuple[str, Callable[[str, Any], None]]]:
    """The options that exist already, by name, with a function that changes an attribute."""
    for action in parser.optparser._actions if hasattr(parser, "optparser") else ():
        for name in action.option_strings:
            yield name, partial(setattr, action)
    # pytest 8 keeps what it will tell argparse later.
    for group in (parser._anonymous, *parser._groups):
        for option in getattr(group, "options", ()):
            for name in option.names():
                yield name, option.attrs().__setitem__


def are_used(option: argparse.Namespace) -> bool:
    """Whether there is anything that may have to be refused, or that asks for workers."""
    return any(getattr(option, name, None) for name in _REFUSED) or any(
        getattr(option, name) is not None for name in _NUMBERS
    )


def refuse_what_is_not_carried(option: argparse.Namespace) -> None:
    """Raises `pytest.UsageError` for options of pytest-xdist that have no counterpart, and for values not allowed."""
    for name, dest in (("--px", "px"), ("--rsyncdir", "rsyncdir"), ("--rsyncignore", "rsyncignore")):
        if value := getattr(option, dest, None):
            raise pytest.UsageError(
                f"{name} {value[0]}: workers on other machines are not supported by fastest; "
                "-p no:fastest gives pytest-xdist back, if it is installed"
            )
    if getattr(option, "looponfail", False):
        raise pytest.UsageError(
            "-f/--looponfail is not supported by fastest; use pytest-watcher (ptw) to run tests when files change, "
            "with --lf for those that failed"
        )
    count_of_specs(option.tx)
    for name, value, least in (
        ("--maxprocesses", option.maxprocesses, 1),
        ("--maxschedchunk", option.maxschedchunk, 1),
        ("--max-worker-restart", option.maxworkerrestart, 0),
    ):
        if value is not None and not (str(value).isdecimal() and int(value) >= least):
            raise pytest.UsageError(f"{name} {value}: must be a whole number, at least {least}")


def count_of_specs(specs: list[str]) -> int:
    """How many workers `--tx` asks for. Raises `pytest.UsageError` for anything but `popen` and `N*popen`."""
    total = 0
    for spec in specs:
        times, star, kind = spec.rpartition("*")
        if kind != "popen" or (star and not times.isdecimal()):
            raise pytest.UsageError(
                f"--tx {spec}: only popen and N*popen are supported by fastest, which starts all workers on this "
                "machine with this interpreter; -n N is a shorter way to say it"
            )
        # More digits than any number has that is allowed: some are too many for `int`.
        total += int(times[:20]) if star else 1
        if total > MOST_WORKERS:
            raise pytest.UsageError(f"--tx {spec}: too many; at most {MOST_WORKERS} workers are allowed")
    return total


def distributes_specs(option: argparse.Namespace) -> bool:
    """Whether `--tx` asks for workers, which it does together with a mode."""
    return bool(option.tx and (option.distload or option.dist != OFF))


def asks_for_workers(option: argparse.Namespace) -> bool:
    """Whether `-n` or `--tx` asks for workers."""
    return bool(option.numprocesses) or distributes_specs(option)


def mode(option: argparse.Namespace) -> str:
    """How tests are distributed if there are workers: one of `MODES`, never `OFF`."""
    if option.distload or option.dist == OFF:
        return DEFAULT_MODE
    return str(option.dist)


def says_off(option: argparse.Namespace) -> bool:
    """Whether somebody has written `--dist no`."""
    return option.dist == OFF and not isinstance(option.dist, _Default) and not option.distload


def set_workers(option: argparse.Namespace, count: int, distribution: str) -> None:
    """Gives the options the values that plugins read while there are workers."""
    option.numprocesses = count
    option.dist = distribution
    option.tx = ["popen"] * count


def clear_workers(option: argparse.Namespace) -> None:
    """The same in a worker, which has none of its own."""
    option.numprocesses = option.maxprocesses = None
    option.dist = OFF
    option.distload = option.looponfail = False
