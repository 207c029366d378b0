"""A pytest plugin that writes down what the reporting hooks of the process that the user started were told."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import warnings

RECORD = "PARITY_RECORD"


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput") and RECORD in os.environ:
        config.pluginmanager.register(Recorder(config), "parity-recorder")


class Recorder:
    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._reports: list[dict[str, Any]] = []
        self._collect_reports: list[dict[str, Any]] = []
        self._warnings: list[dict[str, Any]] = []
        self._frames: list[str] = []
        self._finish: dict[str, Any] = {}

    def pytest_runtest_logstart(self, nodeid: str, location: tuple[str, int | None, str]) -> None:
        self._frames.append(f"start {nodeid} {location}")

    def pytest_runtest_logfinish(self, nodeid: str, location: tuple[str, int | None, str]) -> None:
        self._frames.append(f"finish {nodeid} {location}")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        context = getattr(report, "context", None)
        self._reports.append(
            {
                "nodeid": report.nodeid,
                "when": report.when,
                "outcome": report.outcome,
                "wasxfail": getattr(report, "wasxfail", None),
                "type": type(report).__name__,
                "context": None if context is None else repr(context),
                "location": list(report.location),
                "keywords": sorted(report.keywords),
                "user_properties": [[name, repr(value)] for name, value in report.user_properties],
                "sections": [list(section) for section in report.sections],
                "longrepr": report.longreprtext,
            }
        )

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        # The controller hears of collection only what it has to report.
        if not report.passed:
            self._collect_reports.append(
                {"nodeid": report.nodeid, "outcome": report.outcome, "longrepr": report.longreprtext}
            )

    def pytest_warning_recorded(
        self,
        warning_message: warnings.WarningMessage,
        when: str,
        nodeid: str,
        location: tuple[str, int, str] | None,
    ) -> None:
        self._warnings.append(
            {
                "message": str(warning_message.message),
                "category": warning_message.category.__name__,
                "place": f"{warning_message.filename}:{warning_message.lineno}",
                "when": when,
                "nodeid": nodeid,
                "location": None if location is None else list(location),
            }
        )

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        self._finish = {
            "exitstatus": int(exitstatus),
            "testscollected": session.testscollected,
            "testsfailed": session.testsfailed,
        }

    def pytest_unconfigure(self) -> None:
        record = {
            "reports": self._reports,
            "collect_reports": self._collect_reports,
            "warnings": self._warnings,
            "frames": self._frames,
            "finish": self._finish,
        }
        Path(os.environ[RECORD]).write_text(json.dumps(record), "utf-8")
