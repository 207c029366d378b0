"""What a test takes: time, how much of it a processor, and what of it was for fixtures that others will use too.

A test that stands in line for a processor does not wait in the sense that matters: more workers would make it wait
longer. Linux tells how long it stood there. What a test needs of a processor is the share of its time that it would
need alone, without standing in line: otherwise a run with many workers would look like one that computes, and the next
one would take few. A test whose children or threads have computed counts as computing all the time, as nobody tells
what they stood in line for.

What is measured with is imported by name: tests replace the functions of modules, and forget to put them back.
"""

from __future__ import annotations

from os import O_RDONLY, close, read
from os import open as open_descriptor
from time import process_time, thread_time
from typing import TYPE_CHECKING, Any

import pytest

from pytest_fastest import _core
from pytest_fastest.set_ups import WIDE, SetUps, name_of
from pytest_fastest.worker.unseen import unseen

try:
    from resource import RUSAGE_CHILDREN, getrusage
except ImportError:
    getrusage = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

# A shorter test counts as computing (seconds); to look closer would cost more than it could tell.
_LONG = 0.005
# So much of a test's time its children and threads may compute without counting (a share).
_IDLE = 0.1
_SCHEDSTAT = "/proc/thread-self/schedstat"
# In all, of a processor in set-up, call, teardown, for fixtures that the module shares, for those of the session.
Spent = tuple[float, float, float, float, float, float, float]


class Stopwatch:
    """Measures one test after the other; also the plugin that sees fixtures being set up."""

    def __init__(self, tell_wide: Callable[[str, float], None]) -> None:
        """`tell_wide` is called with name and seconds of each fixture of session or package scope that was set up."""
        self._tell_wide = tell_wide
        self.set_ups = SetUps()
        self.began = 0.0
        self._busy = _busy_seconds()
        self._elsewhere = _elsewhere_seconds()
        self._phases = {"setup": 0.0, "call": 0.0, "teardown": 0.0}
        self._fixtures = {"module": 0.0, "session": 0.0}
        self._inside = False

    def start(self, now: float) -> None:
        """A test begins `now` (`_core.monotonic`)."""
        self._phases = dict.fromkeys(self._phases, 0.0)
        self._fixtures = dict.fromkeys(self._fixtures, 0.0)
        self.began = now

    def note(self, report: pytest.TestReport) -> None:
        """A phase of the test is over."""
        if report.when in self._phases:
            self._phases[report.when] += report.duration

    def stop(self) -> Spent:
        """The test is over."""
        seconds = _core.monotonic() - self.began
        processor = self._needed_of(seconds) if seconds > _LONG else seconds
        shared, session = self._fixtures["module"], self._fixtures["session"]
        setup = max(0.0, self._phases["setup"] - shared - session)
        return seconds, processor, setup, self._phases["call"], self._phases["teardown"], shared, session

    def _needed_of(self, seconds: float) -> float:
        """How much of a processor the test has needed; short ones before it are counted in."""
        busy, elsewhere = _busy_seconds(), _elsewhere_seconds()
        needed = seconds
        if busy is not None and self._busy is not None and elsewhere - self._elsewhere <= _IDLE * seconds:
            ran, stood = busy[0] - self._busy[0], busy[1] - self._busy[1]
            alone = seconds - stood
            if ran < alone:
                needed = seconds * ran / alone
        self._busy, self._elsewhere = busy, elsewhere
        return needed

    @pytest.hookimpl(wrapper=True)
    @unseen
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, object, object]:
        __tracebackhide__ = True
        scope = fixturedef.scope
        is_shared = not self._inside and scope not in ("function", "class")
        self._inside |= is_shared
        began = _core.monotonic()
        try:
            return (yield)
        finally:
            seconds = _core.monotonic() - began
            self.set_ups.add(fixturedef, seconds)
            if is_shared:
                self._inside = False
                self._fixtures["session" if scope == "session" else "module"] += seconds
                if scope in WIDE:
                    self._tell_wide(name_of(fixturedef), seconds)


def _busy_seconds() -> tuple[float, float] | None:
    """What this thread has run and stood in line for a processor, in seconds; `None` where nobody tells."""
    try:
        # After each test that is not short: a third of what a file object takes.
        descriptor = open_descriptor(_SCHEDSTAT, O_RDONLY)
        try:
            ran, stood, _ = map(int, read(descriptor, 100).split())
        finally:
            close(descriptor)
    except (OSError, ValueError):
        return None
    return (ran / 1e9, stood / 1e9) if ran else None


def _elsewhere_seconds() -> float:
    """Processor time of other threads, and of children that this process has waited for, in seconds."""
    threads = process_time() - thread_time()
    if getrusage is None:
        return threads
    children = getrusage(RUSAGE_CHILDREN)
    return threads + children.ru_utime + children.ru_stime
