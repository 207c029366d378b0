"""From the reports of one test to what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastest.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pytest

PHASES = ("setup", "call", "teardown")
_SKIP_PREFIX = "Skipped: "


def summarise(reports: Sequence[pytest.TestReport]) -> dict[str, Any]:
    """The fields of a `TestResult`, as JSON, from a test's reports in the order they came."""
    own = [report for report in reports if not _is_subtest(report)]
    phases = {report.when: report.duration for report in own if report.when in PHASES}
    outcome = _outcome(reports)
    last = reports[-1]  # its sections are those of all phases
    return {
        "node_id": last.nodeid,
        "outcome": outcome.value,
        "duration": sum(phases.values()),
        "phases": phases,
        "message": _message(reports, own, outcome),
        "stdout": last.capstdout,
        "stderr": last.capstderr,
        "log": last.caplog,
        "worker": worker_of(last),
    }


def worker_of(report: pytest.TestReport) -> str | None:
    """The worker that `report` is from, or about: one that crashed could not sign its report."""
    worker = getattr(report, "worker_id", None)
    if worker is None and (node := getattr(report, "node", None)) is not None:
        worker = node.gateway.id
    return worker


def _outcome(reports: Sequence[pytest.TestReport]) -> Outcome:
    """A failure of the test itself goes before one of its fixtures, both before anything else."""
    failed = [report for report in reports if report.failed]
    if any(report.when not in {"setup", "teardown"} for report in failed):  # "???" is a crashed worker
        return Outcome.FAILED
    if failed:
        return Outcome.ERROR
    own = [report for report in reports if not _is_subtest(report)]
    for report in own:
        expected = hasattr(report, "wasxfail")
        if report.skipped:
            return Outcome.XFAILED if expected else Outcome.SKIPPED
        if expected and report.when == "call":
            return Outcome.XPASSED
    if any(report.when == "teardown" for report in own):
        return Outcome.PASSED
    return Outcome.NOT_RUN  # stopped on the way


def _message(reports: Iterable[pytest.TestReport], own: Iterable[pytest.TestReport], outcome: Outcome) -> str | None:
    if outcome in {Outcome.FAILED, Outcome.ERROR}:
        return "\n\n".join(report.longreprtext for report in reports if report.failed)
    if outcome is Outcome.SKIPPED:
        return next(_skip_reason(report) for report in own if report.skipped)
    if outcome in {Outcome.XFAILED, Outcome.XPASSED}:
        return next(str(report.wasxfail) for report in own if hasattr(report, "wasxfail"))
    if outcome is Outcome.NOT_RUN:
        return "the run stopped before the test had ended"
    return None


def _skip_reason(report: pytest.TestReport) -> str:
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix(_SKIP_PREFIX)
    return report.longreprtext


def _is_subtest(report: pytest.TestReport) -> bool:
    """Whether this is about a part of a test's call, from the `subtests` fixture or `subTest`."""
    return hasattr(report, "context") and "subtest" in type(report).__name__.lower()
