"""Whether a command prints what the page shows, but for what differs from run to run.

A line of three dots on the page stands for any lines.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

ELISION = "..."
_DIFFERS = (
    (re.compile(r"\b\d+(\.\d+)? (ms|s)\b|\b\d+\.\d+s( \(\d+:\d\d:\d\d\))?"), "<time>"),
    (re.compile(r"(?<=[\w-])[- ]\d+(\.\d+)+"), "-<version>"),
    (re.compile(r"(?<=version: )\d+(\.\d+)+"), "<version>"),
    (re.compile(r"(?<=rootdir: ).*"), "<path>"),
    (re.compile(r"(?:/[\w.+-]+)+/bin/python[\d.]*"), "<path>/bin/python"),
    (re.compile(r"\bgw\d+\b"), "gw<n>"),
    (re.compile(r"0x[0-9a-f]+"), "0x<address>"),
    (re.compile(r"[ \t]+$"), ""),
    # Lines across the screen are as long as what they surround lets them.
    (re.compile(r"^([=_-])\1+ (.*?) \1+$"), r"\1 \2 \1"),
)
_LETTERS = re.compile(r"([.sxXFER]+) +\[ *\d+%\]")
# Who runs which test, and when, is not the same twice.
_VERBOSE = re.compile(r"(\[gw<n>\]) \[ *\d+%\] (.*)")


def same(shown: str, printed: str) -> bool:
    """Whether the text on a page stands for what was printed."""
    parts: list[list[str]] = [[]]
    for line in shown.splitlines():
        if line == ELISION:
            parts.append([])
        else:
            parts[-1].append(line)
    pattern = r"(?:.*\n)*".join(re.escape(normal(part)) for part in parts)
    return re.fullmatch(pattern, normal(printed.strip("\n").splitlines())) is not None


def normal(screen: Iterable[str]) -> str:
    """Without what differs from run to run: times, versions, paths, the order of tests that run beside each other."""
    lines: list[str] = []
    letters = ""
    for line in screen:
        if found := _LETTERS.fullmatch(line):
            letters += found[1]
            continue
        lines += [*_sorted(letters), _normal(line)]
        letters = ""
    return "".join(f"{line}\n" for line in (*lines, *_sorted(letters)))


def _normal(line: str) -> str:
    for pattern, replacement in _DIFFERS:
        line = pattern.sub(replacement, line)
    return _VERBOSE.sub(r"\1 \2", line)


def _sorted(letters: str) -> list[str]:
    return ["".join(sorted(letters))] if letters else []
