"""What the user asked for, by options, environment and ini, and the errors about it."""

from __future__ import annotations

import argparse
import os
import shlex
from typing import TYPE_CHECKING, NamedTuple

import pytest

from pytest_fastest import tty
from pytest_fastest.options import (
    AUTOMATIC,
    COLLECT,
    COLLECT_VALUES,
    ENVIRONMENT,
    HANG_TIMEOUT,
    INI,
    LOGICAL,
    OFF,
    REPLAY,
    Invalid,
    parse_count,
    parse_seconds,
)
from pytest_fastest.xdist import options as surface

if TYPE_CHECKING:
    from collections.abc import Callable

_COMMAND_LINE = "the command line"
_PYTEST_ADDOPTS = "PYTEST_ADDOPTS"
_CONFIGURATION = "addopts of the configuration file"
# Weakest first.
_SOURCES = (_CONFIGURATION, _PYTEST_ADDOPTS, ENVIRONMENT, _COMMAND_LINE)


class Request(NamedTuple):
    """That workers are wanted.

    * `workers`: how many, `None` for an automatic number; `source` is where it was said;
    * `automatic`: which word for an automatic number was used;
    * `most`: no more than these many, if there is a limit;
    * `mode`: how tests are distributed (`--dist`);
    * `restarts`: how many crashed workers are replaced at most; `None`: a default;
    * `keep_order`: groups are taken in collection order;
    * `testrunuid`: a name for the run that the user has chosen;
    * `hang_timeout`: after so many seconds a test hangs; `None`: never;
    * `retry_crashed`: how often a test that has crashed its worker runs again alone.
    """

    workers: int | None
    source: str
    start_method: str
    automatic: str = AUTOMATIC
    most: int | None = None
    mode: str = surface.DEFAULT_MODE
    restarts: int | None = None
    keep_order: bool = False
    testrunuid: str | None = None
    hang_timeout: float | None = None
    retry_crashed: int = 0


class Declined(NamedTuple):
    """That workers were asked for, but this run has none: `reason` goes to the header."""

    reason: str


def resolve(config: pytest.Config) -> Request | Declined | None:
    """What this run is to do; `None` if nobody asked for workers.

    An explicit `-n` on the command line beats `FASTEST_WORKERS`, which beats `-n` in `addopts`, which beats the ini
    option. `--dist no` beats what comes from the same place or a weaker one. Raises `pytest.UsageError` for a value
    that isn't allowed, and for what of pytest-xdist is not carried.
    """
    option = config.known_args_namespace
    surface.refuse_what_is_not_carried(option)
    asked = _asked(config)
    if asked is None or asked[0] == OFF:
        return None
    if config.getini(COLLECT) not in COLLECT_VALUES:
        raise pytest.UsageError(
            f"the ini option {COLLECT}: {config.getini(COLLECT)!r} is not allowed; allowed: {', '.join(COLLECT_VALUES)}"
        )
    value, source = asked
    most = option.maxprocesses
    count, source = limited(value, source, most) if isinstance(value, int) else (None, source)
    if reason := _interactive(option):
        if count is None:
            return Declined(f"no workers: {reason}")
        if not (tty.has_keys() and tty.is_ours()):
            raise pytest.UsageError(
                f"{reason} with workers needs a terminal, in the foreground of which pytest runs (asked for {count} by "
                f"{source}); try -n no"
            )
    if reason := _sequential(option) or _replay(config):
        return Declined(f"no workers: {reason}")
    if _without_tests(option):
        return None
    return Request(
        count,
        source,
        option.start_method,
        LOGICAL if value == LOGICAL else AUTOMATIC,
        most,
        surface.mode(option),
        None if option.maxworkerrestart is None else int(option.maxworkerrestart),
        _keeps_order(option),
        option.testrunuid,
        _hang_timeout(config),
        option.retry_crashed,
    )


def limited(count: int, source: str, most: int | None) -> tuple[int, str]:
    """The number of workers and who has said so, with `--maxprocesses`."""
    return (count, source) if most is None or count <= most else (most, f"{source} {count}, --maxprocesses")


def _hang_timeout(config: pytest.Config) -> float | None:
    seconds: float | None = config.known_args_namespace.hang_timeout
    ini = config.getini(HANG_TIMEOUT)
    if seconds is None and ini:
        try:
            seconds = parse_seconds(ini)
        except ValueError as error:
            raise pytest.UsageError(f"the ini option {HANG_TIMEOUT}: {error}") from None
    return seconds or None


