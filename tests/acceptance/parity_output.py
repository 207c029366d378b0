"""Takes what pytest has printed apart, so that two runs can be compared whose tests ended in different orders."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_TITLE = re.compile(r"=+ (?P<title>.+?) =+")
_SUMMARY = re.compile(r"(=+ )?(?P<counts>.+) in [\d.]+s(econds)?( \([\d:]+\))?( =+)?")
_WORKER = re.compile(r"\[gw\d+\] \w+ -- Python [\d.]+\S* .*")
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}\b")
_COLOUR = re.compile(r"\x1b\[\d*(;\d+)*m")
# In the `repr` of pytest's capturing, which is in tracebacks that start at pytest itself.
_DESCRIPTOR = re.compile(r"\boldfd=\d+")
_DURATION = re.compile(r"^\d+\.\d+s (?=setup|call|teardown)")
_JUNIT_FILE = re.compile(r"-+ generated xml file: .* -+")
_HEADER = "test session starts"
# Lines that only one of two equal runs may have.
_IGNORED = ("plugins: ", "fastest: ")


@dataclass(frozen=True)
class Output:
    """`head`: what comes before the first test; `sections`: sorted lines below each title; `counts`: last line."""

    head: list[str] = field(default_factory=list)
    sections: dict[str, list[str]] = field(default_factory=dict)
    counts: list[str] = field(default_factory=list)


def without_workers(text: str) -> str:
    """`text` without colours and lines that name the worker above tracebacks, and with all addresses alike."""
    lines = [_normalised(line) for line in text.splitlines() if not _WORKER.fullmatch(line)]
    return "\n".join(lines)


def _normalised(line: str) -> str:
    if "available fixtures: " in line:
        line = re.sub(r"(, )?\b(testrun_uid|worker_id)\b", "", line)
    return _DESCRIPTOR.sub("oldfd=...", _ADDRESS.sub("0x...", _COLOUR.sub("", line)))


def parse(text: str) -> Output:
    head: list[str] = []
    sections: dict[str, list[str]] = {}
    counts: list[str] = []
    current = _HEADER
    for line in without_workers(text).splitlines():
        if match := _SUMMARY.fullmatch(line):
            counts = sorted(match["counts"].split(", "))
        elif match := _TITLE.fullmatch(line):
            current = match["title"]
            sections.setdefault(current, [])
        elif current == _HEADER:
            head.append(line)
        elif line.strip() and not _JUNIT_FILE.fullmatch(line):
            sections.setdefault(current, []).append(_DURATION.sub("...s ", line))
    sections.pop(_HEADER, None)
    return Output(_head(head), {title: sorted(lines) for title, lines in sections.items()}, counts)


def _head(lines: list[str]) -> list[str]:
    """The header and the line that says how much was collected, without the progress that follows it."""
    kept = [line for line in lines if line.strip() and not line.startswith(_IGNORED)]
    for number, line in enumerate(kept):
        if line.startswith("collected "):
            return kept[: number + 1]
    return [line for line in kept if line.startswith(("platform ", "rootdir: ", "configfile: ", "cachedir: "))]
