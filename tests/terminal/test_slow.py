"""Tests that take long are named while they run, and say on demand where they are."""

from __future__ import annotations

import re
import signal
from typing import TYPE_CHECKING

import pytest
from processes.harness import METHODS, wait_until

from terminal.screen import screen

if TYPE_CHECKING:
    from processes.harness import Running, Suite

SLEEPER = """
    import time
    from witness import mark

    def sleep_a_long_time(seconds):
        mark("asleep")
        time.sleep(seconds)

    def test_quick(): pass
    def test_sleeps(): sleep_a_long_time(2.5)
"""


def await_output(running: Running, pattern: str) -> None:
    wait_until(lambda: re.search(pattern, running._read("stdout")) is not None, 20.0, pattern)


def test_who_is_slow_is_named_again_and_again(suite: Suite) -> None:
    suite.write(test_a=SLEEPER)
    result = suite.run("-n", "1", "--slow-after", "0.5")
    lines = [line for line in result.stdout.splitlines() if line.startswith("slow: ")]
    assert 2 <= len(lines) <= 3, result.stdout
    assert all(re.fullmatch(r"slow: gw0 test_a.py::test_sleeps has been running for \d\.\d s", line) for line in lines)


@pytest.mark.parametrize("arguments", [[], ["--slow-after", "0"], ["--slow-after", "60"]])
def test_nobody_is_named_otherwise(suite: Suite, arguments: list[str]) -> None:
    suite.write(test_a=SLEEPER)
    assert "slow" not in suite.run("-n", "1", *arguments).stdout


def test_bad_values(suite: Suite) -> None:
    result = suite.run("-n", "1", "--slow-after", "soon")
    assert result.returncode == 4
    assert "'soon' is not a number of seconds; allowed: from 0 (never) on" in result.stderr


@pytest.mark.parametrize("method", METHODS)
def test_stacks_on_demand(suite: Suite, method: str) -> None:
    suite.write(test_a=SLEEPER, test_b=SLEEPER)
    with suite.running("-n", "2", "--start-method", method) as running:
        suite.await_marks("asleep", 2)
        running.interrupt(signal.SIGUSR1)
        await_output(running, r"(?sm)^=+ running tests =(.*sleep_a_long_time){2}")
        result = running.finish()
    assert result.counts == {"passed": 4}
    for number in "ab":
        assert re.search(rf"gw\d test_{number}\.py::test_sleeps \(\d\.\d s\)", result.stdout)
    assert result.stdout.count("in test_sleeps") == 2


def test_stacks_of_a_test_that_holds_the_interpreter(suite: Suite) -> None:
    suite.write(
        test_a="""
        import re
        from witness import mark
        def test_native():
            mark("asleep")
            # About a second or more, with the interpreter's lock held.
            re.match("(a|aa)+$", "a" * 35 + "b")
        """
    )
    with suite.running("-n", "1") as running:
        suite.await_marks("asleep")
        running.interrupt(signal.SIGUSR1)
        result = running.finish()
    assert "in test_native" in result.stdout
    assert result.counts == {"passed": 1}


def test_a_later_crash_does_not_show_them_again(suite: Suite) -> None:
    suite.write(test_a=SLEEPER, test_b="import os\ndef test_dies(): os.kill(os.getpid(), 11)")
    with suite.running("-n", "1") as running:
        suite.await_marks("asleep")
        running.interrupt(signal.SIGUSR1)
        result = running.finish()
    assert result.stdout.count("in sleep_a_long_time") == 1
    assert "in test_dies" in result.stdout


def test_a_signal_that_somebody_else_wants_is_left_to_him(suite: Suite) -> None:
    suite.write(
        conftest="""
        import os, signal
        if "PYTEST_XDIST_WORKER" not in os.environ:
            signal.signal(signal.SIGUSR1, lambda *_: print("mine"))
        """,
        test_a=SLEEPER,
    )
    with suite.running("-n", "1", "-s") as running:
        suite.await_marks("asleep")
        running.interrupt(signal.SIGUSR1)
        result = running.finish()
    assert "running tests" not in result.stdout
    assert "mine" in result.stdout


def test_who_is_slow_stands_out(suite: Suite) -> None:
    suite.write(test_a=SLEEPER)
    env = {"TERM": "xterm", "COLUMNS": "", "LANG": "C.UTF-8"}
    with screen() as terminal:
        with suite.running("-n", "1", "--slow-after", "1", terminal=terminal.line, env=env) as running:
            terminal.await_text(r"slow: gw0 test_a.py::test_sleeps has been running for \d\.\d s")
            running.finish()
        assert re.search(rb"\x1b\[33mgw0 +\d\.\d s ", terminal.written)
