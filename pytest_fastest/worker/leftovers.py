"""What tests have left running when their worker leaves: threads get a moment to end, processes are told on.

Which test has started a process, its environment says: pytest names the running test there. A process that was only
forked has the environment of an ancestor; then the time at which it was started tells, but only to 0.01 s.

A test may have replaced functions of modules, and forgotten to put them back. With another id of this process, what is
found here, and ended, would be somebody else's: that function is imported by name.
"""

from __future__ import annotations

import os
import threading
import time
from array import array
from bisect import bisect_right
from contextlib import suppress
from os import getpid
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pytest_fastest import _core

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Seconds that a worker waits for threads, which the interpreter would wait for until they end.
_GRACE = 1.0
_PROC = Path("/proc")
_RUNNING = b"PYTEST_CURRENT_TEST="
# What was only forked runs the worker's own program.
_COPY = "a copy of its worker"
# A command is cut behind so many characters.
_MOST = 200


class Left(NamedTuple):
    """A process that is still there: its id and its parent's, what it runs, and the node ids of the tests, one of which
    has started it; none if nobody knows.
    """

    pid: int
    parent: int
    command: str
    tests: list[str]


class Begun:
    """When this worker has begun which test. Two numbers for each test, since it is noted for all of them."""

    def __init__(self, nodeid_of: Callable[[int], str]) -> None:
        self._nodeid_of = nodeid_of
        self._times = array("d")
        self._items = array("L")

    def note(self, item: int, at: float) -> None:
        """The test begins; `at` is a time of `_core.monotonic`."""
        self._times.append(at)
        self._items.append(item)

    def between(self, first: float, last: float) -> list[str]:
        """The tests that ran then."""
        start, end = bisect_right(self._times, first), bisect_right(self._times, last)
        return [self._nodeid_of(item) for item in self._items[max(0, start - 1) : end]]


def processes(begun: Begun) -> list[Left]:
    """What this process has started, and that has, and that still runs. Nothing where the system doesn't tell."""
    if not _has_children():
        return []
    left = []
    try:
        inherited, own = _test_of(getpid()), _command(getpid())
    except OSError:
        return []
    for parent, pid in _descendants(getpid()):
        try:
            command = _command(pid)
            test = _test_of(pid)
            tests = begun.between(*_started(pid)) if test in (None, inherited) else [test]
        except (OSError, ValueError, IndexError):
            continue  # It has ended.
        if command:  # Else it has ended too, and nobody has waited for it.
            left.append(Left(pid, parent, _COPY if command == own else command, tests))
    return left


def let_threads_end() -> None:
    """Waits for threads as the interpreter does at its end, but not for ever."""
    if threading.active_count() > 1:
        waiter = threading.Thread(target=threading._shutdown, daemon=True)  # type: ignore[attr-defined]
        with suppress(RuntimeError):
            waiter.start()
            waiter.join(_GRACE)


def _has_children() -> bool:
    try:
        # Leaves them to whoever waits for them.
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except (AttributeError, OSError):
        return False
    return True


def _descendants(pid: int) -> Iterator[tuple[int, int]]:
    """Parent and child, pair by pair."""
    with suppress(OSError):
        for task in (_PROC / str(pid) / "task").iterdir():
            for child in map(int, (task / "children").read_bytes().split()):
                yield pid, child
                yield from _descendants(child)


def _command(pid: int) -> str:
    text = (_PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    return text.strip()[:_MOST]


def _test_of(pid: int) -> str | None:
    """The test that the process has in its environment, without the phase."""
    for entry in (_PROC / str(pid) / "environ").read_bytes().split(b"\0"):
        if entry.startswith(_RUNNING):
            return entry[len(_RUNNING) :].decode("utf-8", "replace").rpartition(" (")[0]
    return None


def _started(pid: int) -> tuple[float, float]:
    """Between which times of `_core.monotonic` the process was started."""
    # The name in parentheses may hold anything.
    fields = (_PROC / str(pid) / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    tick = 1 / os.sysconf("SC_CLK_TCK")
    first = _core.monotonic() - (time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) * tick)
    return first, first + tick
