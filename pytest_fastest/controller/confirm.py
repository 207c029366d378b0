"""Tests that have killed their worker and run again, each alone in a fresh one (`--retry-crashed`)."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

# Why a test has not run again, by the coordinator's reason.
_WHY_NOT = {"interrupted": "it was interrupted", "no fresh worker": "no fresh worker came"}
# Outcomes that end an attempt whatever else is reported of it.
_TELLING = ("failed", "skipped")


class _Attempt(NamedTuple):
    """One time that a test ran: where, how it ended, and what the worker has left if it died."""

    worker: str
    end: str
    sections: list[tuple[str, str]]
    crashed: bool


@dataclass
class _Suspect:
    """A test that has killed a worker. `report` is about that, as long as it is not known what comes of it."""

    report: pytest.TestReport | None = None
    why_not: str | None = None
    attempts: list[_Attempt] = field(default_factory=list)

    def verdict(self) -> str:
        """What the attempts say together: the first was in company, the others were alone."""
        if self.why_not is not None:
            return f"it has not run again to its end: {self.why_not}"
        alone = [attempt.crashed for attempt in self.attempts[1:]]
        if not alone:
            return "it was not run again"
        if all(alone):
            return "it crashes by itself"
        if any(alone):
            return "it crashes by itself, but not every time"
        return f"it does not crash by itself: look at what ran before it in {self.attempts[0].worker}, or beside it"


class Confirmations:
    """Of one run: who is run again, and what came of it."""

    def __init__(self, config: pytest.Config, most: int) -> None:
        """`most`: how often a test runs again at most."""
        self._config = config
        self._most = most
        self._suspects: dict[int, _Suspect] = {}

    def crashed(self, item: int, worker: str, cause: str, sections: list[tuple[str, str]]) -> bool:
        """The test has killed this worker; whether it is to run again."""
        if not self._most:
            return False
        if not self._suspects:
            # From now on there are reports to look for.
            self._config.pluginmanager.register(self, "fastest-confirmations")
        suspect = self._suspects.setdefault(item, _Suspect())
        suspect.attempts.append(_Attempt(worker, f"it {cause}", sections, crashed=True))
        return len(suspect.attempts) <= self._most

    def keep(self, item: int, report: pytest.TestReport) -> None:
        """The report about the crash, which is logged for now as that of a test that runs again."""
        self._suspects[item].report = kept = copy(report)
        kept.outcome = "failed"

    def unconfirmed(self, item: int, reason: str) -> pytest.TestReport | None:
        """The report about the crash of a test that has not run again to its end, for the coordinator's reason."""
        suspect = self._suspects.get(item)
        if suspect is None:
            return None
        suspect.why_not = _WHY_NOT.get(reason, "the run was stopped")
        return suspect.report

    def times_alone(self, item: int) -> int:
        """How often the test has crashed alone."""
        suspect = self._suspects.get(item)
        return 0 if suspect is None else len(suspect.attempts) - 1

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        suspect = self._suspects.get(getattr(report, "item_index", -1))
        worker = getattr(report, "worker_id", "")
        # What the worker of a crash is said to have reported is that crash.
        if suspect is None or suspect.attempts[-1].worker == worker:
            return
        if report.when == "call" or report.outcome in _TELLING:
            suspect.attempts.append(_Attempt(worker, report.outcome, [], crashed=False))

    def pytest_report_teststatus(
        self, report: pytest.TestReport
    ) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
        # As pytest-rerunfailures has it, if that is not there.
        outcome: str = report.outcome
        return ("rerun", "R", ("RERUN", {"yellow": True})) if outcome == "rerun" else None

    def write(self, reporter: Any, nodeid_of: Callable[[int], str]) -> None:
        """Writes what came of it below pytest's own summary. `nodeid_of` names a test by its number."""
        if not self._suspects:
            return
        reporter.section("crashed, and run again alone", sep="=", yellow=True)
        for item, suspect in self._suspects.items():
            reporter.write_line(f"{nodeid_of(item)}: {suspect.verdict()}")
            for number, attempt in enumerate(suspect.attempts):
                reporter.write_line(f"  {'alone, ' if number else ''}in {attempt.worker}: {attempt.end}")
            if not suspect.attempts[-1].crashed:
                # Nothing else shows them.
                for title, text in suspect.attempts[0].sections:
                    reporter.write_line(f"  {title}:")
                    reporter.write_line("\n".join(f"    {line}" for line in text.splitlines()))
