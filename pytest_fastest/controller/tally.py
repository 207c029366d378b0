"""How many tests have come to which outcome so far."""

from __future__ import annotations

from typing import Any

# In the order and the colours of pytest's summary.
_COLOURS = {
    "failed": "red",
    "error": "red",
    "passed": "green",
    "skipped": "yellow",
    "xfailed": "yellow",
    "xpassed": "yellow",
    "rerun": "yellow",
}


class Tally:
    """Counts what pytest's reporter keeps, each report once."""

    def __init__(self, reporter: Any) -> None:
        self._reporter = reporter
        # Of each outcome: how many tests have it, and how many reports were looked at.
        self._counts = dict.fromkeys(_COLOURS, 0)
        self._seen = dict.fromkeys(_COLOURS, 0)

    def text(self) -> str:
        """As in pytest's summary, in its colours: "1 failed, 2 passed"."""
        for outcome, seen in self._seen.items():
            reports = self._reporter.stats.get(outcome, ())
            self._seen[outcome] = len(reports)
            # pytest-sugar files the set-up and the teardown of a test under "passed" too.
            self._counts[outcome] += sum(map(_counts, reports[seen:])) if outcome == "passed" else len(reports) - seen
        markup = self._reporter._tw.markup
        parts = [
            markup(f"{count} {outcome}{'s' if outcome == 'error' and count > 1 else ''}", **{_COLOURS[outcome]: True})
            for outcome, count in self._counts.items()
            if count
        ]
        return ", ".join(parts)


def _counts(report: Any) -> bool:
    return getattr(report, "when", "call") == "call"
