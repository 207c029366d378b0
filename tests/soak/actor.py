"""The conftest of a random suite: its tests do what they are to do, and write down what they do while they do it.

A copy of this file lies in each suite. In the file `marks` processes leave a line at each step of a test; what the
controller's plugins hear goes to the file `record`.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

HERE = Path(__file__).parent
# The steps of a test that nothing happens to.
STEPS = ("start", "setup", "before", "after", "down", "gone", "end")
CHILD = ("sleep", "1000")
SCOPES = ("session", "package", "module", "class")


def append(name: str, line: str) -> None:
    """With one write, which ends up whole behind those of other processes."""
    file = os.open(HERE / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(file, f"{line}\n".encode())
    os.close(file)


def mark(step: str, what: object) -> None:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "-")
    append("marks", f"{step}\t{what}\t{os.getpid()}\t{worker}\t{time.monotonic()}")


# What tests do.


def fail() -> None:
    raise AssertionError("on purpose")


def skip() -> None:
    pytest.skip("on purpose")


def overflow() -> None:
    """The stack of C, by a function that calls itself through it."""
    sys.setrecursionlimit(10**9)

    def call() -> None:
        through_c()

    through_c = ctypes.CFUNCTYPE(None)(call)
    call()


CRASHES: dict[str, Callable[[], object]] = {
    "segfault": lambda: ctypes.string_at(0),
    "overflow": overflow,
    "abort": os.abort,
    "exit": lambda: os._exit(3),
    "exit well": lambda: os._exit(0),
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "terminate": lambda: os.kill(os.getpid(), signal.SIGTERM),
}


def hold() -> None:
    """In C, with the GIL: no other thread of the process runs any more."""
    ctypes.PyDLL(None).sleep(1000)


def hold_on() -> None:
    """A signal ends the wait, but not the loop."""
    while True:
        hold()


def be_deaf() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals) - {signal.SIGKILL})
    time.sleep(1000)


def be_stubborn() -> None:
    while True:
        try:
            time.sleep(1)
        except BaseException:
            continue


def join() -> None:
    thread = threading.Thread(target=time.sleep, args=(1000,), daemon=True)
    thread.start()
    thread.join()


HANGS: dict[str, Callable[[], object]] = {
    "sleep": lambda: time.sleep(1000),
    "GIL": hold,
    "GIL for ever": hold_on,
    "deaf": be_deaf,
    "stopped": lambda: os.kill(os.getpid(), signal.SIGSTOP),
    "child": lambda: subprocess.run(CHILD, check=False, start_new_session=True),
    "thread": join,
    "stubborn": be_stubborn,
}
DEEDS = {"fail": fail, "skip": skip, **CRASHES, **HANGS}


@pytest.fixture
def body(request: pytest.FixtureRequest) -> Generator[Callable[[], None], None, None]:
    """What the test is to call. `TESTS` of its module says what it does (if anything), when, and how long it takes."""
    number = number_of(request.node)
    deed, phase, seconds = request.module.TESTS[number]

    def do(now: str) -> None:
        if deed and now == phase:
            DEEDS[deed]()

    def run() -> None:
        mark("before", number)
        time.sleep(seconds)
        do("call")
        mark("after", number)

    mark("setup", number)
    do("setup")
    yield run
    mark("down", number)
    do("teardown")
    mark("gone", number)


def fixture_of(scope: Any) -> Any:
    """A fixture of that scope that writes down when it is set up and torn down."""

    @pytest.fixture(scope=scope, name=f"of_{scope}")
    def fixture() -> Generator[None, None, None]:
        mark("up", scope)
        yield
        mark("down", scope)

    return fixture


of_session, of_package, of_module, of_class = map(fixture_of, SCOPES)


def number_of(item: Any) -> int:
    callspec = getattr(item, "callspec", None)
    return callspec.params["number"] if callspec else int(item.originalname.rpartition("_")[2])


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    number = number_of(item)
    mark("start", number)
    result = yield
    mark("end", number)
    return result


# What the controller hears.


class Recorder:
    def pytest_runtest_logstart(self, nodeid: str) -> None:
        append("record", json.dumps({"event": "start", "nodeid": str(nodeid)}))

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        append("record", json.dumps({"event": "finish", "nodeid": str(nodeid)}))

    def pytest_runtest_logreport(self, report: Any) -> None:
        described = {
            "event": "report",
            "nodeid": str(report.nodeid),
            "when": report.when,
            "outcome": report.outcome,
            "expected_to_fail": hasattr(report, "wasxfail"),
            "text": report.longreprtext,
            "worker": getattr(report, "worker_id", None),
        }
        append("record", json.dumps(described))


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Recorder())
