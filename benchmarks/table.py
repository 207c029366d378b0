"""Write results for people: lines for a terminal, or a table in Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.competitors import FASTEST, PLAIN, XDIST

if TYPE_CHECKING:
    from benchmarks.cases import Case
    from benchmarks.rounds import Result, Series

HEADINGS = ("suite", "workers", "plain", "fastest", "xdist", "fastest", "xdist", "goal")
WIDTHS = (14, 7, 22, 22, 22, 16, 16, 0)


def heading(*, markdown: bool) -> str:
    """Return the head of the table."""
    if markdown:
        names = (
            "suite",
            "workers",
            "plain, s",
            "Fastest, s",
            "xdist, s",
            "Fastest",
            "xdist",
            "goal",
        )
        return _markdown(names) + "\n" + _markdown(("---",) * len(names))
    return _columns(HEADINGS)


def row(case: Case, result: Result, *, markdown: bool) -> str:
    """Return the line of a case: medians (shortest to longest), and ratios to plain pytest."""
    times = [_time(result[competitor]) for competitor in (PLAIN, FASTEST, XDIST)]
    ratios = [_ratio(case, result[PLAIN], result[competitor]) for competitor in (FASTEST, XDIST)]
    cells = (case.name, str(case.workers), *times, *ratios, case.goal)
    return _markdown(cells) if markdown else _columns(cells)


def memory_row(case: Case, result: Result, *, markdown: bool) -> str:
    """Return the line with the peaks of memory, in shares of xdist's; nothing if not measured."""
    peaks = [result[competitor].peak for competitor in (PLAIN, FASTEST, XDIST)]
    if not any(peaks):
        return ""
    sizes = [f"{peak / 2**20:.0f} MiB" if peak else "failed" for peak in peaks]
    share = f"{peaks[1] / peaks[2]:.0%} of xdist" if peaks[1] and peaks[2] else ""
    cells = (f"{case.name}, peak", str(case.workers), *sizes, share, "", case.memory_goal)
    return _markdown(cells) if markdown else _columns(cells)


def errors(result: Result) -> list[str]:
    """Return a line for everybody who failed."""
    return [f"{competitor.name}: {s.error}" for competitor, s in result.items() if s.error]


def _time(series: Series) -> str:
    if series.error:
        return "failed"
    shortest, longest = series.spread
    return f"{series.seconds:.2f} ({shortest:.2f} to {longest:.2f})"


def _ratio(case: Case, plain: Series, series: Series) -> str:
    """Return how many times as fast as plain, or how many seconds more than plain."""
    if plain.error or series.error:
        return ""
    if case.overhead:
        return f"{series.seconds - plain.seconds:+.2f} s"
    return f"{plain.seconds / series.seconds:.2f}x"


def _columns(cells: tuple[str, ...]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, WIDTHS, strict=True)).rstrip()


def _markdown(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"
