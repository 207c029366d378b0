"""The options, and whether any of them is used.

Nothing here is imported natively or scanned: without a setting, this and what it imports is all that a run pays for.
"""

from __future__ import annotations

import argparse
import math
import os
import re
from typing import TYPE_CHECKING

from pytest_fastest.xdist import options as surface

if TYPE_CHECKING:
    import pytest

ALLOWED = (
    "0, auto or logical (automatic), a number of worker processes from 1 on "
    f"(at most {surface.MOST_WORKERS}), or no (off)"
)
ENVIRONMENT = "FASTEST_WORKERS"
INI = "fastest_workers"
COLLECT = "fastest_collect"
HANG_TIMEOUT = "fastest_hang_timeout"
CI = "fastest_ci"
CI_SYSTEMS = ("auto", "github", "gitlab", "off")
REPLAY = "--replay"
# Its value without one; no node id begins so.
LAST = "::last"
NEEDED = "needed"
COLLECT_VALUES = ("all", NEEDED)
AUTOMATIC = "auto"
# The same here, and told apart by hooks that choose a number.
LOGICAL = "logical"
# As pytest-xdist has it, for plugins that read the option: false means that there are no workers.
OFF = 0
# K and KiB are 1024 bytes, KB are 1000.
_MEMORY = re.compile(
    r"(?P<amount>\d+(\.\d+)?)\s*((?P<percent>%)|(?P<unit>[kmgt])(ib|(?P<decimal>b))?)", re.IGNORECASE | re.ASCII
)
# There has to be room for so many workers more.
_MOST_RETRIES = 100
AUTO_ON_OFF = ("auto", "on", "off")
START_METHODS = ("auto", "fork", "forkserver", "spawn")


def parse_count(text: str) -> int | str:
    """The value of `-n`: a number from 1 on, `AUTOMATIC`, `LOGICAL` or `OFF`.

    Raises `ValueError` with the allowed values for anything else.
    """
    value = text.strip().lower()
    if value in ("0", AUTOMATIC):
        return AUTOMATIC
    if value == LOGICAL:
        return LOGICAL
    if value == "no":
        return OFF
    # More digits than any number has that is allowed: some are too many for `int`.
    if value.isascii() and value.isdigit() and len(value) < 20 and 0 < int(value) <= surface.MOST_WORKERS:
        return int(value)
    raise ValueError(f"{text!r} is not a number of workers; allowed: {ALLOWED}")


def parse_seconds(text: str) -> float:
    """The value of `--hang-timeout`: seconds from 0 on. Raises `ValueError` with what is allowed for anything else."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise ValueError(f"{text!r} is not a number of seconds; allowed: from 0 (never) on")
    return seconds


def parse_memory(text: str) -> tuple[float, bool]:
    """The value of `--memory-limit`: bytes, or a percentage of the machine's memory, and whether it is one.

    Raises `ValueError` with what is allowed for anything else.
    """
    matched = _MEMORY.fullmatch(text.strip())
    amount = float(matched["amount"]) if matched else 0.0
    if matched is None or amount <= 0 or (matched["percent"] and amount > 100):
        raise ValueError(f"{text!r} is not an amount of memory; allowed: as 800M, 1.5G (or 800MiB, 800MB), or 25%")
    if matched["percent"]:
        return amount, True
    base = 1000 if matched["decimal"] else 1024
    return amount * base ** (1 + "kmgt".index(matched["unit"].lower())), False


def _memory(text: str) -> tuple[float, bool]:
    try:
        return parse_memory(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _seconds(text: str) -> float:
    try:
        return parse_seconds(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _count(text: str) -> int:
    return _number(text, 1)


def _retries(text: str) -> int:
    count = _number(text, 0)
    if count > _MOST_RETRIES:
        raise argparse.ArgumentTypeError(f"{text!r} is too often; at most {_MOST_RETRIES} times")
    return count


def _number(text: str, least: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) >= least):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from {least} on")
    return int(text)


class Invalid(str):
    """A value of `-n` that isn't allowed. `resolve` refuses it, when it is known where it came from."""

    __slots__ = ()


def _numprocesses(text: str) -> int | str:
    try:
        return parse_count(text)
    except ValueError:
        return Invalid(text)


