"""Signals to the controller before the first test and behind the last one; those during a test are in
`processes/test_interrupts.py` and `test_terminate.py`.
"""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
from processes.harness import METHODS, Suite

from faults.places import CONFTEST

TEST = "from witness import mark\ndef test_it(): mark('ran')"
PLACES = ("collecting", "tearing down", "finishing")


SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)
# Each signal at each place, and under each start method.
CASES = [
    (place, method, SIGNALS[(row + column) % 3])
    for row, place in enumerate(PLACES)
    for column, method in enumerate(METHODS)
]


@pytest.mark.parametrize(("place", "method", "signum"), CASES)
def test_they_end_the_run(suite: Suite, place: str, method: str, signum: signal.Signals) -> None:
    """As plain pytest, which dies of them; nothing stays behind."""
    suite.write(conftest=CONFTEST, test_a=TEST, test_b=TEST)
    with suite.running("-n", "2", "--start-method", method, env={"WAITS_AT": place}, grace=5.0) as running:
        suite.await_marks(place)
        running.interrupt(signum)
        result = running.finish(10)
    assert result.returncode == -signum, result.output


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("place", ["tearing down", "finishing"])
def test_ctrl_c_behind_the_last_test(suite: Suite, method: str, place: str) -> None:
    """What has passed stays passed, and what waits is ended."""
    suite.write(conftest=CONFTEST, test_a=TEST, test_b=TEST)
    with suite.running("-n", "1", "--start-method", method, env={"WAITS_AT": place}) as running:
        suite.await_marks(place)
        running.interrupt(group=True)
        result = running.finish(10)
    assert result.returncode == 2, result.output
    assert "!! KeyboardInterrupt !!" in result.stdout
    assert len(suite.marks("ran")) == 2


@pytest.mark.parametrize("method", METHODS)
def test_the_controller_alone_is_interrupted_behind_the_last_test(suite: Suite, method: str) -> None:
    """It waits for its workers' sessions to end; another one does not."""
    suite.write(conftest=CONFTEST, test_a=TEST, test_b=TEST)
    with suite.running("-n", "1", "--start-method", method, env={"WAITS_AT": "finishing"}) as running:
        suite.await_marks("finishing")
        running.interrupt()
        with pytest.raises(subprocess.TimeoutExpired):
            running.process.wait(0.5)
        running.interrupt()
        result = running.finish(10)
    assert result.returncode == 2, result.output
    assert result.counts == {"passed": 2}


@pytest.mark.parametrize("method", METHODS)
def test_ctrl_c_while_workers_leave(suite: Suite, method: str) -> None:
    """Every test has passed, but the user wants no more."""
    suite.write(test_a="import atexit, time\nfrom witness import mark\ndef test_it(): atexit.register(leave)\n" + LEAVE)
    with suite.running("-n", "1", "--start-method", method) as running:
        suite.await_marks("leaving")
        running.interrupt(group=True)
        result = running.finish(10)
    assert result.returncode == 2, result.output
    assert result.counts == {"passed": 1}


LEAVE = """
def leave():
    mark("leaving")
    time.sleep(30)
"""


@pytest.mark.parametrize("is_late", [False, True])
def test_ctrl_c_while_the_template_leaves(suite: Suite, *, is_late: bool) -> None:
    """While the summary is written, and after that: plain pytest dies of it."""
    suite.write(
        conftest="""
        import os, time
        from witness import mark
        def pytest_unconfigure():
            if os.getppid() != int(os.environ["RECORD_PARENT"]):
                mark("leaving")
                time.sleep(30)
            else:
                mark("written")
        def pytest_terminal_summary():
            while os.environ["IS_LATE"] == "False":
                time.sleep(0.1)
        """,
        test_a="def test_it(): pass",
    )
    with suite.running("-n", "2", "--start-method", "fork", env={"IS_LATE": str(is_late)}) as running:
        suite.await_marks("leaving")
        if is_late:
            suite.await_marks("written")
        running.interrupt(group=True)
        result = running.finish(10)
    assert result.returncode == -signal.SIGINT, result.output


@pytest.mark.parametrize("method", METHODS)
def test_an_interrupt_that_is_ignored(suite: Suite, method: str) -> None:
    """As in the background of a script, where the shell lets processes ignore it."""
    suite.write(test_a="import time\nfrom witness import mark\ndef test_it():\n    mark('runs')\n    time.sleep(1)")
    command = ["sh", "-c", 'trap "" INT; exec "$@"', "sh", sys.executable, "-m", "pytest"]
    with suite.running("-n", "1", "--start-method", method, command=command) as running:
        suite.await_marks("runs")
        running.interrupt(group=True)
        result = running.finish()
    assert result.returncode == 0, result.output
    assert result.counts == {"passed": 1}


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("method", METHODS)
def test_what_tests_have_started_goes_too(suite: Suite, method: str, signum: signal.Signals) -> None:
    """Wherever it has gone: into sessions of its own, or away from its parent."""
    suite.write(
        test_a="""
        import os, subprocess, time
        from witness import mark
        def test_it():
            subprocess.Popen(["sleep", "60"], start_new_session=True)
            subprocess.Popen("sleep 61 & exec sleep 62", shell=True, preexec_fn=os.setpgrp)
            subprocess.run("sleep 63 &", shell=True, start_new_session=True)
            mark("started")
            time.sleep(30)
        """
    )
    with suite.running("-n", "1", "--start-method", method, grace=5.0) as running:
        suite.await_marks("started")
        running.interrupt(signum)
        result = running.finish(10)
    assert result.returncode == -signum, result.output


def test_a_handler_of_the_suite_s_own(suite: Suite) -> None:
    suite.write(
        conftest="""
        import signal
        from witness import mark
        signal.signal(signal.SIGINT, lambda *_: mark("heard"))
        """,
        test_a="import os, signal\ndef test_it(): os.kill(os.getpid(), signal.SIGINT)",
    )
    assert suite.run("-n", "1", "--start-method", "fork").counts == {"passed": 1}
    assert len(suite.marks("heard")) == 1
