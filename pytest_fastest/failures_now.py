"""`--show-failures-now`: each failure in full when it is reported, and not again at the end."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.terminal import TerminalReporter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def register(config: pytest.Config) -> None:
    """Lets failures be shown at once, unless `--pdb` does that already."""
    if not config.option.usepdb:
        config.pluginmanager.register(FailuresNow(), "fastest-failures-now")


class FailuresNow:
    """Beside pytest's reporter: its summary is written for one report after the other."""

    def __init__(self) -> None:
        self._reporter: Any = None
        # By category, what writes its section at the end.
        self._sections: dict[str, Callable[[], None]] = {}

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        reporter: Any = session.config.pluginmanager.get_plugin("terminalreporter")
        # Reporters that say something else of failures at the end (pytest-instafail, pytest-sugar) show them at once
        # themselves.
        if reporter is None or type(reporter).summary_failures is not TerminalReporter.summary_failures:
            return
        self._reporter = reporter
        self._sections = {"error": reporter.summary_errors, "failed": reporter.summary_failures}
        reporter.summary_errors = reporter.summary_failures = _nothing

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._show(report)

    @pytest.hookimpl(trylast=True)
    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._show(report)

    def _show(self, report: object) -> None:
        for category, write in self._sections.items():
            if _is_last(self._reporter, category, report):
                with _alone(self._reporter, category, report):
                    write()


@contextmanager
def _alone(reporter: Any, category: str, report: object) -> Iterator[None]:
    """Lets the reporter write this report's section, on lines of its own and without the title above all of them."""
    if reporter._tw.width_of_current_line:
        reporter._tw.line()
    # The next result names its file again.
    reporter.currentfspath = None
    stats, write_sep = reporter.stats, reporter.write_sep
    reporter.stats = {category: [report]}
    reporter.write_sep = lambda sep, *args, **kwargs: None if sep == "=" else write_sep(sep, *args, **kwargs)
    try:
        yield
    finally:
        reporter.stats = stats
        del reporter.write_sep


def _is_last(reporter: Any, category: str, report: object) -> bool:
    """Whether the reporter has just put the report into this category: what plugins make of it counts."""
    reports = reporter.stats.get(category)
    return bool(reports) and reports[-1] is report


def _nothing() -> None:
    pass
