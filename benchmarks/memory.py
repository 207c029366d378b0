"""Peak memory of a process and all that it starts, from Linux' `/proc`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess

PROC = Path("/proc")
INTERVAL = 0.05
"""Seconds between samples, which walk page tables: not to be done while time is measured."""


def is_supported() -> bool:
    """Tell whether the kernel says what a process' share of memory is (Linux 4.14 and later)."""
    return (PROC / "self" / "smaps_rollup").exists()


def peak_of_tree(process: subprocess.Popen[bytes]) -> int:
    """Return the highest sum of PSS in bytes until `process`, the leader of a session, ends.

    PSS counts a page that n processes share as 1/n of a page in each, so the sum counts it once.
    """
    peak = 0
    while process.poll() is None:
        peak = max(peak, sum(map(pss, tree(process.pid))))
        time.sleep(INTERVAL)
    return peak


def tree(root: int) -> set[int]:
    """Return the processes of the session of `root`, their descendants, and `root`.

    The session finds those whose parent has ended, the descent those that made a session of theirs.
    """
    parents: dict[int, int] = {}
    found = {root}
    for entry in PROC.iterdir():
        if entry.name.isdigit() and (stat := _read(entry / "stat")):
            # "pid (command) state parent group session …", and the command may hold anything.
            _state, parent, _group, session = stat.rpartition(")")[2].split()[:4]
            parents[int(entry.name)] = int(parent)
            if int(session) == root:
                found.add(int(entry.name))
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def pss(pid: int) -> int:
    """Return the proportional set size in bytes; 0 of a process that has ended."""
    for line in _read(PROC / str(pid) / "smaps_rollup").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def _read(path: Path) -> str:
    """Read a file of a process that may be gone by now: nothing, then."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
