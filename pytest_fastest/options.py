"""What the user asked for: values of options, environment and ini, and the errors about them.

Nothing here is imported natively or scanned: without a setting, this module is all that a run pays for.
"""

from __future__ import annotations

import argparse
import os
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

ALLOWED = "0, auto or logical (automatic), a number of worker processes from 1 on, or no (off)"
ENVIRONMENT = "FASTEST_WORKERS"
INI = "fastest_workers"
AUTOMATIC = "auto"
_COMMAND_LINE = "the command line"
# As pytest-xdist has it, for plugins that read the option: false means that there are no workers.
OFF = 0
START_METHODS = ("auto", "fork", "spawn")


@dataclass(frozen=True)
class Request:
    """That workers are wanted. `count` is `None` for an automatic number; `source` is where it was said."""

    count: int | None
    source: str
    start_method: str


@dataclass(frozen=True)
class Declined:
    """That workers were asked for, but this run has none: `reason` goes to the header."""

    reason: str


def parse_count(text: str) -> int | str:
    """The value of `-n`: a number from 1 on, `AUTOMATIC` or `OFF`.

    Raises `ValueError` with the allowed values for anything else.
    """
    value = text.strip().lower()
    if value in ("0", AUTOMATIC, "logical"):
        return AUTOMATIC
    if value == "no":
        return OFF
    if value.isascii() and value.isdigit() and int(value) > 0:
        return int(value)
    raise ValueError(f"{text!r} is not a number of workers; allowed: {ALLOWED}")


class _Invalid(str):
    """A value of `-n` that isn't allowed. `resolve` refuses it, when it is known where it came from."""

    __slots__ = ()


def _numprocesses(text: str) -> int | str:
    try:
        return parse_count(text)
    except ValueError:
        return _Invalid(text)


def add_options(parser: pytest.Parser) -> None:
    """Defines the options and the ini value."""
    group = parser.getgroup("fastest", "parallel execution (fastest)")
    if not _take_over(parser):
        # A lower-case short option needs pytest's private method.
        group._addoption(
            "-n",
            "--numprocesses",
            dest="numprocesses",
            metavar="N",
            type=_numprocesses,
            default=None,
            help="Run tests in N worker processes. 0, auto or logical: choose a number by cores, memory and tests. "
            "no: off.",
        )
    group.addoption(
        "--start-method",
        dest="start_method",
        choices=START_METHODS,
        default="auto",
        help="How workers are started: fork (collect once, then fork), spawn (fresh interpreters), or auto: fork "
        "where it is safe.",
    )
    group.addoption(
        "--fail-fast",
        action="store_true",
        default=False,
        help="As -x, and tests that run in other workers are interrupted.",
    )
    parser.addini(
        INI, help="Number of workers if neither -n nor FASTEST_WORKERS says it; values as of -n.", default=None
    )


def _take_over(parser: pytest.Parser) -> bool:
    """Gives an `-n` that pytest-xdist has defined our meaning; false if there is none."""
    for action in parser.optparser._actions if hasattr(parser, "optparser") else ():
        if "-n" in action.option_strings:
            action.type = _numprocesses
            return True
    # pytest 8 keeps what it will tell argparse later.
    for group in parser._groups:
        for option in getattr(group, "options", ()):
            if "-n" in option.names():
                option.attrs()["type"] = _numprocesses
                return True
    return False


def resolve(config: pytest.Config) -> Request | Declined | None:
    """What this run is to do; `None` if nobody asked for workers.

    An explicit `-n` on the command line beats `FASTEST_WORKERS`, which beats `-n` in `addopts`, which beats the ini
    option. Raises `pytest.UsageError` for a value that isn't allowed.
    """
    option = config.known_args_namespace
    asked = _asked(config)
    if asked is None or asked[0] == OFF:
        return None
    value, source = asked
    count = value if isinstance(value, int) else None
    if reason := _interactive(option):
        if count is not None:
            raise pytest.UsageError(
                f"{reason} needs the terminal, which worker processes don't have (asked for {count} by {source}); "
                "try -n no"
            )
        return Declined(f"no workers: {reason}")
    if reason := _sequential(option):
        return Declined(f"no workers: {reason}")
    if _without_tests(option):
        return None
    return Request(count, source, option.start_method)


def _asked(config: pytest.Config) -> tuple[int | str, str] | None:
    option: int | str | None = config.known_args_namespace.numprocesses
    # A worker's own tests may start pytest again: the environment is meant for the run that the user starts.
    environment = os.environ.get(ENVIRONMENT) if "PYTEST_XDIST_WORKER" not in os.environ else None
    source = None if option is None else _source(config)
    if isinstance(option, _Invalid):
        _checked(option, f"-n on {source}" if source == _COMMAND_LINE else f"-n in {source}")
    if environment and source != _COMMAND_LINE:
        value = _checked(environment, f"the environment variable {ENVIRONMENT}")
        # One worker would be a process more than none, for the same result.
        return (OFF if value == 1 else value), ENVIRONMENT
    if option is not None:
        return option, "-n"
    ini = config.getini(INI)
    if ini:
        return _checked(ini, f"the ini option {INI}"), INI
    return None


def _checked(text: str, source: str) -> int | str:
    try:
        return parse_count(text)
    except ValueError as error:
        raise pytest.UsageError(f"{source}: {error}") from None


def _source(config: pytest.Config) -> str:
    """Where `-n` comes from; the command line wins over the environment, and that over the configuration file."""
    sources = {
        _COMMAND_LINE: [str(argument) for argument in config.invocation_params.args],
        "PYTEST_ADDOPTS": shlex.split(os.environ.get("PYTEST_ADDOPTS", "")),
    }
    for source, arguments in sources.items():
        namespace = config._parser.parse_known_args(arguments, namespace=argparse.Namespace())
        if namespace.numprocesses is not None:
            return source
    return "addopts of the configuration file"


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


def _without_tests(option: argparse.Namespace) -> bool:
    names = ("help", "version", "collectonly", "showfixtures", "show_fixtures_per_test", "markers", "setupplan")
    return any(getattr(option, name, None) for name in names) or getattr(option, "cacheshow", None) is not None


def _first(option: argparse.Namespace, names: dict[str, str]) -> str | None:
    truth: Callable[[str], object] = lambda name: getattr(option, name, None)  # noqa: E731
    return next((text for name, text in names.items() if truth(name)), None)
