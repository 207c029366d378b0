"""Write results for people: lines for a terminal, or a table in Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.competitors import FASTEST, PLAIN, XDIST

if TYPE_CHECKING:
    from benchmarks.cases import Case
    from benchmarks.competitors import Competitor
    from benchmarks.rounds import Result, Series

HEADINGS = ("case", "workers", "", "seconds", "to plain", "efficiency", "processor, s", "peak, MiB", "goal")
WIDTHS = (15, 7, 24, 22, 8, 10, 12, 9, 0)


def heading(*, markdown: bool) -> str:
    """Return the head of the table."""
    if markdown:
        return _markdown(HEADINGS) + "\n" + _markdown(("---",) * len(HEADINGS))
    return _columns(HEADINGS)


def rows(case: Case, result: Result, *, markdown: bool) -> list[str]:
    """Return the lines of a case, one for each competitor: medians (shortest to longest), and what follows of them."""
    write = _markdown if markdown else _columns
    return [write(_cells(case, result, competitor)) for competitor in result.series]


def errors(result: Result) -> list[str]:
    """Return a line for everybody who failed."""
    return [f"{competitor.name}: {s.error}" for competitor, s in result.series.items() if s.error]


def _cells(case: Case, result: Result, competitor: Competitor) -> tuple[str, ...]:
    first = competitor is PLAIN
    series = result.series[competitor]
    cells = (case.name if first else "", str(case.workers) if first else "", competitor.name)
    if series.error:
        return (*cells, "failed", "", "", "", "", "")
    shortest, longest = series.spread
    return (
        *cells,
        f"{series.seconds:.2f} ({shortest:.2f} to {longest:.2f})",
        "" if first else _ratio(case, result.series[PLAIN], series),
        f"{result.limit / series.seconds:.0%}" if result.limit and competitor.parallel else "",
        f"{series.processor:.2f}",
        _peak(result, competitor),
        f"{case.goal} {case.memory_goal}".strip() if competitor is FASTEST else "",
    )


def _ratio(case: Case, plain: Series, series: Series) -> str:
    """Return how many times as fast as plain, or how many seconds more than plain."""
    if plain.error:
        return ""
    if case.overhead:
        return f"{series.seconds - plain.seconds:+.3f} s"
    return f"{plain.seconds / series.seconds:.2f}x"


def _peak(result: Result, competitor: Competitor) -> str:
    """Return the peak of memory, ours with its share of pytest-xdist's."""
    peak, theirs = result.series[competitor].peak, result.series[XDIST].peak if XDIST in result.series else 0.0
    if not peak:
        return ""
    share = f" ({peak / theirs:.0%})" if competitor is FASTEST and theirs else ""
    return f"{peak / 2**20:.0f}{share}"


def _columns(cells: tuple[str, ...]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, WIDTHS, strict=True)).rstrip()


def _markdown(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"
