"""Ends that come from outside, and a break in between: nothing hangs, nothing is lost, nothing stays behind."""

from __future__ import annotations

import signal
import sys
import time
from typing import TYPE_CHECKING

import pytest
from processes.harness import METHODS, Suite

if TYPE_CHECKING:
    from pathlib import Path

TESTS = """
    import time
    import pytest
    from witness import mark

    @pytest.mark.parametrize("number", range(10))
    def test_it(number):
        mark("started")
        time.sleep(0.2)
"""
# Runs a command in a terminal of its own, and closes that once the file that is named first is there.
TERMINAL = """
import os, pty, sys, time
file, *command = sys.argv[1:]
pid, terminal = pty.fork()
if pid == 0:
    os.execv(command[0], command)
os.set_blocking(terminal, False)
while not os.path.exists(file):
    try:
        os.read(terminal, 4096)
    except BlockingIOError:
        time.sleep(0.01)
os.close(terminal)
_, status = os.waitpid(pid, 0)
print("ended with", os.waitstatus_to_exitcode(status))
"""


@pytest.mark.parametrize("method", METHODS)
def test_a_run_is_stopped_and_goes_on(suite: Suite, method: str) -> None:
    """As by Ctrl-Z and `fg`. The time in between is nobody's."""
    suite.write(test_a=TESTS, test_b=TESTS)
    with suite.running("-n", "2", "--start-method", method, "--hang-timeout", "2") as running:
        suite.await_marks("started", 2)
        running.interrupt(signal.SIGSTOP, group=True)
        time.sleep(4)
        count = len(suite.marks("started"))
        running.interrupt(signal.SIGCONT, group=True)
        result = running.finish()
    assert count < 20
    assert result.counts == {"passed": 20}, result.output


@pytest.mark.parametrize("method", METHODS)
def test_nobody_reads_the_output(suite: Suite, method: str) -> None:
    suite.write(test_a=TESTS, test_b=TESTS)
    command = f"{sys.executable} -m pytest -v -n 2 --start-method {method} | head -1"
    result = suite.run(command=["sh", "-c", command], timeout=30)
    assert len(result.stdout.splitlines()) == 1


@pytest.mark.parametrize("method", METHODS)
def test_the_terminal_is_closed(suite: Suite, method: str, tmp_path: Path) -> None:
    suite.write(test_a=TESTS, test_b=TESTS)
    helper = tmp_path / "terminal.py"
    helper.write_text(TERMINAL, "utf-8")
    command = [sys.executable, str(helper), str(suite.helpers / "marks"), sys.executable, "-m", "pytest"]
    result = suite.run("-n", "2", "--start-method", method, command=command, timeout=30)
    assert f"ended with {-signal.SIGHUP}" in result.stdout, result.output
    assert len(suite.marks("started")) < 20


def test_time_is_up(suite: Suite) -> None:
    """`timeout` of the shell, which sends a signal to the group."""
    suite.write(test_a=TESTS, test_b=TESTS)
    command = ["timeout", "--preserve-status", "1.5", sys.executable, "-m", "pytest"]
    result = suite.run("-n", "2", command=command, timeout=30, grace=5.0)
    assert result.returncode == 128 + signal.SIGTERM, result.output
