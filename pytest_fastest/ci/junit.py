"""Properties of the junit file that CI systems can show: which worker ran a test, and whether it is flaky."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from _pytest.junitxml import xml_key

if TYPE_CHECKING:
    from collections.abc import Callable


class Properties:
    """Beside pytest's junit plugin: hears of a report before that closes the test's entry."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        # Tests that have failed, and run again.
        self._again: set[tuple[str, int | None]] = set()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: Any) -> None:
        xml = self._config.stash.get(xml_key, None)
        if xml is None:
            return
        test = (str(report.nodeid), getattr(report, "item_index", None))
        if report.outcome == "rerun":
            self._again.add(test)
            return
        if report.when == "teardown" and report.passed:
            # The test has its entry by now. If it has none, because it has crashed and runs again, it must not get one.
            return
        worker = getattr(report, "worker_id", None)
        entry: Any = xml.node_reporter(report)
        if worker is not None:
            _add(entry, "worker", worker)
        if report.when == "call" and report.passed and test in self._again:
            _add(entry, "flaky", "true")


def _add(entry: Any, name: str, value: str) -> None:
    add: Callable[[str, str], None] = entry.add_property
    if all(known != name for known, _ in entry.properties):
        add(name, value)