def _keeps_order(option: argparse.Namespace) -> bool:
    if getattr(option, "failedfirst", False) or getattr(option, "newfirst", False):
        return True
    return not option.loadscopereorder and surface.mode(option) in ("loadscope", "loadfile")


def _asked(config: pytest.Config) -> tuple[int | str, str] | None:
    """The number of workers and where it was said, unless a source that is as strong says `--dist no`."""
    found = _number(config)
    if found is None:
        return None
    value, name, source = found
    if surface.says_off(config.known_args_namespace):
        off = _source(config, "dist")
        if _SOURCES.index(off) >= _SOURCES.index(source):
            return None
    return value, name


def _number(config: pytest.Config) -> tuple[int | str, str, str] | None:
    """The number of workers, the name of the setting, and which of `_SOURCES` it comes from."""
    known = config.known_args_namespace
    option: int | str | None = known.numprocesses
    # A worker's own tests may start pytest again: the environment is meant for the run that the user starts.
    environment = os.environ.get(ENVIRONMENT) if "PYTEST_XDIST_WORKER" not in os.environ else None
    source = None if option is None else _source(config, "numprocesses")
    if isinstance(option, Invalid):
        _checked(option, f"-n on {source}" if source == _COMMAND_LINE else f"-n in {source}")
    if environment and source != _COMMAND_LINE:
        value = _checked(environment, f"the environment variable {ENVIRONMENT}")
        # One worker would be a process more than none, for the same result.
        return (OFF if value == 1 else value), ENVIRONMENT, ENVIRONMENT
    if source is not None:
        return known.numprocesses, "-n", source
    if surface.distributes_specs(known):
        return surface.count_of_specs(known.tx), "--tx", _source(config, "tx")
    ini = config.getini(INI)
    if ini:
        return _checked(ini, f"the ini option {INI}"), INI, _CONFIGURATION
    return None


def _checked(text: str, source: str) -> int | str:
    try:
        return parse_count(text)
    except ValueError as error:
        raise pytest.UsageError(f"{source}: {error}") from None


def _source(config: pytest.Config, dest: str) -> str:
    """Which of `_SOURCES` an option comes from."""
    sources = {
        _COMMAND_LINE: [str(argument) for argument in config.invocation_params.args],
        _PYTEST_ADDOPTS: shlex.split(os.environ.get(_PYTEST_ADDOPTS, "")),
    }
    for source, arguments in sources.items():
        # argparse fills in no default for what is there.
        namespace = config._parser.parse_known_args(arguments, namespace=argparse.Namespace(**{dest: None}))
        if getattr(namespace, dest) is not None:
            return source
    return _CONFIGURATION


def _interactive(option: argparse.Namespace) -> str | None:
    return _first(option, {"usepdb": "--pdb", "trace": "--trace"})


def _sequential(option: argparse.Namespace) -> str | None:
    names = {
        "stepwise": "--stepwise goes through the tests in order",
        "stepwise_reset": "--stepwise-reset goes through the tests in order",
        "stepwise_skip": "--stepwise-skip goes through the tests in order",
        "setupshow": "--setup-show prints while tests run",
        "setuponly": "--setup-only runs no tests",
    }
    return _first(option, names)


def _replay(config: pytest.Config) -> str | None:
    # The option is not defined yet: conftests may have one of that name.
    args = (str(argument).partition("=")[0] for argument in config.invocation_params.args)
    return f"{REPLAY} runs in one process what one worker has run" if REPLAY in args else None


def _without_tests(option: argparse.Namespace) -> bool:
    names = (
        "help",
        "version",
        "collectonly",
        "showfixtures",
        "show_fixtures_per_test",
        "markers",
        "setupplan",
        "show_timings",
        "from_run",
        "list_runs",
    )
    return any(getattr(option, name, None) for name in names) or getattr(option, "cacheshow", None) is not None


def _first(option: argparse.Namespace, names: dict[str, str]) -> str | None:
    truth: Callable[[str], object] = lambda name: getattr(option, name, None)  # noqa: E731
    return next((text for name, text in names.items() if truth(name)), None)
