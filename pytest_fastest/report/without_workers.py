"""A run without workers: its record is made of the reports.

Clocks are imported by name: tests replace the functions of modules.
"""

from __future__ import annotations

import uuid
from time import process_time
from time import time as clock
from typing import TYPE_CHECKING, Any

import pytest

from pytest_fastest import _core
from pytest_fastest.report.chronicle import Chronicle
from pytest_fastest.set_ups import SetUps
from pytest_fastest.texts import clean_all
from pytest_fastest.worker.unseen import unseen

if TYPE_CHECKING:
    from collections.abc import Generator

# Of one test, in seconds: when it began and when it was over, by clock and processor; what set-up, call and teardown
# took.
_Times = dict[str, float]


class WithoutWorkers:
    """Notes what runs in this process. Only there if a report or a trace is wanted."""

    def __init__(self, config: pytest.Config) -> None:
        self._chronicle = Chronicle(config)
        self._began, self._origin = clock(), _core.monotonic()
        self._collected = 0.0
        self._nodeids: list[str] = []
        # By node id, in the order of time: a test that is run again counts again.
        self._times: list[tuple[str, _Times]] = []
        self._set_ups = SetUps()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._collected = self._seconds()
        self._nodeids = [str(item.nodeid) for item in session.items]

    def pytest_runtest_logstart(self, nodeid: str, location: tuple[str, int | None, str]) -> None:
        self._times.append((str(nodeid), {"began": self._seconds(), "cpu": process_time()}))

    @pytest.hookimpl(wrapper=True)
    @unseen
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, object, object]:
        __tracebackhide__ = True
        began = _core.monotonic()
        try:
            return (yield)
        finally:
            self._set_ups.add(fixturedef, _core.monotonic() - began)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if self._times:
            times = self._times[-1][1]
            times[report.when or ""] = times.get(report.when or "", 0.0) + report.duration

    def pytest_runtest_logfinish(self, nodeid: str, location: tuple[str, int | None, str]) -> None:
        if self._times:
            times = self._times[-1][1]
            times["ended"], times["cpu"] = self._seconds(), process_time() - times["cpu"]

    def _seconds(self) -> float:
        return _core.monotonic() - self._origin

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        numbers = {nodeid: number for number, nodeid in enumerate(self._nodeids)}
        ran = [_row(numbers[nodeid], times) for nodeid, times in self._times if nodeid in numbers and "ended" in times]
        found = self._chronicle.outcomes(self._nodeids)
        about = self._chronicle.about(uuid.uuid4().hex, "", 0, exitstatus)
        record = _core.Record.of_reports(
            about,
            clean_all(self._nodeids),
            started=self._began,
            seconds=self._seconds(),
            collected=self._collected,
            ran=ran,
            set_ups=self._set_ups.rows(),
            outcomes=found.outcomes,
            failures=found.failures,
        )
        self._chronicle.finish(record)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        self._chronicle.write_summary(terminalreporter)


def _row(item: int, times: _Times) -> tuple[int, float, float, float, float, float, float]:
    total = times["ended"] - times["began"]
    setup, call, teardown = (times.get(phase, 0.0) for phase in ("setup", "call", "teardown"))
    return item, times["ended"], total, min(total, times["cpu"]), setup, call, teardown
