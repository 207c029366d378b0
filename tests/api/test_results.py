"""`fastest._results`: one result for each test."""

from __future__ import annotations

from fastest import Outcome
from fastest._results import Findings, complete_results


def event(node_id: str, outcome: str, message: str | None = None, worker: str = "gw0") -> dict:
    return {
        "kind": "result",
        "node_id": node_id,
        "outcome": outcome,
        "message": message,
        "worker": worker,
    }


def outcomes(results):
    return [(result.node_id, str(result.outcome), result.message) for result in results]


def test_what_is_reported_after_the_end_of_a_test_belongs_to_it():
    events = [
        event("a", "passed"),
        event("b", "failed", "first"),
        event("a", "error", "late"),
        event("b", "error", "x"),
    ]
    assert outcomes(complete_results(events, Findings(collected=("a", "b")), ())) == [
        ("a", "error", "late"),
        ("b", "failed", "first\n\nx"),
    ]


def test_a_node_id_that_was_collected_twice_has_two_results():
    events = [event("a", "passed", worker="gw0"), event("a", "failed", "text", worker="gw1")]
    results = complete_results(events, Findings(collected=("a", "a")), ())
    assert [result.outcome for result in results] == [Outcome.PASSED, Outcome.FAILED]


def test_the_reason_for_not_running_is_the_most_specific():
    events = [{"kind": "stopped", "reason": "stopping after 1 failures"}]
    findings = Findings(collected=("a",), deselected=("b",), missing=("c",))
    by_id = {result.node_id: result for result in complete_results(events, findings, ("c", "b"))}
    assert list(by_id) == ["c", "b", "a"]
    assert {result.outcome for result in by_id.values()} == {Outcome.NOT_RUN}
    assert "stopping after 1 failures" in by_id["a"].message
    assert "deselected" in by_id["b"].message
    assert "errors during collection" in by_id["c"].message


def test_results_are_kept_when_the_findings_were_lost():
    assert outcomes(complete_results([event("a", "passed")], Findings(), ())) == [("a", "passed", None)]
