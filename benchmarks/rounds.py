"""Measure a case: every competitor in turn, round after round, so that noise meets all alike."""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from benchmarks import first_test
from benchmarks.competitors import PLAIN, QUICK, Competitor
from benchmarks.measure import BenchmarkError, Sample, run_once
from benchmarks.memory import is_supported

if TYPE_CHECKING:
    from benchmarks.cases import Case

MEMORY_ROUNDS = 3
"""Runs for the peak of memory, which is far steadier than time (within 2 % here)."""


@dataclass
class Series:
    """The runs of a competitor: timed ones, and others with their memory sampled."""

    timed: list[Sample] = field(default_factory=list)
    sampled: list[Sample] = field(default_factory=list)
    error: str = ""

    @property
    def seconds(self) -> float:
        """Median wall time."""
        return median(sample.seconds for sample in self.timed)

    @property
    def processor(self) -> float:
        """Median processor time."""
        return median(sample.processor for sample in self.timed)

    @property
    def spread(self) -> tuple[float, float]:
        """Shortest and longest wall time."""
        seconds = [sample.seconds for sample in self.timed]
        return min(seconds), max(seconds)

    @property
    def peak(self) -> float:
        """Median peak in bytes; 0 where it was not measured."""
        return median(sample.peak for sample in self.sampled) if self.sampled else 0.0


@dataclass
class Result:
    """What a case has given.

    `limit`: seconds that nobody can beat with this number of workers: plain pytest's time to its first test, and the
    rest of it divided by the workers, by the cores if the tests compute. 0 if plain pytest has failed.
    """

    series: dict[Competitor, Series]
    limit: float = 0.0


def command_of(python: Path, case: Case, competitor: Competitor) -> list[str]:
    """Return the exact command of a competitor for a case."""
    return competitor.command_line(python, case.workers, case.arguments)


def measure(case: Case, python: Path, rounds: int, *, full: bool) -> Result:
    """Run everybody once to warm up, then round-robin. Who fails is left out, with the error."""
    who = [one for one in case.competitors if (full or one in QUICK) and one.is_installed(python)]
    result = Result({competitor: Series() for competitor in who})
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        folder = Path(name)
        if case.write:
            case.write(folder)
        warm: dict[Competitor, int] = {}
        for competitor, series in result.series.items():
            if sample := _attempt(series, command_of(python, case, competitor), folder):
                warm[competitor] = sample.passed
        for _ in range(rounds * case.more_rounds):
            for competitor, series in result.series.items():
                if sample := _attempt(series, command_of(python, case, competitor), folder):
                    series.timed.append(sample)
        if not result.series[PLAIN].error:
            result.limit = _limit(case, command_of(python, case, PLAIN), folder, result.series[PLAIN].seconds)
        for _ in range(MEMORY_ROUNDS if case.memory_goal and is_supported() else 0):
            for competitor, series in result.series.items():
                command = command_of(python, case, competitor)
                if sample := _attempt(series, command, folder, memory=True):
                    series.sampled.append(sample)
    _same_tests(result.series, warm)
    return result


def _limit(case: Case, plain: list[str], folder: Path, seconds: float) -> float:
    """Measure when plain pytest's first test starts: median of three runs."""
    moments = []
    for number in range(3):
        file = folder / f"first-test-{number}"
        variables = {first_test.VARIABLE: str(file), "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
        began = time.clock_gettime(time.CLOCK_MONOTONIC)
        run_once([*plain, "-p", first_test.__name__], folder, variables=variables)
        moments.append(float(file.read_text("utf-8")) - began)
    start = median(moments)
    lanes = case.workers if case.waiting else min(case.workers, os.cpu_count() or 1)
    return start + (seconds - start) / lanes


def _attempt(series: Series, command: list[str], cwd: Path, *, memory: bool = False) -> Sample | None:
    """Run a command unless it failed before."""
    if series.error:
        return None
    try:
        return run_once(command, cwd, memory=memory)
    except BenchmarkError as error:
        series.error = str(error)
        return None


def _same_tests(series: dict[Competitor, Series], passed: dict[Competitor, int]) -> None:
    """Mark who passed another number of tests than the first competitor: it ran something else."""
    expected = next(iter(passed.values()), 0)
    for competitor, count in passed.items():
        if count != expected:
            series[competitor].error = f"{count} tests passed, {expected} expected"
