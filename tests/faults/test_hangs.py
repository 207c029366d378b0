"""A test that hangs costs `--hang-timeout` seconds and its worker, and nothing else."""

from __future__ import annotations

import re
from collections import Counter
from textwrap import indent

import pytest
from processes.harness import METHODS, Result, Suite

# What a test may hang in.
WAYS = {
    "sleep": "time.sleep(1000)",
    # In C, with the GIL: no other thread of the process runs any more.
    "GIL": "(ctypes.PyDLL(None)).sleep(1000)",
    "deaf": "signal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals) - {signal.SIGKILL}); time.sleep(1000)",
    "stopped": "os.kill(os.getpid(), signal.SIGSTOP)",
    "child": "subprocess.run(['sleep', '1000'])",
    "thread": "(thread := threading.Thread(target=time.sleep, args=(1000,))).start(); thread.join()",
    "loop": "exec('while True:\\n    try:\\n        time.sleep(1)\\n    except BaseException: pass')",
}
HEAD = """
import ctypes, os, signal, subprocess, threading, time
import pytest
from witness import mark
"""
IN_BODY = """
def test_hangs():
    mark("ran test_hangs")
    {hang}
"""
IN_SETUP = """
@pytest.fixture
def resource():
    mark("ran test_hangs")
    {hang}

def test_hangs(resource): pass
"""
IN_TEARDOWN = """
@pytest.fixture
def resource():
    yield
    {hang}

def test_hangs(resource): mark("ran test_hangs")
"""
OTHERS = (
    HEAD
    + """
@pytest.mark.parametrize("number", range(5))
def test_other(number): mark(f"ran test_other[{number}]")
"""
)


def assert_only_the_hanging_failed(suite: Suite, result: Result, seconds: float, others: int = 10) -> str:
    """Every test has one end; returns the text of the failure, with its sections."""
    assert result.returncode == 1, result.output
    [failure] = result.failures
    assert failure.nodeid.endswith("::test_hangs")
    assert f"was killed because it hung: no end after {seconds:g} s (--hang-timeout)" in failure.text
    ran = Counter(mark.name for mark in suite.marks("ran "))
    assert ran.pop("ran test_hangs") == 1
    assert sum(ran.values()) == others
    bodies = [report for report in result.reports if report.nodeid == failure.nodeid and report.when == "call"]
    assert bodies == [failure] or failure.when == "teardown"
    passed = {nodeid: count for nodeid, count in result.nodeids("passed").items() if "test_other" in nodeid}
    assert len(passed) == others
    assert set(passed.values()) == {1}
    return "\n".join([failure.text, *(f"{title}\n{text}" for title, text in failure.sections)])


@pytest.mark.parametrize("way", WAYS)
def test_a_test_hangs(suite: Suite, way: str) -> None:
    source = HEAD + IN_BODY.format(hang=WAYS[way])
    suite.write(test_hangs=source, test_o1=OTHERS, test_o2=OTHERS)
    result = suite.run("-n", "2", "--start-method", "fork", "--hang-timeout", "1")
    text = assert_only_the_hanging_failed(suite, result, 1)
    assert result.seconds < 30
    if way not in ("deaf", "stopped"):
        assert re.search(r'File ".*test_hangs\.py", line \d+ in test_hangs', text), text


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("place", [IN_BODY, IN_SETUP, IN_TEARDOWN], ids=["body", "setup", "teardown"])
def test_it_hangs_anywhere(suite: Suite, method: str, place: str) -> None:
    suite.write(test_hangs=HEAD + place.format(hang="time.sleep(1000)"), test_o1=OTHERS, test_o2=OTHERS)
    result = suite.run("-n", "2", "--start-method", method, "--hang-timeout", "1")
    text = assert_only_the_hanging_failed(suite, result, 1)
    assert "test_hangs.py" in text


def test_what_the_test_has_started_is_killed_with_it(suite: Suite) -> None:
    # It has a group and a session of its own, and a child.
    start = "subprocess.Popen(['sh', '-c', 'sleep 1000 & wait'], start_new_session=True).wait()"
    suite.write(test_hangs=HEAD + IN_BODY.format(hang=start), test_o1=OTHERS, test_o2=OTHERS)
    # The harness finds what is left behind.
    result = suite.run("-n", "2", "--hang-timeout", "1")
    assert_only_the_hanging_failed(suite, result, 1)


def test_the_last_words_and_the_stacks_are_in_the_report(suite: Suite) -> None:
    hang = "print('said before'); sys_stderr(); threading.Thread(target=time.sleep, args=(5,), daemon=True).start()"
    body = indent("def sys_stderr(): pass\n", "") + IN_BODY.format(hang=f"{hang}; time.sleep(1000)")
    suite.write(test_hangs=HEAD + body, test_o1=OTHERS, test_o2=OTHERS)
    result = suite.run("-n", "2", "--hang-timeout", "1")
    text = assert_only_the_hanging_failed(suite, result, 1)
    assert text.count("(most recent call first)") >= 2
    assert "Captured stdout\nsaid before" in text


