"""From the events of a run to one result for every test that was to run."""

from __future__ import annotations

import json
from collections import defaultdict, deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from fastest.model import Outcome, TestResult

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

_FAILURES = (Outcome.FAILED, Outcome.ERROR)
_MISSING = "not found: there were errors during collection"
_DESELECTED = "deselected by the options of the run"
_STOPPED = "the run stopped before the test began"


@dataclass(frozen=True, slots=True)
class Findings:
    """What came of the collection, as the selection plugin noted it: node ids."""

    unknown: tuple[str, ...] = ()
    """Asked for, and not there."""
    missing: tuple[str, ...] = ()
    """Asked for, and perhaps in a file that could not be collected."""
    collected: tuple[str, ...] = ()
    deselected: tuple[str, ...] = ()
    asked_as: tuple[tuple[str, str], ...] = ()
    """Each id that was found, and the id in the request that led to it."""


def read_findings(file: Path) -> Findings:
    """What the selection plugin wrote; nothing if it was not finished."""
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return Findings()
    return Findings(**{name: tuple(node_ids) for name, node_ids in data.items()})


def restore_results(events: Iterable[Mapping[str, Any]]) -> list[TestResult]:
    """The results in the order in which the tests ended."""
    return [
        TestResult(
            **{name: value for name, value in event.items() if name not in {"kind", "outcome"}},
            outcome=Outcome(event["outcome"]),
        )
        for event in events
        if event["kind"] == "result"
    ]


def complete_results(
    events: Sequence[Mapping[str, Any]], findings: Findings, order: Sequence[str]
) -> tuple[TestResult, ...]:
    """Results in the order of the request, then of the collection, also for what did not run."""
    by_id: defaultdict[str, deque[TestResult]] = defaultdict(deque)
    for result in restore_results(events):
        by_id[result.node_id].append(result)
    reasons = {
        **dict.fromkeys(findings.deselected, _DESELECTED),
        **dict.fromkeys(findings.missing, _MISSING),
    }
    stopped = _stop_reason(events)
    rank = {node_id: index for index, node_id in enumerate(dict.fromkeys(order))}
    asked_as: dict[str, str] = dict(findings.asked_as)

    def place(node_id: str) -> int:
        asked: str = asked_as.get(node_id, node_id)
        return rank.get(asked, len(rank))

    expected = [*findings.collected, *findings.deselected, *findings.missing]
    expected.sort(key=place)  # stable
    results: list[TestResult] = []
    position: dict[str, int] = {}
    for node_id in expected:
        position[node_id] = len(results)
        if by_id[node_id]:
            results.append(by_id[node_id].popleft())
        else:
            reason = reasons.get(node_id, stopped)
            results.append(TestResult(node_id, Outcome.NOT_RUN, message=reason))
    for node_id, surplus in by_id.items():
        for result in surplus:
            if node_id in position:
                index = position[node_id]
                results[index] = _add_late(results[index], result)
            else:  # reported but never collected, by a plugin's doing
                results.append(result)
    return tuple(results)


def _add_late(result: TestResult, late: TestResult) -> TestResult:
    """Put what was reported after the end of a test with it: a session's fixture failed in its teardown."""
    if late.outcome not in _FAILURES:
        return result
    messages = [message for message in (result.message, late.message) if message]
    outcome = result.outcome if result.outcome in _FAILURES else late.outcome
    return replace(result, outcome=outcome, message="\n\n".join(messages))


def _stop_reason(events: Iterable[Mapping[str, Any]]) -> str:
    reason = next((event["reason"] for event in events if event["kind"] == "stopped"), None)
    return f"{_STOPPED}: {reason}" if reason else _STOPPED
