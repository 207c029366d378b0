"""What came of a run, from the reports that pytest's reporter has kept."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

System = Literal["github", "gitlab"]

_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")


class Test(NamedTuple):
    """A test that has run.

    * `worker`: empty without workers;
    * `outcome`: pytest's word for its last report that has one;
    * `seconds`: of set-up, body and teardown together;
    * `start`: a time to sort by, infinite if it is not known.
    """

    nodeid: str
    worker: str
    outcome: str
    seconds: float
    start: float

    @property
    def has_failed(self) -> bool:
        """Whether it is one to look at."""
        return self.outcome in ("failed", "error")


@dataclass(frozen=True)
class Results:
    """Of one run.

    * `is_good`: pytest's exit code says so;
    * `line`: pytest's own sentence of what was counted;
    * `failures`: the reports about failures and errors, those of the collection among them;
    * `tests`: in the order in which they began;
    * `seconds`: from the start of the session.
    """

    is_good: bool
    line: str
    failures: list[Any]
    tests: list[Test]
    seconds: float

    def workers(self) -> Mapping[str, list[Test]]:
        """The tests of each worker."""
        found: dict[str, list[Test]] = {}
        for test in self.tests:
            if test.worker:
                found.setdefault(test.worker, []).append(test)
        return dict(sorted(found.items(), key=lambda entry: (len(entry[0]), entry[0])))


def gather(reporter: Any, exitstatus: int, seconds: float) -> Results:
    """The results that the reporter has been told of so far."""
    parts, _ = reporter.build_summary_stats_line()
    return Results(
        not exitstatus,
        ", ".join(text for text, _ in parts),
        [*reporter.stats.get("error", ()), *reporter.stats.get("failed", ())],
        sorted(_tests(reporter.stats), key=lambda test: test.start),
        seconds,
    )


def _tests(stats: Mapping[str, list[Any]]) -> Iterator[Test]:
    reports: dict[tuple[str, str, int | None], list[tuple[str, Any]]] = {}
    # What counts most comes last.
    for category in sorted(stats, key=_weight):
        for report in stats[category]:
            if getattr(report, "when", None) in ("setup", "call", "teardown"):
                key = (str(report.nodeid), getattr(report, "worker_id", ""), getattr(report, "item_index", None))
                reports.setdefault(key, []).append((category, report))
    for (nodeid, worker, _), parts in reports.items():
        # A subtest's time is part of its test's.
        seconds = math.fsum(report.duration for _, report in parts if not hasattr(report, "context"))
        starts = [report.start for _, report in parts if getattr(report, "start", 0.0)]
        yield Test(nodeid, worker, parts[-1][0] or "passed", seconds, min(starts, default=math.inf))


def _weight(category: str) -> int:
    """The reports of set-ups and teardowns have no category; a failure is what a test is remembered by."""
    return {"": 0, "rerun": 1, "failed": 3, "error": 4}.get(category, 2)


def plain(text: str) -> str:
    """Without the colours of a terminal."""
    return _ESCAPES.sub("", text)


def text_of(report: Any) -> str:
    """The failure as it is printed, without colours."""
    return plain(report.longreprtext)


def message_of(report: Any) -> str:
    """What went wrong, in short."""
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None:
        return plain(crash.message)
    lines = text_of(report).splitlines()
    # pytest begins with a line about the worker, and marks the error itself.
    lines = [line for number, line in enumerate(lines) if number or not line.startswith("[gw")]
    return "\n".join([line[4:] for line in lines if line.startswith("E   ")] or lines)
