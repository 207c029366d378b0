"""Measure a case: every competitor in turn, round after round, so that noise meets all alike."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.competitors import COMPETITORS, Competitor
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
    def spread(self) -> tuple[float, float]:
        """Shortest and longest wall time."""
        seconds = [sample.seconds for sample in self.timed]
        return min(seconds), max(seconds)

    @property
    def peak(self) -> float:
        """Median peak in bytes; 0 where it was not measured."""
        return median(sample.peak for sample in self.sampled) if self.sampled else 0.0


Result = dict[Competitor, Series]


def command_of(python: Path, case: Case, competitor: Competitor) -> list[str]:
    """Return the exact command of a competitor for a case."""
    return [str(python), *competitor.arguments(case.workers), *case.arguments]


def measure(case: Case, python: Path, rounds: int) -> Result:
    """Run everybody once to warm up, then round-robin. Who fails is left out, with the error."""
    result: Result = {competitor: Series() for competitor in COMPETITORS}
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        folder = Path(name)
        if case.write:
            case.write(folder)
        warm: dict[Competitor, int] = {}
        for competitor, series in result.items():
            if sample := _attempt(series, command_of(python, case, competitor), folder):
                warm[competitor] = sample.passed
        for _ in range(rounds * case.more_rounds):
            for competitor, series in result.items():
                if sample := _attempt(series, command_of(python, case, competitor), folder):
                    series.timed.append(sample)
        for _ in range(MEMORY_ROUNDS if case.memory_goal and is_supported() else 0):
            for competitor, series in result.items():
                command = command_of(python, case, competitor)
                if sample := _attempt(series, command, folder, memory=True):
                    series.sampled.append(sample)
    _same_tests(result, warm)
    return result


def _attempt(series: Series, command: list[str], cwd: Path, *, memory: bool = False) -> Sample | None:
    """Run a command unless it failed before."""
    if series.error:
        return None
    try:
        return run_once(command, cwd, memory=memory)
    except BenchmarkError as error:
        series.error = str(error)
        return None


def _same_tests(result: Result, passed: dict[Competitor, int]) -> None:
    """Mark who passed another number of tests than the first competitor: it ran something else."""
    expected = next(iter(passed.values()), 0)
    for competitor, count in passed.items():
        if count != expected:
            result[competitor].error = f"{count} tests passed, {expected} expected"
