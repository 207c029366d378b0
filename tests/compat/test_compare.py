"""What counts as a difference, and what does not."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from compare import Difference, Outcome, Run, compare, flaky_subjects, load_run, parse_summary

if TYPE_CHECKING:
    from pathlib import Path

PASSED = [Outcome("t.py::a", when, "passed") for when in ("setup", "call", "teardown")]


def run_of(*outcomes: Outcome, exit_code: int | None = 0, **summary: int) -> Run:
    return Run(exit_code, exit_code, Counter(outcomes), summary)


@pytest.mark.parametrize(
    ("line", "counts"),
    [
        ("1 passed in 0.01s", {"passed": 1}),
        ("===== 2 failed, 1 passed, 1 warning in 61.20s (0:01:01) =====",
         {"failed": 2, "passed": 1, "warnings": 1}),
        ("1 failed, 1 error in 0.10s", {"failed": 1, "errors": 1}),
        ("765 passed, 21194 subtests passed in 28.54s", {"passed": 765, "subtests passed": 21194}),
        ("3 deselected, 1 xfailed, 1 xpassed in 2s", {"deselected": 3, "xfailed": 1, "xpassed": 1}),
        ("no tests ran in 0.00s", {}),
        ("the test took 3 apples in 4 hours", {}),
        ("", {}),
    ],
)  # fmt: skip
def test_parse_summary(line: str, counts: dict[str, int]) -> None:
    assert parse_summary(f"...  [100%]\n{line}\n") == counts


def test_parse_summary_takes_the_last_line() -> None:
    assert parse_summary("1 failed in 0.1s\n\n2 passed in 0.1s\n\n") == {"passed": 2}


def test_equal_runs_do_not_differ() -> None:
    assert compare(run_of(*PASSED, passed=1), run_of(*reversed(PASSED), passed=1)) == []


def test_a_test_that_ends_otherwise_is_told_once() -> None:
    failed = [PASSED[0], Outcome("t.py::a", "call", "failed"), PASSED[2]]
    assert compare(run_of(*PASSED), run_of(*failed)) == [Difference("t.py::a", "call passed", "call failed")]


def test_a_lost_test() -> None:
    other = Outcome("t.py::b", "call", "passed")
    (difference,) = compare(run_of(*PASSED, other), run_of(other))
    assert str(difference) == ("t.py::a: plain call passed, setup passed, teardown passed, here nothing")


def test_an_unexpected_test() -> None:
    (difference,) = compare(run_of(), run_of(Outcome("t.py", "collect", "error")))
    assert difference == Difference("t.py", "nothing", "collect error")


def test_a_report_that_comes_twice_is_a_difference() -> None:
    twice = [*PASSED, PASSED[1], PASSED[1]]
    assert compare(run_of(*PASSED), run_of(*twice)) == [Difference("t.py::a", "nothing", "2 x call passed")]


def test_exit_codes_and_counts_are_compared() -> None:
    differences = compare(run_of(passed=2, warnings=1), run_of(exit_code=1, passed=2))
    assert differences == [
        Difference("exit code", "0", "1"),
        Difference("exit status of the session", "0", "1"),
        Difference("summary: warnings", "1", "0"),
    ]


def test_processes_that_are_left_behind_are_a_difference() -> None:
    (difference,) = compare(run_of(*PASSED), replace(run_of(*PASSED), orphans=True))
    assert difference == Difference("processes left behind", "False", "True")


def test_what_plain_runs_disagree_about_is_ignored() -> None:
    failed = run_of(Outcome("t.py::a", "call", "failed"), exit_code=1, failed=1)
    passed = run_of(Outcome("t.py::a", "call", "passed"), passed=1)
    flaky = flaky_subjects(passed, failed)
    assert "t.py::a" in flaky
    assert compare(passed, failed, ignore=flaky) == []


def test_other_tests_are_not_ignored_beside_flaky_ones() -> None:
    other, failed = (Outcome("t.py::b", "call", outcome) for outcome in ("passed", "failed"))
    (difference,) = compare(run_of(*PASSED, other), run_of(failed), ignore={"t.py::a"})
    assert difference.subject == "t.py::b"


def test_load_run(tmp_path: Path) -> None:
    record = tmp_path / "record.json"
    outcomes = [*PASSED, Outcome("t.py::b", "call", "failed"), Outcome("u.py", "collect", "error")]
    lines = [*outcomes, {"exit_status": 1}]
    record.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    run = load_run(record, "1 failed, 1 passed, 1 error in 1.00s", exit_code=1)
    assert run == run_of(*outcomes, exit_code=1, failed=1, passed=1, errors=1)
    assert run.tests == 2


def test_a_run_without_a_record_differs_from_one_with(tmp_path: Path) -> None:
    hung = load_run(tmp_path / "none.json", "", exit_code=None)
    differences = compare(run_of(*PASSED, passed=1), hung)
    assert Difference("exit code", "0", "None") in differences
    assert Difference("summary: passed", "1", "0") in differences
    assert Difference("reports", "3", "none") in differences


def test_a_run_that_died_keeps_what_it_had_recorded(tmp_path: Path) -> None:
    record = tmp_path / "record.json"
    record.write_text(json.dumps(PASSED[0]) + "\n", encoding="utf-8")
    died = load_run(record, "", exit_code=-9)
    assert Difference("t.py::a", "call passed, teardown passed", "nothing") in compare(run_of(*PASSED), died)
