"""A pytest plugin that writes down what became of every test, for `compare.py` to set side by side.

Load it with `-p recorder --record-to=FILE`. It imports nothing but pytest, because it is a guest in
other projects' runs. Workers load it as well, as they take their controller's arguments; only the
process that reports to the user records.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

OPTION = "--record-to"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Ask for the file to record in."""
    parser.addoption(OPTION, type=Path, required=True, help="file to record outcomes in")


def pytest_configure(config: pytest.Config) -> None:
    """Record in the controller, and in a run without workers, which is its own controller."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Recorder(config.getoption(OPTION)), "compat-recorder")


class Recorder:
    """Writes `[nodeid, when, outcome]` for every report, and at the end `{"exit_status": …}`.

    One JSON value a line, as they come: a run that hangs or dies leaves what it had reported.
    """

    def __init__(self, path: Path) -> None:
        # Line buffered: nothing is left in a buffer for a test's own fork to write again.
        self.file = path.open("w", encoding="utf-8", buffering=1)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record one phase of one test; a phase may report more than once (subtests)."""
        self._write([report.nodeid, report.when, outcome_of(report)])

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Record what could not be collected. A collector that passed has no outcome of its own."""
        if not report.passed:
            self._write([report.nodeid, "collect", "error" if report.failed else "skipped"])

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Record how the session ended."""
        self._write({"exit_status": int(exitstatus)})

    def pytest_unconfigure(self) -> None:
        """Close the record."""
        self.file.close()

    def _write(self, value: object) -> None:
        self.file.write(json.dumps(value) + "\n")


def outcome_of(report: pytest.TestReport) -> str:
    """Name an outcome as pytest's summary line does."""
    if hasattr(report, "wasxfail"):
        return "xpassed" if report.passed else "xfailed"
    if report.failed and report.when in ("setup", "teardown"):
        return "error"
    return report.outcome
