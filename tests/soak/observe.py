"""What can be seen of a run once it is over: marks, what the controller heard, the junit file, the terminal."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from soak import actor

if TYPE_CHECKING:
    from pathlib import Path

    from soak.suite import Victim


@dataclass(frozen=True)
class Mark:
    """A step of a test (by its number), or of a fixture (by its scope). `at` is a monotonic time in seconds."""

    step: str
    what: str
    pid: int
    worker: str
    at: float


@dataclass(frozen=True)
class Report:
    when: str
    outcome: str
    expected_to_fail: bool
    text: str
    worker: str | None


@dataclass(frozen=True)
class Struck:
    """A signal that was sent: to whom, and whether a test had begun."""

    victim: Victim
    pid: int
    begun: int


@dataclass
class Observed:
    """By node id what the controller heard, and the numbers of failures, errors and skips in the junit file.

    `left`: the commands of processes that were there after the end.
    """

    returncode: int
    output: str
    marks: list[Mark]
    strikes: list[Struck]
    left: list[str]
    starts: Counter[str] = field(default_factory=Counter)
    finishes: Counter[str] = field(default_factory=Counter)
    reports: dict[str, list[Report]] = field(default_factory=lambda: defaultdict(list))
    junit: dict[tuple[str, str], Counter[str]] | None = None

    def section(self, title: str) -> str:
        """What stands below that title in the terminal."""
        found = re.search(rf"^=+ {re.escape(title)} =+\n(.*?)^=+ ", self.output, re.MULTILINE | re.DOTALL)
        return found[1] if found else ""


def observe(root: Path, returncode: int, output: str, strikes: list[Struck], left: list[str]) -> Observed:
    """Reads what a run has left in its directory."""
    observed = Observed(returncode, output, marks(root), strikes, left)
    record = root / "record"
    for line in record.read_text("utf-8").splitlines() if record.exists() else ():
        event = json.loads(line)
        kind, nodeid = event.pop("event"), event.pop("nodeid")
        match kind:
            case "start":
                observed.starts[nodeid] += 1
            case "finish":
                observed.finishes[nodeid] += 1
            case _:
                observed.reports[nodeid].append(Report(**event))
    junit = root / "junit.xml"
    if junit.exists():
        observed.junit = _junit(junit.read_text("utf-8"))
    return observed


def marks(root: Path) -> list[Mark]:
    """In the order in which they were written."""
    try:
        text = (root / "marks").read_text("utf-8")
    except FileNotFoundError:
        return []
    # The last line may be half there: a write comes page by page.
    lines = text.rpartition("\n")[0].splitlines()
    split = (line.split("\t") for line in lines)
    return [Mark(step, what, int(pid), worker, float(at)) for step, what, pid, worker, at in split]


def forget(root: Path) -> None:
    """Before another run of the same suite."""
    for name in ("marks", "record", "junit.xml"):
        (root / name).unlink(missing_ok=True)


def _junit(text: str) -> dict[tuple[str, str], Counter[str]]:
    found: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for case in ElementTree.fromstring(text).iter("testcase"):
        children = Counter(child.tag for child in case if child.tag in ("failure", "error", "skipped"))
        # pytest writes neither for a test that is broken off.
        found[case.attrib.get("classname", ""), case.attrib.get("name", "")] += children
    return found


def is_of_test(mark: Mark) -> bool:
    return mark.what not in actor.SCOPES
