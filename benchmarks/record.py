"""Keep results as plain values, to draw them later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.cases import Case
    from benchmarks.rounds import Result


def of(measured: Iterable[tuple[Case, Result]]) -> list[dict[str, Any]]:
    """Return a dictionary for each case: its name, workers, limit, and by competitor all seconds and peaks."""
    return [
        {
            "case": case.name,
            "workers": case.workers,
            "limit": result.limit,
            "seconds": {one.name: [run.seconds for run in series.timed] for one, series in result.series.items()},
            "peaks": {one.name: series.peak for one, series in result.series.items() if series.peak},
        }
        for case, result in measured
    ]