def add_options(parser: pytest.Parser) -> None:
    """Defines the options and the ini value."""
    surface.add_options(parser, _numprocesses)
    group = parser.getgroup("fastest", "parallel execution (fastest)")
    group.addoption(
        "--start-method",
        dest="start_method",
        choices=START_METHODS,
        default="auto",
        help="How workers are started: fork (collect once, then fork), forkserver (forked before conftests are "
        "loaded; each collects), spawn (fresh interpreters), or auto: fork where it is safe.",
    )
    group.addoption(
        "--fail-fast",
        action="store_true",
        default=False,
        help="As -x, and tests that run in other workers are interrupted.",
    )
    group.addoption(
        "--hang-timeout",
        dest="hang_timeout",
        metavar="SECONDS",
        type=_seconds,
        default=None,
        help="With workers: a test that takes longer fails with the stacks of all its threads, its worker is killed "
        "and replaced, and the run goes on (0: never, the default).",
    )
    group.addoption(
        "--retry-crashed",
        dest="retry_crashed",
        metavar="N",
        type=_retries,
        default=0,
        help="With workers: run a test that has crashed its worker again, alone in a fresh one when everything else is "
        "done, up to N times, and say whether it crashes alone (0: never, the default).",
    )
    group.addoption(
        "--memory-limit",
        dest="memory_limit",
        metavar="AMOUNT",
        type=_memory,
        default=None,
        help="With workers: one that holds more memory than this after a test (800M, 1.5G, 25%% of the machine's) "
        "leaves, another takes its place, and the tests that it has grown by are named.",
    )
    group.addoption(
        "--fastest-progress",
        dest="fastest_progress",
        choices=AUTO_ON_OFF,
        default="auto",
        help="With workers, on a terminal: lines below pytest's output that show how far the run is and what each "
        "worker is at: auto (not with -q, and not in CI), on, or off.",
    )
    group.addoption(
        "--output-prefix",
        dest="output_prefix",
        choices=AUTO_ON_OFF,
        default="auto",
        help="With workers: put [gw1] before each line that tests of that worker write with -s: auto (on a terminal), "
        "on, or off.",
    )
    group.addoption(
        "--slow-after",
        dest="slow_after",
        metavar="SECONDS",
        type=_seconds,
        default=None,
        help="With workers: name a test while it runs that takes longer than this (0: none). By default, on a "
        "terminal: five times what it takes as a rule and at least 10, or 60 if it has never run.",
    )
    group.addoption(
        "--show-failures-now",
        dest="show_failures_now",
        action="store_true",
        default=False,
        help="Show each failure in full when it happens, and not again at the end; with and without workers.",
    )
    group.addoption(
        "--timings",
        metavar="FILE",
        default=None,
        help="Read how long tests took from this file, and write it there, instead of in pytest's cache: a file that a "
        "CI system can keep.",
    )
    group.addoption(
        "--show-timings",
        dest="show_timings",
        metavar="N",
        type=_count,
        nargs="?",
        const=20,
        default=None,
        help="Show the N slowest tests, modules and fixtures of earlier runs (default: 20), and run nothing.",
    )
    group.addoption(
        "--fastest-report",
        dest="fastest_report",
        metavar="FILE.html",
        default=None,
        help="Write a page about the run: what ran where and when, what limited it, failures. Needs no network.",
    )
    group.addoption(
        "--trace-file",
        dest="trace_file",
        metavar="FILE.json",
        default=None,
        help="Write what ran where and when in Chrome's trace format, which Perfetto opens.",
    )
    group.addoption(
        "--from-run",
        dest="from_run",
        metavar="RUN",
        default=None,
        help="Write --fastest-report and --trace-file for an earlier run, and run nothing: last, a testrunuid (or its "
        "beginning), or the path of a record.",
    )
    group.addoption(
        "--list-runs",
        dest="list_runs",
        action="store_true",
        default=False,
        help="List the earlier runs of which there are records, newest first, and run nothing.",
    )
    parser.addini(
        INI, help="Number of workers if neither -n nor FASTEST_WORKERS says it; values as of -n.", default=None
    )
    parser.addini(CI, help="As --ci.", default=None)
    parser.addini(HANG_TIMEOUT, help="Seconds, as of --hang-timeout.", default=None)
    parser.addini(
        COLLECT,
        help="What a worker collects that is not forked from the process that has collected: all, or needed: a test "
        "module is imported by those workers that are given tests of it.",
        default="all",
    )


def are_used(config: pytest.Config) -> bool:
    """Whether anything is said that has to be looked at: `request.resolve` does that."""
    known = config.known_args_namespace
    return bool(
        known.numprocesses is not None or os.environ.get(ENVIRONMENT) or surface.are_used(known) or config.getini(INI)
    )


def add_options_that_give_way(parser: pytest.Parser) -> None:
    """Defines options whose names suites use, too, unless this one's conftests have: so they come last."""
    defined = {name for name, _ in surface.defined(parser)}
    group = parser.getgroup("fastest", "parallel execution (fastest)")
    if REPLAY not in defined:
        group.addoption(
            REPLAY,
            dest="fastest_replay",
            metavar="TEST",
            nargs="?",
            const=LAST,
            default=None,
            help="Run what a worker had run before this test failed in it, in that order, and then the test, all in "
            "this process. Without TEST: the last failure of a run with workers.",
        )
    if "--ci" not in defined:
        group.addoption(
            "--ci",
            dest="fastest_ci",
            choices=CI_SYSTEMS,
            default=None,
            help="Annotations, a summary of the job and folded logs of workers as this CI system shows them. auto (the "
            "default): with workers, for the system that the environment names; off: never.",
        )


def ci_system(config: pytest.Config) -> str | None:
    """The value of `--ci`; `None` if it is not given, or if the option is somebody else's."""
    value: str | None = getattr(config.option, "fastest_ci", None)
    return value


def replayed(config: pytest.Config) -> str | None:
    """The value of `--replay`; `None` if it is not given, or if the option is somebody else's."""
    value: str | None = getattr(config.option, "fastest_replay", None)
    return value


def name_a_ci_system(config: pytest.Config) -> bool:
    """Whether an option, the configuration file or the environment does; `ci.register` looks what follows."""
    return bool(
        ci_system(config) or os.environ.get("GITHUB_ACTIONS") or os.environ.get("GITLAB_CI") or config.getini(CI)
    )
