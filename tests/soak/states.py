"""What became of a test by what was heard of it, and what was to become of it. Pure."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from soak import actor
from soak.suite import Case, Kind, Phase

if TYPE_CHECKING:
    from soak.observe import Report


class State(Enum):
    """What a run says became of a test."""

    PASSED = "passed"
    FAILED = "failed"
    FAILED_IN_SETUP = "failed in set-up"
    FAILED_IN_TEARDOWN = "failed in teardown"
    SKIPPED = "skipped"
    XFAILED = "xfailed"
    XPASSED = "xpassed"
    CRASHED = "crashed"
    HUNG = "hung"
    NOT_RUN = "not run"
    BROKEN_OFF = "broken off"
    ABSENT = "absent"
    NONSENSE = "nonsense"


_OF_KIND = {
    Kind.PASSES: State.PASSED,
    Kind.SKIPS: State.SKIPPED,
    Kind.IS_SKIPPED: State.SKIPPED,
    Kind.XFAILS: State.XFAILED,
    Kind.XPASSES: State.XPASSED,
    Kind.CRASHES: State.CRASHED,
    Kind.HANGS: State.HUNG,
}
_OF_PHASE = {
    Phase.SETUP: State.FAILED_IN_SETUP,
    Phase.CALL: State.FAILED,
    Phase.TEARDOWN: State.FAILED_IN_TEARDOWN,
}


WHOLE = ["setup", "call", "teardown"]
_TOLD = {"crashed while running": State.CRASHED, "because it hung": State.HUNG, "not run: ": State.NOT_RUN}


def state(reports: list[Report], starts: int, finishes: int) -> State:
    """What became of a test by what was heard of it."""
    if not (reports or starts or finishes):
        return State.ABSENT
    if starts != 1 or finishes > 1:
        return State.NONSENSE
    whens = [report.when for report in reports]
    if finishes == 0:
        return State.BROKEN_OFF if whens == WHOLE[: len(whens)] else State.NONSENSE
    failed = [report for report in reports if report.outcome == "failed"]
    told = [(report, found) for report in failed for word, found in _TOLD.items() if word in report.text]
    if told:
        return _ended_from_outside(reports, *told[-1])
    by_when = {report.when: report for report in reports}
    if whens not in (WHOLE, ["setup", "teardown"]) or (len(whens) == 2) is (by_when["setup"].outcome == "passed"):
        return State.NONSENSE
    return _ended_by_itself(by_when, failed)


def _ended_from_outside(reports: list[Report], last: Report, found: State) -> State:
    """The coordinator's word is the last, and comes behind what the worker had reported."""
    place = reports.index(last)
    before, behind = [report.when for report in reports[:place]], [report.when for report in reports[place + 1 :]]
    if found is State.NOT_RUN:
        return found if not before and not behind and last.when == "setup" else State.NONSENSE
    shapes = {"call": (["setup"][: len(before)], ["teardown"]), "teardown": (WHOLE[: len(before)], [])}
    return found if shapes.get(last.when) == (before, behind) else State.NONSENSE


def _ended_by_itself(by_when: dict[str, Report], failed: list[Report]) -> State:
    if len(failed) > 1:
        return State.NONSENSE
    if failed:
        return _OF_PHASE[Phase(failed[0].when)]
    body = by_when.get("call", by_when["setup"])
    if body.expected_to_fail:
        return State.XFAILED if body.outcome == "skipped" else State.XPASSED
    return State.SKIPPED if body.outcome == "skipped" else State.PASSED


def expected_state(test: Case) -> State:
    return _OF_PHASE[test.phase] if test.kind is Kind.FAILS else _OF_KIND[test.kind]


def expected_steps(test: Case) -> list[str]:
    """The steps that a test comes to if nobody disturbs it."""
    if test.kind is Kind.IS_SKIPPED:
        return ["start", "end"]
    if test.deed is None:
        return list(actor.STEPS)
    until = {Phase.SETUP: "setup", Phase.CALL: "before", Phase.TEARDOWN: "down"}[test.phase]
    reached = list(actor.STEPS[: actor.STEPS.index(until) + 1])
    if test.kind in (Kind.CRASHES, Kind.HANGS):
        return reached
    behind = {Phase.SETUP: ["end"], Phase.CALL: ["down", "gone", "end"], Phase.TEARDOWN: ["end"]}
    return reached + behind[test.phase]
