"""The end of a run: what is known of its outcomes joins what the coordinator has recorded, and is kept and written."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from pytest_fastest.report import wanted
from pytest_fastest.texts import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pytest_fastest import _core

    About = tuple[str, Sequence[str], Sequence[str], bool, Sequence[str], str, str | None, int, int]
    Failed = tuple[int | None, str, str, str, str, list[tuple[str, str]]]

# Categories of the terminal's statistics that say nothing of a test: those of set-ups and teardowns have no name.
_NOT_OUTCOMES = ("", "passed", "deselected", "warnings")
_FAILED = ("failed", "error")
# Of so many failures the texts are kept, to make a report of later: each takes 0.1 ms or more. If a report is wanted:
_FEW, _MANY = 100, 5_000
# Longer texts are cut, in the middle (characters).
_LONGEST = 100_000


class Outcomes(NamedTuple):
    """What became of tests that did not just pass, and the failures with their texts."""

    outcomes: list[tuple[int, str]]
    failures: list[Failed]


class Chronicle:
    """Keeps the record of a run and writes what is wanted of it; tells so in the summary."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._written: list[tuple[str, dict[str, bool]]] = []

    @property
    def _wanted(self) -> wanted.Wanted:
        # Options are complete when the run begins, not when this is made.
        return wanted.of(self._config.option, self._config.invocation_params.dir)

    def outcomes(self, nodeids: list[str]) -> Outcomes:
        """What pytest's terminal reporter knows."""
        reporter: Any = self._config.pluginmanager.get_plugin("terminalreporter")
        stats = {} if reporter is None else reporter.stats
        return outcomes(stats, nodeids, _MANY if self._wanted else _FEW)

    def about(
        self, testrunuid: str, method: str, workers: int, exit_status: int, *, reason: str | None = None
    ) -> About:
        """The run as a whole; `reason`: for the start method."""
        arguments = [clean(str(argument)) for argument in self._config.invocation_params.args]
        paths, pyargs = _paths(self._config), bool(self._config.option.pyargs)
        versions = [f"Python {'.'.join(map(str, sys.version_info[:3]))}", f"pytest {pytest.__version__}"]
        reason = None if reason is None else clean(reason)
        return clean(testrunuid), arguments, paths, pyargs, versions, method, reason, workers, int(exit_status)

    def finish(self, record: _core.Record) -> bool:
        """Keeps the record beside pytest's cache, and writes the files. Returns whether it is kept."""
        is_kept = False
        if (folder := folder_of(self._config)) is not None:
            try:
                is_kept = record.keep(folder) is not None
            except OSError as error:
                # Otherwise nobody misses it.
                if self._wanted or record.trails():
                    text = f"the record of the run can't be kept, for --replay and reports: {error}"
                    self._written.append((text, {"yellow": True}))
        self._written += write(record, self._wanted)
        return is_kept

    def write_summary(self, reporter: Any) -> None:
        """Names the files, as pytest does for junit's."""
        for line, markup in self._written:
            if markup or self._config.option.verbose >= 0:
                reporter.write_sep("-", line, **markup)


def write(record: _core.Record, files: wanted.Wanted) -> list[tuple[str, dict[str, bool]]]:
    """Writes the files; returns what there is to say, and in which colour."""
    said: list[tuple[str, dict[str, bool]]] = []
    steps: tuple[tuple[str, Path | None, Callable[[Path], None]], ...] = (
        ("report", files.page, record.write_page),
        ("trace file", files.trace, record.write_trace),
    )
    for name, path, make in steps:
        if path is None:
            continue
        try:
            make(path)
        except OSError as error:
            said.append((f"{name} {path} can't be written: {error}", {"red": True}))
        else:
            said.append((f"generated {name}: {path}", {}))
    return said


def _paths(config: pytest.Config) -> list[str]:
    """What is collected, as pytest takes it from any directory."""
    here = config.invocation_params.dir
    paths = []
    for argument in config.args:
        path, separator, names = str(argument).partition("::")
        absolute = here / path
        paths.append(clean(f"{absolute}{separator}{names}" if absolute.exists() else argument))
    return paths


def folder_of(config: pytest.Config) -> Path | None:
    """Where records are kept, if there is a place for them."""
    cache = getattr(config, "cache", None)
    if cache is None:
        return None
    try:
        folder: Path = cache.mkdir("fastest") / "runs"
    except OSError:
        # pytest itself warns of a cache that can't be written.
        return None
    return folder


def outcomes(stats: dict[str, list[Any]], nodeids: list[str], most: int) -> Outcomes:
    """From the terminal's statistics, with the texts of so many failures at `most`."""
    found = Outcomes([], [])
    numbers: dict[str, int] = {}
    for category, reports in stats.items():
        if category in _NOT_OUTCOMES:
            continue
        for report in reports:
            if not isinstance(report, (pytest.TestReport, pytest.CollectReport)):
                continue
            is_failure = category in _FAILED
            if hasattr(report, "context"):
                # A subtest's; those that passed are none of the test.
                is_failure = report.failed
                if not is_failure:
                    continue
            item = getattr(report, "item_index", None)
            if item is None and isinstance(report, pytest.TestReport):
                numbers = numbers or {nodeid: number for number, nodeid in enumerate(nodeids)}
                item = numbers.get(str(report.nodeid))
            if item is not None:
                found.outcomes.append((item, "failed" if is_failure and category != "error" else clean(category)))
            if is_failure and len(found.failures) < most:
                found.failures.append(_failure(item, report))
    return found


def _failure(item: int | None, report: pytest.TestReport | pytest.CollectReport) -> Failed:
    sections = [(clean(title), _cut(content)) for title, content in report.sections]
    worker = str(getattr(report, "worker_id", ""))
    return item, clean(str(report.nodeid)), report.when or "", worker, _cut(report.longreprtext), sections


def _cut(text: str) -> str:
    if len(text) > _LONGEST:
        half = _LONGEST // 2
        text = f"{text[:half]}\n... {len(text) - 2 * half} characters were cut ...\n{text[-half:]}"
    return clean(text)
