"""The judge sees whatever is not as it should be."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from soak.observe import Mark, Observed, Report, Struck
from soak.states import State, expected_state, expected_steps
from soak.suite import WORDS, Case, Class, Function, Kind, Module, Phase, Plan, Stop, Victim
from soak.verdict import Judge

if TYPE_CHECKING:
    from collections.abc import Callable

GW0, GW1 = 100, 101
JUNIT = {"failed": "failure", "skipped": "skipped"}
OUTCOMES = {
    State.PASSED: ("passed", "passed", "passed"),
    State.XPASSED: ("passed", "passed", "passed"),
    State.FAILED: ("passed", "failed", "passed"),
    State.FAILED_IN_SETUP: ("failed", None, "passed"),
    State.FAILED_IN_TEARDOWN: ("passed", "passed", "failed"),
    State.SKIPPED: ("skipped", None, "passed"),
    State.XFAILED: ("passed", "skipped", "passed"),
    State.CRASHED: ("passed", "failed", "passed"),
    State.HUNG: ("passed", "failed", "passed"),
    State.NOT_RUN: ("failed", None, None),
}


def case_of(number: int, kind: Kind, phase: Phase = Phase.CALL, deed: str | None = None) -> Case:
    return Case(number, kind, phase, deed, 0.0, nodeid=f"test_a.py::test_{number}")


TESTS = (
    case_of(0, Kind.PASSES),
    case_of(1, Kind.PASSES),
    case_of(2, Kind.FAILS, Phase.CALL, "fail"),
    case_of(3, Kind.FAILS, Phase.SETUP, "fail"),
    case_of(4, Kind.FAILS, Phase.TEARDOWN, "fail"),
    case_of(5, Kind.IS_SKIPPED),
    case_of(6, Kind.XFAILS, Phase.CALL, "fail"),
    case_of(7, Kind.XPASSES),
    case_of(8, Kind.CRASHES, Phase.CALL, "abort"),
    case_of(9, Kind.HANGS, Phase.CALL, "child"),
)


def plan_of(*tests: Case) -> Plan:
    functions = tuple(Function((test,), False, (), ()) for test in tests)
    modules = (Module("test_a.py", (Class(None, functions),)),)
    return Plan(0, modules, 2, "fork", False, 1000, 0, Stop.NONE, 1, (), 1)


PLAN = plan_of(*TESTS)


def text_of(test: Case, found: State) -> str:
    match found:
        case State.CRASHED:
            word = WORDS.get(str(test.deed), "was killed by SIGKILL")
            return f"worker 'gw0' crashed while running '{test.nodeid}': it {word}"
        case State.HUNG:
            return f"worker 'gw0' crashed while running '{test.nodeid}': it was killed because it hung"
        case State.NOT_RUN:
            return "not run: every worker has crashed"
        case _:
            return ""


def become(observed: Observed, test: Case, found: State, steps: list[str], pid: int = GW0) -> None:
    """Puts what can be seen of one test into the place of what was there."""
    observed.marks = [mark for mark in observed.marks if mark.what != str(test.number)]
    observed.marks += [Mark(step, str(test.number), pid, f"gw{pid - GW0}", 0.0) for step in steps]
    whens = zip(("setup", "call", "teardown"), OUTCOMES.get(found, ()), strict=False)
    xfail = found in (State.XFAILED, State.XPASSED)
    observed.reports[test.nodeid] = [
        Report(when, outcome, xfail and when == "call", text_of(test, found) * (outcome == "failed"), f"gw{pid - GW0}")
        for when, outcome in whens
        if outcome
    ]
    observed.starts[test.nodeid] = observed.finishes[test.nodeid] = int(found is not State.ABSENT)


def last_line(observed: Observed) -> None:
    """What the terminal and the junit file say, by what was reported."""
    counts: Counter[str] = Counter()
    observed.junit = {}
    for nodeid, reports in observed.reports.items():
        for report in reports:
            if report.outcome == "failed":
                counts["failed" if report.when == "call" else "errors"] += 1
            elif report.outcome == "skipped":
                counts["xfailed" if report.expected_to_fail else "skipped"] += 1
            elif report.outcome == "rerun":
                counts["rerun"] += 1
            elif report.when == "call":
                counts["xpassed" if report.expected_to_fail else "passed"] += 1
        children = Counter(JUNIT[r.outcome] for r in reports if r.outcome in JUNIT)
        if reports:
            observed.junit["test_a", nodeid.rpartition("::")[2]] = children
    observed.output = ", ".join(f"{count} {noun}" for noun, count in counts.items()) + " in 1.00s"


def as_planned(plan: Plan = PLAN) -> Observed:
    observed = Observed(1, "", [], [], [])
    for test in plan.tests():
        become(observed, test, expected_state(test), expected_steps(test))
    last_line(observed)
    return observed


def told(observed: Observed, plan: Plan = PLAN) -> str:
    return "\n".join(map(str, Judge(plan, observed).differences()))


def test_a_run_as_planned() -> None:
    judge = Judge(PLAN, as_planned())
    assert judge.differences() == []
    assert judge.states == {test: expected_state(test) for test in TESTS}
    assert judge.outside() == 0


def lose_mark(observed: Observed) -> None:
    del observed.marks[3]


def lose_all_marks(observed: Observed) -> None:
    observed.marks = observed.marks[7:]


def run_again(observed: Observed) -> None:
    observed.marks += [replace(mark, pid=GW1) for mark in observed.marks[:7]]


def lose_test(observed: Observed) -> None:
    become(observed, TESTS[0], State.ABSENT, [])
    last_line(observed)


def lose_report(observed: Observed) -> None:
    del observed.reports[TESTS[0].nodeid][2]


def report_again(observed: Observed) -> None:
    observed.reports[TESTS[0].nodeid] *= 2


def finish_again(observed: Observed) -> None:
    observed.finishes[TESTS[0].nodeid] += 1


def never_finish(observed: Observed) -> None:
    observed.finishes[TESTS[0].nodeid] = 0


def pass_what_fails(observed: Observed) -> None:
    become(observed, TESTS[2], State.PASSED, expected_steps(TESTS[2]))
    last_line(observed)


def pass_what_crashes(observed: Observed) -> None:
    become(observed, TESTS[8], State.PASSED, expected_steps(TESTS[8]))
    last_line(observed)


def name_another_signal(observed: Observed) -> None:
    reports = observed.reports[TESTS[8].nodeid]
    reports[1] = replace(reports[1], text=reports[1].text.replace("SIGABRT", "SIGSEGV"))


def name_another_worker(observed: Observed) -> None:
    reports = observed.reports[TESTS[0].nodeid]
    observed.reports[TESTS[0].nodeid] = [replace(report, worker="gw1") for report in reports]


def die_of_nothing(observed: Observed) -> None:
    become(observed, TESTS[0], State.CRASHED, ["start", "setup", "before"])
    last_line(observed)


def hang_for_no_reason(observed: Observed) -> None:
    become(observed, TESTS[0], State.HUNG, ["start", "setup", "before"])
    last_line(observed)


def not_run_for_no_reason(observed: Observed) -> None:
    become(observed, TESTS[0], State.NOT_RUN, [])
    last_line(observed)


def forget_in_junit(observed: Observed) -> None:
    assert observed.junit is not None
    del observed.junit["test_a", "test_0"]


def pass_in_junit(observed: Observed) -> None:
    assert observed.junit is not None
    observed.junit["test_a", "test_2"].clear()


def count_wrong(observed: Observed) -> None:
    observed.output = observed.output.replace("3 passed", "2 passed")


def leave_process(observed: Observed) -> None:
    observed.left.append("python -m pytest")


def leave_child_of_a_hang(observed: Observed) -> None:
    observed.left.append("sleep 1000")


def leave_with_another_code(observed: Observed) -> None:
    observed.returncode = 0


def leave_a_fixture(observed: Observed) -> None:
    observed.marks.append(Mark("up", "module", GW1, "gw1", 0.0))


def invent_a_test(observed: Observed) -> None:
    observed.starts["test_b.py::test_b"] += 1


TAMPERED = [
    (lose_mark, "test_0: passed, and came to"),
    (lose_all_marks, "test_0: passed, and came to []"),
    (run_again, "test_0: ran in more than one process"),
    (lose_test, "test_0: absent, expected passed"),
    (lose_report, "test_0: reported as"),
    (report_again, "test_0: reported as"),
    (finish_again, "test_0: reported as"),
    (never_finish, "test_0: broken off, expected passed"),
    (pass_what_fails, "test_2: passed, expected failed"),
    (pass_what_crashes, "test_8: passed, expected crashed"),
    (name_another_signal, "test_8: crashed, expected crashed"),
    (name_another_worker, "test_0: reported by {'gw1'}, ran in gw0"),
    (die_of_nothing, "test_0: crashed, expected passed"),
    (hang_for_no_reason, "test_0: hung, expected passed"),
    (not_run_for_no_reason, "test_0: not run, expected passed"),
    (forget_in_junit, "test_0: is not in the junit file"),
    (pass_in_junit, "test_2: in the junit file {}"),
    (count_wrong, "the run: the last line says"),
    (leave_process, "the run: left behind: ['python -m pytest']"),
    (leave_child_of_a_hang, "the run: left behind: ['sleep 1000']"),
    (leave_with_another_code, "the run: exit code 0, expected 1"),
    (leave_a_fixture, "the run: fixtures of module scope: 1 more set up"),
    (invent_a_test, "the run: reports of tests that do not exist"),
]


@pytest.mark.parametrize(("tamper", "word"), TAMPERED, ids=[tamper.__name__ for tamper, _ in TAMPERED])
def test_what_is_wrong_is_told(tamper: Callable[[Observed], None], word: str) -> None:
    observed = as_planned()
    tamper(observed)
    assert word in told(observed)


def test_a_kill_from_outside_explains_one_death() -> None:
    observed = as_planned()
    become(observed, TESTS[0], State.CRASHED, ["start", "setup"], pid=GW1)
    observed.strikes.append(Struck(Victim.WORKER, GW1, 1))
    last_line(observed)
    assert told(observed) == ""
    become(observed, TESTS[1], State.CRASHED, ["start"], pid=GW1)
    last_line(observed)
    assert "the run: 1 workers were killed from outside, 2 died of it" in told(observed)


def test_whoever_was_killed_can_t_have_come_further() -> None:
    observed = as_planned()
    become(observed, TESTS[0], State.CRASHED, ["setup", "before"], pid=GW1)
    observed.strikes.append(Struck(Victim.WORKER, GW1, 1))
    last_line(observed)
    assert "test_0: killed, and came to ['setup', 'before']" in told(observed)


def test_without_workers_the_rest_is_not_run() -> None:
    plan = replace(PLAN, restarts=0)
    observed = as_planned(plan)
    become(observed, TESTS[0], State.NOT_RUN, [])
    last_line(observed)
    assert told(observed, plan) == ""
    assert "test_0: not run" in told(observed, replace(plan, restarts=1))


def test_a_run_that_stops_leaves_tests_out() -> None:
    plan = replace(PLAN, stop=Stop.MAXFAIL, maxfail=3)
    observed = as_planned(plan)
    become(observed, TESTS[0], State.ABSENT, [])
    last_line(observed)
    assert told(observed, plan) == ""
    assert "test_0: absent" in told(observed, replace(plan, maxfail=9))
    become(observed, TESTS[0], State.ABSENT, ["start"])
    assert "test_0: absent" in told(observed, plan)


def test_what_is_interrupted_is_named() -> None:
    plan = replace(PLAN, stop=Stop.INTERRUPT)
    observed = as_planned(plan)
    observed.returncode = 2
    observed.strikes.append(Struck(Victim.GROUP, 1, 5))
    become(observed, TESTS[0], State.ABSENT, ["start", "setup", "before", "down", "gone"])
    last_line(observed)
    assert "is not named as interrupted" in told(observed, plan)
    observed.output = f"=== interrupted tests ===\n{TESTS[0].nodeid}\n{'=' * 9} {observed.output} ==="
    assert told(observed, plan) == ""


def test_serial_tests_run_alone_and_families_stay_together() -> None:
    serial = replace(TESTS[0], serial=True)
    family = [replace(test, family="test_a.py::TestA") for test in (TESTS[1], TESTS[5], TESTS[7])]
    plan = plan_of(serial, *family)
    observed = as_planned(plan)
    observed.returncode = 0
    assert told(observed, plan) == ""
    observed.marks = [replace(mark, at=float(at)) for at, mark in enumerate(observed.marks)]
    observed.marks += [Mark("start", "7", GW1, "gw1", 2.5)]
    assert "{'7'} ran beside test_a.py::test_0" in told(observed, plan)
    become(observed, family[1], State.SKIPPED, ["start", "end"], pid=GW1)
    assert "test_a.py::TestA was parted" in told(observed, plan)


def run_again_alone(observed: Observed, test: Case, found: State, pid: int) -> None:
    """Puts another attempt, in a worker of its own, behind the one that has crashed."""
    earlier = observed.marks, observed.reports[test.nodeid]
    steps = expected_steps(test)
    become(observed, test, found, steps, pid)
    reports = [replace(report, outcome="rerun") if report.text else report for report in earlier[1]]
    observed.marks = earlier[0] + [mark for mark in observed.marks if mark.pid == pid]
    observed.reports[test.nodeid] = reports + observed.reports[test.nodeid]
    observed.starts[test.nodeid] = observed.finishes[test.nodeid] = 2
    last_line(observed)


def test_what_crashes_runs_again_alone() -> None:
    plan = replace(PLAN, retries=1)
    observed = as_planned(plan)
    assert "test_8: crashed 1 times, and was to run again 1 times" in told(observed, plan)
    run_again_alone(observed, TESTS[8], State.CRASHED, GW1)
    assert told(observed, plan) == ""
    observed.marks.append(Mark("start", "0", GW1, "gw1", 0.0))
    assert "test_8: ran again, and not alone: {" in told(observed, plan)


def test_only_a_crash_lets_a_test_run_again() -> None:
    plan = replace(PLAN, retries=1)
    observed = as_planned(plan)
    run_again_alone(observed, TESTS[8], State.CRASHED, GW1)
    become(observed, TESTS[0], State.CRASHED, ["start"])
    run_again_alone(observed, TESTS[0], State.PASSED, GW1 + 1)
    assert "test_0: crashed in gw0, and came to ['start']" in told(observed, plan)
    observed.strikes.append(Struck(Victim.WORKER, GW0, 1))
    assert told(observed, plan) == ""
