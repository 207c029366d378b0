"""The plugin objects that note, in pytest's controller process, what the caller wants to know.

A worker inherits or repeats them too; there they do nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fastest._describe_test import describe_item
from fastest._summarise import PHASES, summarise, worker_of

if TYPE_CHECKING:
    from fastest._events import EventWriter


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


class _Recorder:
    """What both recorders note: where pytest runs, and what failed to be collected."""

    def __init__(self, events: EventWriter) -> None:
        self._events = events
        self._active = False

    def pytest_configure(self, config: pytest.Config) -> None:
        self._active = not _is_worker(config)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if self._active and report.failed:
            self._events.write("collection_failure", node_id=report.nodeid, text=report.longreprtext)


class DiscoveryRecorder(_Recorder):
    """Writes every collected test."""

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        if not self._active:
            return
        config_file = session.config.inipath
        self._events.write(
            "session",
            rootdir=str(session.config.rootpath),
            config_file=None if config_file is None else str(config_file),
        )
        self._events.write_all("test", map(describe_item, session.items))


class RunRecorder(_Recorder):
    """Writes the result of every test when it has ended."""

    def __init__(self, events: EventWriter) -> None:
        super().__init__(events)
        self._open: dict[tuple[str, str | None], list[pytest.TestReport]] = {}

    # After the reporters: a test's fixtures are all gone when its teardown is reported, so that
    # nothing that the test did to files or to `open` is in the way.
    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if not self._active:
            return
        key = (report.nodeid, worker_of(report))
        outcome: Any = report.outcome
        if outcome == "rerun":  # by pytest-rerunfailures: only the last attempt counts
            self._open.pop(key, None)
            return
        self._open.setdefault(key, []).append(report)
        if report.when == "teardown" or report.when not in PHASES:
            self._write(self._open.pop(key))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if not self._active:
            return
        for reports in self._open.values():
            self._write(reports)
        self._open.clear()
        reason = session.shouldfail or session.shouldstop
        self._events.write("stopped", reason=reason if isinstance(reason, str) else None)

    def _write(self, reports: list[pytest.TestReport]) -> None:
        self._events.write("result", **summarise(reports))
