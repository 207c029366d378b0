"""Reports about items that could not report themselves."""

from __future__ import annotations

import signal
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_fastest.controller import crashes

LOCATION = ("test_a.py", 3, "test_one")


@pytest.fixture
def node() -> Any:
    return SimpleNamespace(gateway=SimpleNamespace(id="gw7"))


@pytest.mark.parametrize(
    ("returncode", "words"),
    [
        (0, "left with exit status 0"),
        (3, "left with exit status 3"),
        (-signal.SIGSEGV, "was killed by SIGSEGV"),
        (-signal.SIGKILL, "was killed by SIGKILL"),
        (-signal.SIGRTMIN - 1, f"was killed by signal {signal.SIGRTMIN + 1}"),
        (None, "lost its connection"),
    ],
)
def test_how_it_ended(returncode: int | None, words: str) -> None:
    assert crashes.how_it_ended(returncode) == words


@pytest.mark.parametrize("phase", ["call", "teardown"])
def test_a_crash_names_worker_end_and_test(node: Any, phase: Any) -> None:
    body = pytest.TestReport("test_a.py::test_one", LOCATION, {}, "passed", None, "call", duration=0.5)
    report = crashes.crashed(
        "test_a.py::test_one",
        LOCATION,
        body if phase == "teardown" else None,
        node,
        "was killed by SIGSEGV",
        [("Fatal error", "the stack")],
        2.0,
    )
    assert report.duration == {"call": 2.0, "teardown": 1.5}[phase]
    assert (report.nodeid, report.location, report.when) == ("test_a.py::test_one", LOCATION, phase)
    assert report.failed
    assert report.longreprtext == "worker 'gw7' crashed while running 'test_a.py::test_one': it was killed by SIGSEGV"
    assert report.sections == [("Fatal error", "the stack")]


def test_an_item_that_was_not_collected_there(node: Any) -> None:
    report = crashes.missing("test_a.py::test_one", LOCATION, node, "")
    assert report.failed
    assert report.when == "setup"
    assert "worker 'gw7' did not collect this test" in report.longreprtext


def test_an_item_that_nobody_ran() -> None:
    report = crashes.not_run("test_a.py::test_one", LOCATION, "no reason")
    assert report.failed
    assert report.when == "setup"
    assert report.longreprtext == "not run: no reason"
