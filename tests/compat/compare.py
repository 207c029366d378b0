"""Compare what became of the tests of two runs.

Values in, values out: no process is started, and no file read but a run's record.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SUMMARY_LINE = re.compile(r"^=* ?(?P<counts>\d+ [a-z].*?) in \d[\d.]*s(?: \(.*\))? ?=*$")
COUNT = re.compile(r"(?P<number>\d+) (?P<what>[a-z]+(?: [a-z]+)*)")
PLURALS = {"warning": "warnings", "error": "errors", "subtest passed": "subtests passed"}
"""Counts that pytest writes differently when they are one."""


class Outcome(NamedTuple):
    """One report: a phase of a test (`setup`, `call`, `teardown`) or `collect`, and its end."""

    nodeid: str
    when: str
    outcome: str


@dataclass(frozen=True)
class Run:
    """How one run ended. `exit_status` is the session's, `exit_code` the process's.

    `orphans` tells whether processes that the run had started were still there after its end.
    """

    exit_code: int | None
    exit_status: int | None = None
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    summary: dict[str, int] = field(default_factory=dict)
    orphans: bool = False

    @property
    def tests(self) -> int:
        """How many tests the run reported on."""
        return len({outcome.nodeid for outcome in self.outcomes if outcome.when != "collect"})


@dataclass(frozen=True)
class Difference:
    """One thing that two runs disagree about: a node id, or a figure such as `summary: passed`."""

    subject: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.subject}: plain {self.expected}, here {self.found}"


def load_run(record: Path, output: str, exit_code: int | None) -> Run:
    """Read a run from its record, its printed output and its exit code (`None`: it did not end).

    See `recorder.Recorder` for the format. A run that never came to record is one without outcomes.
    """
    if not record.exists():
        return Run(exit_code, summary=parse_summary(output))
    exit_status = None
    outcomes: Counter[Outcome] = Counter()
    for line in record.read_text(encoding="utf-8").splitlines():
        match json.loads(line):
            case {"exit_status": int(status)}:
                exit_status = status
            case [nodeid, when, outcome]:
                outcomes[Outcome(nodeid, when, outcome)] += 1
    return Run(exit_code, exit_status, outcomes, parse_summary(output))


def parse_summary(output: str) -> dict[str, int]:
    """Return the counts of pytest's closing line: `{"passed": 3, "warnings": 1}`, or `{}`."""
    for line in reversed(output.splitlines()):
        if closing := SUMMARY_LINE.match(line.strip()):
            counts = COUNT.finditer(closing["counts"])
            return {PLURALS.get(c["what"], c["what"]): int(c["number"]) for c in counts}
    return {}


def compare(expected: Run, found: Run, ignore: Iterable[str] = ()) -> list[Difference]:
    """List what `found` does otherwise than `expected`, leaving out the subjects in `ignore`."""
    ignored = frozenset(ignore)
    differences = [*_figures(expected, found), *_tests(expected.outcomes, found.outcomes)]
    return [difference for difference in differences if difference.subject not in ignored]


def flaky_subjects(first: Run, second: Run) -> frozenset[str]:
    """Name what two runs of one command disagree about: it can't be held against a third."""
    return frozenset(difference.subject for difference in compare(first, second))


def _figures(expected: Run, found: Run) -> list[Difference]:
    """Compare exit codes, what was left running, and the counts of the summary line."""
    pairs: dict[str, tuple[object, object]] = {
        "exit code": (expected.exit_code, found.exit_code),
        "exit status of the session": (expected.exit_status, found.exit_status),
        "processes left behind": (expected.orphans, found.orphans),
    }
    for what in sorted({*expected.summary, *found.summary}):
        pairs[f"summary: {what}"] = (expected.summary.get(what, 0), found.summary.get(what, 0))
    return [Difference(name, str(old), str(new)) for name, (old, new) in pairs.items() if old != new]


def _tests(expected: Counter[Outcome], found: Counter[Outcome]) -> list[Difference]:
    """Compare the multisets of outcomes, and tell each test that differs once."""
    if expected and not found:
        return [Difference("reports", str(expected.total()), "none")]
    missing, added = expected - found, found - expected
    nodeids = sorted({outcome.nodeid for outcome in (*missing, *added)})
    lost, gained = _by_nodeid(missing), _by_nodeid(added)
    return [Difference(nodeid, _describe(lost.get(nodeid)), _describe(gained.get(nodeid))) for nodeid in nodeids]


def _by_nodeid(outcomes: Counter[Outcome]) -> dict[str, Counter[str]]:
    grouped: dict[str, Counter[str]] = {}
    for (nodeid, when, outcome), count in outcomes.items():
        grouped.setdefault(nodeid, Counter())[f"{when} {outcome}"] += count
    return grouped


def _describe(phases: Counter[str] | None) -> str:
    """Write `{"call passed": 1, "teardown passed": 2}` as `call passed, 2 x teardown passed`."""
    if not phases:
        return "nothing"
    return ", ".join(phase if count == 1 else f"{count} x {phase}" for phase, count in sorted(phases.items()))
