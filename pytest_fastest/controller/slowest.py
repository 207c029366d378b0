"""`--show-timings`: what earlier runs have found out, for people."""

from __future__ import annotations

from collections import defaultdict
from statistics import median
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.main import wrap_session

from pytest_fastest import _core
from pytest_fastest.controller import history

if TYPE_CHECKING:
    from collections.abc import Iterable

# A test has become slower or faster if its last run differs so much from the earlier ones (factor, seconds).
_FACTOR = 1.2
_SECONDS = 0.01


def show(config: pytest.Config) -> int | pytest.ExitCode:
    """Prints the slowest tests, modules and fixtures. Raises `pytest.UsageError` without a readable file."""
    return wrap_session(config, _show)


def _show(config: pytest.Config, _session: pytest.Session) -> int:
    file = history.file_of(config)
    if file is None:
        raise pytest.UsageError("there are no timings without pytest's cache; name a file with --timings")
    try:
        known = _core.Timings(file)
    except OSError as error:
        raise pytest.UsageError(str(error)) from None
    tests = known.tests()
    reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
    if not tests:
        reporter.write_line(f"no timings in {file}: they are written by runs with workers")
        return 0
    count = config.option.show_timings
    total = sum(seconds for _, seconds, _ in tests)
    reporter.write_line(f"{len(tests)} tests, {_text(total)} in all, from {file}")
    reporter.section("slowest tests", sep="-")
    for nodeid, seconds, recent in _slowest(tests, count):
        reporter.write_line(f"{_text(seconds):>9}  {nodeid}{_trend(recent)}")
    reporter.section("slowest modules", sep="-")
    sums: dict[str, float] = defaultdict(float)
    for nodeid, seconds, _ in tests:
        sums[nodeid.partition("::")[0]] += seconds
    costs = {name: (imports, fixtures) for name, imports, fixtures in known.modules()}
    for name, seconds in _slowest(sums.items(), count):
        imports, fixtures = costs.get(name, (None, None))
        notes = [f"import {_text(imports)}"] if imports is not None else []
        notes += [f"shared fixtures {_text(fixtures)}"] if fixtures is not None else []
        reporter.write_line(f"{_text(seconds):>9}  {name}{' (' + ', '.join(notes) + ')' if notes else ''}")
    wide = _slowest((row for row in known.fixtures() if row[1] >= _SECONDS), count)
    if wide:
        reporter.section("slowest fixtures of session and package scope", sep="-")
    for name, seconds in wide:
        base, _, argument = name.rpartition("::")
        reporter.write_line(f"{_text(seconds):>9}  {argument}{f' ({base})' if base else ''}")
    return 0


def _slowest(rows: Iterable[Any], count: int) -> list[Any]:
    return sorted(rows, key=lambda row: (-row[1], row[0]))[:count]


def _trend(recent: list[float]) -> str:
    """How the last run differs from those before it, if it does."""
    if len(recent) < 2:
        return ""
    last, before = recent[0], median(recent[1:])
    if abs(last - before) < _SECONDS or max(last, before) < _FACTOR * min(last, before):
        return ""
    return f"  ({'slower' if last > before else 'faster'}: {_text(last)}, before {_text(before)})"


def _text(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.1f} ms"
