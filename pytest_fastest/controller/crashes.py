"""Reports about items that could not report themselves."""

from __future__ import annotations

import signal
from time import time as clock
from typing import TYPE_CHECKING, Literal

import pytest

from pytest_fastest.worker import crash

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pytest_fastest import _core
    from pytest_fastest.xdist.nodes import WorkerNode

_HUNG = "was killed because it hung"
# As many tests are named one by one.
_FEW = 3

Location = tuple[str, int | None, str]


def how_it_ended(returncode: int | None) -> str:
    """The end of a process in words, from a return code as `subprocess` has it."""
    if returncode is None:
        return "lost its connection"
    if returncode < 0:
        try:
            return f"was killed by {signal.Signals(-returncode).name}"
        except ValueError:
            return f"was killed by signal {-returncode}"
    return f"left with exit status {returncode}"


def one_of(tests: Sequence[str]) -> str:
    """One of these tests, in words; nothing if there are none."""
    return " or ".join(tests) if len(tests) <= _FEW else f"one of {len(tests)} tests from {tests[0]} to {tests[-1]}"


def last_words(directory: Path, worker: int) -> list[tuple[str, str]]:
    """What a dead worker has left, as sections of a report: the stack by the fault handler, what was captured of the
    test's last phase, and what plugins wrote to the terminal.
    """
    titles = {
        crash.STACK: "Fatal error",
        crash.STDOUT: "Captured stdout",
        crash.STDERR: "Captured stderr",
        crash.TERMINAL: "Terminal output",
    }
    sections = ((title, crash.read(str(directory), f"gw{worker}", kind)) for kind, title in titles.items())
    return [(title, text) for title, text in sections if text]


def outside_of_tests(who: str, why: str, directory: Path, name: str) -> str:
    """The text about a death that no test is to blame for: what the process was at, and its stack."""
    file = crash.read(str(directory), name, crash.COLLECTING)
    where = f"while it collected {file}" if file else "outside of any test"
    return "\n".join(filter(None, (f"{who} {why} {where}", crash.read(str(directory), name, crash.STACK))))


def cause(event: _core.Event.Crashed) -> str:
    """Why a worker is gone, in words."""
    if event.hung is not None:
        return f"{_HUNG}: no end after {event.hung:g} s (--hang-timeout)"
    return how_it_ended(event.returncode)


def crashed(
    nodeid: str,
    location: Location,
    body: pytest.TestReport | None,
    node: WorkerNode,
    why: str,
    sections: list[tuple[str, str]],
    seconds: float,
) -> pytest.TestReport:
    """The report of the item that a worker died in after so many seconds, and why. Without a report of its `body`, that
    is what there is to blame. `sections`: what the worker has left behind.
    """
    # pytest's short summary has room for the first word only. What follows is pytest-xdist's, which some look for.
    text = "hung: " if why.startswith(_HUNG) else ""
    text += f"worker '{node.gateway.id}' crashed while running '{nodeid}': it {why}"
    report = _failed(nodeid, location, "call" if body is None else "teardown", text, sections)
    report.duration = seconds if body is None else max(0.0, seconds - body.duration)
    report.stop = clock()
    report.start = report.stop - report.duration
    return report


def closing(nodeid: str, location: Location) -> pytest.TestReport:
    """The last report of an item that has crashed before its teardown: plugins gather an item's reports until then."""
    return pytest.TestReport(nodeid, location, {}, "passed", None, "teardown")


def missing(nodeid: str, location: Location, node: WorkerNode, failure: str) -> pytest.TestReport:
    """The report of an item that a worker, which collects for itself, did not find; `failure`: of its file, there."""
    text = f"worker '{node.gateway.id}' did not collect this test: " + (
        f"its file could be collected in another process, and not in this one:\n{failure}"
        if failure
        else "collection gives different results in different processes (an order or parameters that depend on time, "
        "chance, hashes or the worker's id?)"
    )
    return _failed(nodeid, location, "setup", text, [])


def not_run(nodeid: str, location: Location, reason: str) -> pytest.TestReport:
    """The report of an item that nobody was left to run."""
    return _failed(nodeid, location, "setup", f"not run: {reason}", [])


def not_replaced(worker: int, most: int, *, orphaned: bool) -> str:
    """Why a dead worker is not replaced: what it was forked from is gone, or as many as may be have been replaced."""
    if orphaned:
        return f"worker gw{worker} is not replaced: the process that workers are forked from is gone"
    # pytest-xdist's words.
    return (
        f"maximum crashed workers reached: {most}"
        if most
        else f"worker gw{worker} crashed and worker restarting disabled"
    )


def unfinished(nodeid: str, location: Location, node: WorkerNode) -> pytest.TestReport:
    """A report that only names an item and the worker that runs it."""
    report = pytest.TestReport(nodeid, location, {}, "passed", None, "call")
    report.node = node  # type: ignore[attr-defined]
    return report


def _failed(
    nodeid: str,
    location: Location,
    phase: Literal["setup", "call", "teardown"],
    text: str,
    sections: list[tuple[str, str]],
) -> pytest.TestReport:
    return pytest.TestReport(
        nodeid=nodeid,
        location=location,
        keywords={},
        outcome="failed",
        longrepr=text,
        when=phase,
        sections=sections,
    )
