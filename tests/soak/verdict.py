"""Compares what a run reported with what its tests wrote down, and both with what was to happen. Pure."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import TYPE_CHECKING

from soak import actor
from soak.observe import Mark, is_of_test
from soak.states import State, expected_state, expected_steps, state
from soak.suite import INTERRUPTED, WORDS, Case, Kind, Plan, Stop, Victim

if TYPE_CHECKING:
    from collections.abc import Iterator

    from soak.observe import Observed, Report


@dataclass(frozen=True)
class Difference:
    subject: str
    text: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.text}"


# In the report of a worker that has died; the second one if it was killed because it hung.
CRASH, HANG = "crashed while running", "because it hung"


class Judge:
    """Looks at one run."""

    def __init__(self, plan: Plan, observed: Observed) -> None:
        self._plan = plan
        self._observed = observed
        self._tests = plan.tests()
        self._marks: dict[int, list[Mark]] = defaultdict(list)
        self._names: dict[int, set[str]] = defaultdict(set)
        for mark in observed.marks:
            self._names[mark.pid].add(mark.worker)
            if is_of_test(mark):
                self._marks[int(mark.what)].append(mark)
        # Workers in which a test has crashed before it ran again, or was to: then it has crashed there for good.
        self._unconfirmed = {test: _unconfirmed(self._heard(test)) for test in self._tests}
        self._earlier = {
            test: [
                report.worker
                for report in self._heard(test)
                if report.outcome == "rerun" and report.worker != self._unconfirmed[test]
            ]
            for test in self._tests
        }
        self.states = {test: self._state(test) for test in self._tests}
        self._killed = {strike.pid for strike in observed.strikes if strike.victim is Victim.WORKER}
        self._parent_is_killed = any(strike.victim is Victim.PARENT for strike in observed.strikes)
        self._interrupted = any(strike.victim in INTERRUPTED for strike in observed.strikes)
        self._errors = re.findall(r"^worker '(gw\d+)' (.*) outside of any test", observed.output, re.MULTILINE)

    def differences(self) -> list[Difference]:
        found = [Difference(test.nodeid, text) for test in self._tests for text in self._of_test(test)]
        found += [Difference("the run", text) for text in self._of_run()]
        return found

    def outside(self) -> int:
        """How often a signal from outside has ended a test."""
        crashes = ((test, report) for test in self._tests for report in self._heard(test) if CRASH in report.text)
        return sum(
            HANG not in report.text and not _is_planned(test, report.text)
            for test, report in crashes
            # Told twice.
            if not (report.outcome == "rerun" and report.worker == self._unconfirmed[test])
        )

    def _heard(self, test: Case) -> list[Report]:
        return self._observed.reports.get(test.nodeid, [])

    def _last_reports(self, test: Case) -> list[Report]:
        if worker := self._unconfirmed[test]:
            reports = [report for report in self._heard(test) if report.worker == worker]
            place = [report.outcome for report in reports].index("rerun")
            return reports[:place] + reports[place + 2 :]
        return [report for report in self._heard(test) if report.worker not in self._earlier[test]]

    def _state(self, test: Case) -> State:
        times = len(self._earlier[test])
        if self._unconfirmed[test]:
            # It may have begun once more, and was interrupted.
            return state(self._last_reports(test), 1, 1)
        starts, finishes = self._observed.starts[test.nodeid], self._observed.finishes[test.nodeid]
        return state(self._last_reports(test), starts - times, finishes - times)

    # A test.

    def _of_test(self, test: Case) -> Iterator[str]:
        found = self.states[test]
        marks = [mark for mark in self._marks[test.number] if mark.worker not in self._earlier[test]]
        if worker := self._unconfirmed[test]:
            marks = [mark for mark in marks if mark.worker == worker]
        steps = [mark.step for mark in marks]
        if len({mark.pid for mark in marks}) > 1:
            yield f"ran in more than one process: {marks}"
        if any(count > 1 for count in Counter(steps).values()):
            yield f"ran more than once: {steps}"
        if found is State.NONSENSE:
            yield f"reported as {self._heard(test)}"
        elif self._is_as_planned(test, found):
            yield from self._as_planned(test, found, steps)
        else:
            yield from self._otherwise(test, found, steps)
        workers = {report.worker for report in self._last_reports(test) if report.worker}
        if marks and workers - {marks[0].worker}:
            yield f"reported by {workers}, ran in {marks[0].worker}"
        if found not in (State.ABSENT, State.BROKEN_OFF, State.NONSENSE):
            yield from self._in_junit(test)
        yield from self._again(test, found)

    def _again(self, test: Case, found: State) -> Iterator[str]:
        """The attempts before the last have crashed; those behind the first were alone."""
        earlier = self._earlier[test]
        whole = list(actor.STEPS) if test.kind is Kind.HANGS else expected_steps(test)
        for worker in earlier:
            steps = [mark.step for mark in self._marks[test.number] if mark.worker == worker]
            is_whole = test.kind is Kind.CRASHES and steps == whole
            is_killed = self._parent_is_killed or self._may_be_killed(worker)
            if not (is_whole or (is_killed and _begins(steps, whole))):
                yield f"crashed in {worker}, and came to {steps}"
        alone = {mark.pid for mark in self._marks[test.number] if earlier and mark.worker != earlier[0]}
        beside = {mark.what for mark in self._observed.marks if is_of_test(mark) and mark.pid in alone}
        if beside - {str(test.number)}:
            yield f"ran again, and not alone: {beside}"
        may_do_without = self._may_stop() or self._parent_is_killed
        crashed = [report for report in self._last_reports(test) if CRASH in report.text]
        if (
            found is State.CRASHED
            and len(earlier) != self._plan.retries
            and crashed[0].when == "call"
            and not may_do_without
        ):
            yield f"crashed {len(earlier) + 1} times, and was to run again {self._plan.retries} times"

    def _is_as_planned(self, test: Case, found: State) -> bool:
        text = "".join(report.text for report in self._last_reports(test))
        return found is expected_state(test) and (test.kind is not Kind.CRASHES or _is_planned(test, text))

    def _as_planned(self, test: Case, found: State, steps: list[str]) -> Iterator[str]:
        expected = expected_steps(test)
        if found is State.HUNG:
            # What wakes it up to write its stacks may let it go on, for the last half second.
            if steps[: len(expected)] != expected or not _is_part_of(steps, actor.STEPS):
                yield f"hung, and came to {steps}"
        elif steps != expected and not (test.deed == "kill" and self._is_hit(test) and _begins(steps, expected)):
            yield f"{found.value}, and came to {steps}"

    def _otherwise(self, test: Case, found: State, steps: list[str]) -> Iterator[str]:
        """What only somebody from outside, or the end of the run, can be the reason of."""
        expected = expected_steps(test)
        match found:
            case State.CRASHED if self._is_hit(test):
                # What a hanging test is woken up for may have let it go on.
                if not _begins(steps, list(actor.STEPS) if test.kind is Kind.HANGS else expected):
                    yield f"killed, and came to {steps}"
            case State.NOT_RUN if self._may_be_out_of_workers() or (self._earlier[test] and self._killed):
                if steps:
                    yield f"not run, and came to {steps}"
            case State.ABSENT if self._earlier[test]:
                yield "has crashed, and came to no end"
            case State.ABSENT if self._may_stop() and not steps:
                pass
            case State.ABSENT | State.BROKEN_OFF if self._may_break_off():
                if test.nodeid not in self._observed.section("interrupted tests").splitlines():
                    yield f"{found.value}, came to {steps}, and is not named as interrupted"
                if not _is_part_of(steps, actor.STEPS):
                    yield f"{found.value}, and came to {steps}"
            case _:
                yield f"{found.value}, expected {expected_state(test).value}; came to {steps}"

    def _is_hit(self, test: Case) -> bool:
        """A signal from outside can have ended the test's worker, in the words of the report."""
        report = next(report for report in self._last_reports(test) if CRASH in report.text)
        if self._parent_is_killed and "lost its connection" in report.text:
            return True
        return "was killed by SIGKILL" in report.text and self._may_be_killed(report.worker)

    def _may_be_killed(self, worker: str | None) -> bool:
        names = {name for pid in self._killed for name in self._names.get(pid, ())}
        # Who was killed before its first test has no name.
        return worker in names or any(pid not in self._names for pid in self._killed)

    def _in_junit(self, test: Case) -> Iterator[str]:
        if self._observed.junit is None:
            return
        path, *names = test.nodeid.split("::")
        address = ".".join([path.removesuffix(".py").replace("/", "."), *names[:-1]]), names[-1]
        found = self._observed.junit.get(address)
        outcomes = Counter(report.outcome for report in self._observed.reports[test.nodeid])
        if found is None:
            yield "is not in the junit file"
        elif (found["failure"] + found["error"], found["skipped"]) != (outcomes["failed"], outcomes["skipped"]):
            yield f"in the junit file {dict(found)}, reported {dict(outcomes)}"

    # Why a run may have left tests out.

    def _deaths(self) -> int:
        reports = (report for test in self._tests for report in self._heard(test))
        return sum(CRASH in report.text for report in reports) + len(self._errors)

    def _may_be_out_of_workers(self) -> bool:
        return self._parent_is_killed or self._deaths() >= self._plan.workers + self._plan.allowed_restarts

    def _failures(self) -> int:
        return sum(report.outcome == "failed" for reports in self._observed.reports.values() for report in reports)

    def _may_stop(self) -> bool:
        match self._plan.stop:
            case Stop.NONE:
                stops = self._is_lost()
            case Stop.MAXFAIL:
                stops = self._failures() >= self._plan.maxfail
            case Stop.FAIL_FAST:
                stops = self._failures() >= 1
            case Stop.INTERRUPT:
                stops = self._interrupted
        return stops or self._is_lost()

    def _may_break_off(self) -> bool:
        return self._may_stop() and self._plan.stop in (Stop.FAIL_FAST, Stop.INTERRUPT)

    def _is_lost(self) -> bool:
        """Whoever was to collect was killed before."""
        early = any(strike.begun == 0 for strike in self._observed.strikes)
        return early and "the process that collects" in self._observed.output

    # The run.

    def _of_run(self) -> Iterator[str]:
        expected = self._expected_code()
        if self._observed.returncode != expected:
            yield f"exit code {self._observed.returncode}, expected {expected}"
        known = {test.nodeid for test in self._tests}
        heard = set(self._observed.reports) | set(self._observed.starts) | set(self._observed.finishes)
        if heard - known:
            yield f"reports of tests that do not exist: {heard - known}"
        if not self._is_lost():
            yield from self._counts()
        yield from self._signals()
        if self._observed.left:
            yield f"left behind: {self._observed.left}"
        yield from self._fixtures()
        yield from self._families()
        yield from self._serial()
        if "INTERNALERROR" in self._observed.output and not self._is_lost():
            yield "an internal error"

    def _expected_code(self) -> int:
        if self._is_lost():
            return 3
        if self._interrupted:
            return 2
        return 1 if self._failures() or self._errors else 0

    def _counts(self) -> Iterator[str]:
        """The last line."""
        reports = [report for reports in self._observed.reports.values() for report in reports]
        expected = Counter(filter(None, map(_counted_as, reports)))
        line = next((line for line in reversed(self._observed.output.splitlines()) if " in " in line), "")
        words = re.findall(r"(\d+) (passed|failed|error|skipped|xfailed|xpassed|rerun)", line)
        found = {word: int(number) for number, word in words}
        if found != expected:
            yield f"the last line says {found}, reported were {dict(expected)}"

    def _signals(self) -> Iterator[str]:
        hit = self.outside() + len(self._errors)
        # The parent takes its children with it, and no worker comes for who is to run again.
        may = len(self._killed)
        if self._parent_is_killed:
            may += self._plan.workers + sum(map(bool, self._earlier.values()))
        if hit > may:
            yield f"{len(self._killed)} workers were killed from outside, {hit} died of it: {self._errors}"

    def _dead(self) -> set[int]:
        """The processes that did not come to their end."""
        crashed = {report.worker for test in self._tests for report in self._heard(test) if CRASH in report.text}
        return self._killed | {pid for pid, names in self._names.items() if names & crashed}

    def _fixtures(self) -> Iterator[str]:
        """Whoever sets a fixture up tears it down, unless the process dies."""
        if self._parent_is_killed:
            return
        balance: Counter[tuple[int, str]] = Counter()
        for mark in self._observed.marks:
            if not is_of_test(mark):
                balance[mark.pid, mark.what] += 1 if mark.step == "up" else -1
        for (pid, scope), count in balance.items():
            if count and pid not in self._dead():
                yield f"fixtures of {scope} scope: {count} more set up than torn down in {self._names[pid]}"

    def _families(self) -> Iterator[str]:
        """Only a death parts a class, or an `xdist_group`."""
        families: dict[str, list[int]] = defaultdict(list)
        members = {str(test.number): test for test in self._tests if test.family}
        for mark in self._observed.marks:
            # Who runs again does so alone.
            if mark.step == "start" and mark.what in members and not self._is_again(members[mark.what], mark):
                families[str(members[mark.what].family)].append(mark.pid)
        for family, pids in families.items():
            changes = [pid for pid, following in pairwise(pids) if pid != following]
            if set(changes) - self._dead() and not self._parent_is_killed:
                yield f"{family} was parted: {pids}"

    def _is_again(self, test: Case, mark: Mark) -> bool:
        earlier = self._earlier[test]
        return bool(earlier) and mark.worker != earlier[0]

    def _serial(self) -> Iterator[str]:
        """Nothing else runs while a serial test does."""
        of_tests = [mark for mark in self._observed.marks if is_of_test(mark)]
        for test in self._tests:
            for pid, marks in groupby(self._marks[test.number] if test.serial else (), lambda mark: mark.pid):
                times = [mark.at for mark in marks]
                beside = {mark.what for mark in of_tests if times[0] < mark.at < times[-1] and mark.pid != pid}
                if beside:
                    yield f"{beside} ran beside {test.nodeid}"


def _is_planned(test: Case, text: str) -> bool:
    return test.kind is Kind.CRASHES and WORDS[str(test.deed)] in text


def _counted_as(report: Report) -> str | None:
    match report.outcome:
        case "failed":
            return "failed" if report.when == "call" else "error"
        case "rerun":
            return "rerun"
        case "skipped":
            return "xfailed" if report.expected_to_fail else "skipped"
        case _:
            passed = "xpassed" if report.expected_to_fail else "passed"
            return passed if report.when == "call" else None


def _unconfirmed(reports: list[Report]) -> str | None:
    """The worker in which a test has crashed for good although it was to run again: the run was over before."""
    to_run_again = {report.worker for report in reports if report.outcome == "rerun"}
    for_good = [report.worker for report in reports if report.outcome == "failed" and CRASH in report.text]
    return next((worker for worker in for_good if worker in to_run_again), None)


def _begins(steps: list[str], whole: list[str]) -> bool:
    return steps == whole[: len(steps)]


def _is_part_of(steps: list[str], whole: tuple[str, ...]) -> bool:
    """In the same order; some may be missing."""
    remaining = iter(whole)
    return all(step in remaining for step in steps)
