"""One run of a random suite, and the sum of many."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from processes.harness import Suite

from soak import actor, observe, outside, source
from soak.states import State
from soak.suite import INTERRUPTED, Kind, Plan
from soak.verdict import Difference, Judge

# Seconds. A run that takes longer hangs; each test that hangs may take some more.
_BOUND = 60.0
_BOUND_OF_HANG = 6.0
# Seconds in which what a killed worker has started may still be there.
_GRACE = 5.0


@dataclass
class Figures:
    """What happened in all runs."""

    runs: int = 0
    states: Counter[State] = field(default_factory=Counter)
    killed: int = 0
    died_of_it: int = 0
    interrupted: int = 0
    differences: int = 0

    def add(self, judge: Judge, found: list[Difference], struck: list[observe.Struck]) -> None:
        self.runs += 1
        self.states.update(judge.states.values())
        self.died_of_it += judge.outside()
        self.killed += sum(strike.victim not in INTERRUPTED for strike in struck)
        self.interrupted += sum(strike.victim in INTERRUPTED for strike in struck)
        self.differences += len(found)

    def table(self) -> str:
        """As Markdown."""
        of = self.states
        columns = {
            "runs": self.runs,
            "tests": of.total(),
            "passed": of[State.PASSED] + of[State.XPASSED],
            "failed": of[State.FAILED] + of[State.FAILED_IN_SETUP] + of[State.FAILED_IN_TEARDOWN],
            "skipped, xfailed": of[State.SKIPPED] + of[State.XFAILED],
            "crashed": of[State.CRASHED],
            "of these by us": self.died_of_it,
            "hung": of[State.HUNG],
            "not run or broken off": of[State.NOT_RUN] + of[State.ABSENT] + of[State.BROKEN_OFF],
            "processes killed": self.killed,
            "Ctrl-C": self.interrupted,
            "**differences**": self.differences,
        }
        names, numbers = " | ".join(columns), " | ".join(f"{number:,}" for number in columns.values())
        return f"| {names} |\n|{'---|' * len(columns)}\n| {numbers} |"


def soak(plan: Plan, place: Path, figures: Figures) -> list[Difference]:
    """Runs the suite in that directory as often as the plan says; removes it if nothing was wrong."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    suite = Suite(place / "suite")
    _write(plan, suite)
    found: list[Difference] = []
    for _ in range(plan.rounds):
        found = _run(plan, suite, place, figures)
        if found:
            return found
    shutil.rmtree(place)
    return found


def _write(plan: Plan, suite: Suite) -> None:
    (suite.root / "conftest.py").write_text(Path(actor.__file__).read_text("utf-8"), "utf-8")
    (suite.root / "pytest.ini").write_text("[pytest]\naddopts = --junitxml=junit.xml\n", "utf-8")
    for name, text in source.files(plan).items():
        file = suite.root / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, "utf-8")


def _run(plan: Plan, suite: Suite, place: Path, figures: Figures) -> list[Difference]:
    observe.forget(suite.root)
    hangs = sum(test.kind is Kind.HANGS for test in plan.tests())
    struck: list[observe.Struck] = []
    try:
        # What may be left is for the verdict to say.
        with suite.running(*plan.arguments(), grace=_GRACE, leaves_processes=True) as running:
            struck = outside.strike(plan, suite.root, running)
            result = running.finish(_BOUND + _BOUND_OF_HANG * hangs)
            (place / "output").write_text(result.output, "utf-8")
            left = outside.left(running, _GRACE)
    except pytest.fail.Exception as failure:
        # It did not end, or has left its directory behind.
        figures.runs += 1
        figures.differences += 1
        return [Difference("the run", str(failure))]
    judge = Judge(plan, observe.observe(suite.root, result.returncode, result.output, struck, left))
    found = judge.differences()
    figures.add(judge, found, struck)
    return found