def test_a_mark_gives_more_time_or_less(suite: Suite) -> None:
    suite.write(
        test_a=HEAD
        + """
@pytest.mark.hang_timeout(60)
class TestPatient:
    def test_slow(self): time.sleep(1.5)

    @pytest.mark.hang_timeout(seconds=0.5)
    def test_impatient(self): time.sleep(1000)

@pytest.mark.hang_timeout(0)
def test_for_ever(): time.sleep(1.5)
""",
        test_b="def test_b(): pass",
    )
    result = suite.run("-n", "2", "--hang-timeout", "1")
    assert result.counts == {"passed": 3, "failed": 1}, result.output
    assert "no end after 0.5 s" in result.failures[0].text


def test_a_mark_alone_is_enough(suite: Suite) -> None:
    mark = "@pytest.mark.hang_timeout(1)\ndef test_hangs():"
    suite.write(
        test_hangs=HEAD + IN_BODY.format(hang="time.sleep(1000)").replace("def test_hangs():", mark),
        test_o1=OTHERS,
        test_o2=OTHERS,
    )
    result = suite.run("-n", "2")
    assert_only_the_hanging_failed(suite, result, 1)


def test_the_ini_option(suite: Suite) -> None:
    suite.write(ini="fastest_hang_timeout = 1", test_hangs=HEAD + IN_BODY.format(hang="time.sleep(1000)"))
    suite.write(test_o1=OTHERS, test_o2=OTHERS)
    result = suite.run("-n", "2")
    assert_only_the_hanging_failed(suite, result, 1)


@pytest.mark.parametrize("method", METHODS)
def test_the_end_of_a_session_hangs(suite: Suite, method: str) -> None:
    suite.write(
        conftest=HEAD
        + """
@pytest.fixture(scope="session")
def resource():
    yield
    time.sleep(1000)
""",
        test_a="def test_a(resource): pass",
        test_b="def test_b(): pass",
    )
    result = suite.run("-n", "2", "--start-method", method, "--hang-timeout", "1")
    assert result.returncode == 1, result.output
    assert result.seconds < 30
    # The teardown belongs to the last test, or comes behind all of them.
    assert "was killed because it hung: no end after 1 s" in result.output
    assert "conftest.py" in result.output


def test_every_test_hangs(suite: Suite) -> None:
    suite.write(test_a="import time\n" + "\n".join(f"def test_{n}(): time.sleep(1000)" for n in range(5)))
    result = suite.run("-n", "2", "--hang-timeout", "0.3", "--max-worker-restart", "1")
    assert result.returncode == 1, result.output
    assert sum("because it hung" in failure.text for failure in result.failures) == 3
    assert sum("not run: " in failure.text for failure in result.failures) == 2


def test_quick_tests_do_not_hang_together(suite: Suite) -> None:
    suite.write(test_a="import time\n" + "\n".join(f"def test_{n}(): time.sleep(0.1)" for n in range(20)))
    result = suite.run("-n", "1", "--hang-timeout", "1")
    assert result.counts == {"passed": 20}, result.output


@pytest.mark.parametrize("value", ["soon", "-1", "nan", "inf"])
def test_values_that_are_not_allowed(suite: Suite, value: str) -> None:
    suite.write(test_a="def test_a(): pass")
    result = suite.run("-n", "2", f"--hang-timeout={value}")
    assert result.returncode == 4
    assert f"{value!r} is not a number of seconds; allowed: from 0 (never) on" in result.stderr
    suite.write(ini=f"fastest_hang_timeout = {value}")
    result = suite.run("-n", "2")
    assert result.returncode == 4
    assert f"the ini option fastest_hang_timeout: {value!r} is not a number of seconds" in result.stderr


@pytest.mark.parametrize("arguments", ["", "'soon'", "1, 2", "seconds=-1"])
def test_marks_that_are_not_allowed(suite: Suite, arguments: str) -> None:
    suite.write(test_a=f"import pytest\n@pytest.mark.hang_timeout({arguments})\ndef test_a(): pass")
    result = suite.run("-n", "2")
    assert result.returncode == 4, result.output
    assert "test_a.py::test_a: hang_timeout takes one number of seconds, from 0 (never) on" in result.stderr


def test_without_workers_it_has_no_effect(suite: Suite) -> None:
    suite.write(test_a="import pytest, time\n@pytest.mark.hang_timeout(0.01)\ndef test_a(): time.sleep(0.1)")
    result = suite.run("--hang-timeout", "0.01", "--strict-markers")
    assert result.counts == {"passed": 1}, result.output
