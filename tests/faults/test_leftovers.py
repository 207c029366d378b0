"""What tests leave running gets a moment to end. Then it is ended, the test is named, and nobody has waited for it."""

from __future__ import annotations

import re
from textwrap import dedent

import pytest
from processes.harness import METHODS, Result, Suite

HEAD = """
import atexit, concurrent.futures, ctypes, multiprocessing, os, subprocess, sys, threading, time
import pytest
from witness import mark

@pytest.fixture(autouse=True)
def apart():
    # When a process was started is known to 0.01 s.
    time.sleep(0.02)
    yield
    time.sleep(0.02)

def test_before(): pass
"""
TEST = """
def test_leaves():
    {what}

def test_after(): pass
"""
# What is left, and what a part of the warning says about it.
PROCESSES = {
    "program": ("subprocess.Popen(['sleep', '1000'])", r"\(sleep 1000\)"),
    "session": ("subprocess.Popen(['sleep', '1000'], start_new_session=True)", r"\(sleep 1000\)"),
    "environment": ("subprocess.Popen(['sleep', '1000'], env={})", r"\(sleep 1000\)"),
    "shell": ("subprocess.Popen('sleep 1000; true', shell=True)", r"\(/bin/sh -c sleep 1000; true\)"),
    "fork": ("os.fork() or time.sleep(1000)", r"\(a copy of its worker\)"),
    # The interpreter would wait for it.
    "process": (
        "multiprocessing.get_context('fork').Process(target=time.sleep, args=(1000,)).start()",
        r"\(a copy of its worker\)",
    ),
    "deaf": ("subprocess.Popen(['sh', '-c', 'trap \"\" TERM INT HUP; sleep 1000; true'])", r"\(sh -c trap .*\)"),
}
# What ends by itself, or is not waited for.
QUIET = {
    "soon": "subprocess.Popen(['sleep', '0.2'])",
    "tracker": "multiprocessing.get_context('spawn').Event()",
    "forkserver": "multiprocessing.set_forkserver_preload([]); "
    "multiprocessing.get_context('forkserver').Process(target=int).start()",
    "daemon": "multiprocessing.get_context('fork').Process(target=time.sleep, args=(1000,), daemon=True).start()",
    "ended": "subprocess.Popen(['true'])",
    "exit": "atexit.register(subprocess.Popen(['sleep', '1000']).kill)",
    "thread": "threading.Thread(target=time.sleep, args=(1000,)).start()",
    "busy": "threading.Thread(target=exec, args=('while True: pass',)).start()",
    "executor": "concurrent.futures.ThreadPoolExecutor(2).submit(time.sleep, 1000)",
}


def warnings_of(result: Result) -> list[str]:
    return re.findall(
        r"PytestWarning: (.* left a process behind, which was ended: \d+ \(.*\))$", result.stdout, re.MULTILINE
    )


@pytest.mark.parametrize("method", METHODS)
def test_processes_are_named_and_ended(suite: Suite, method: str) -> None:
    suite.write(**{f"test_{name}": HEAD + TEST.format(what=what) for name, (what, _) in PROCESSES.items()})
    result = suite.run("-n", "2", "--start-method", method)
    assert result.returncode == 0, result.output
    assert result.counts == {"passed": 3 * len(PROCESSES), "warnings": len(PROCESSES)}
    found = warnings_of(result)
    for name, (_, command) in PROCESSES.items():
        pattern = rf"test_{name}\.py::test_leaves has left a process behind, which was ended: \d+ {command}"
        assert [text for text in found if re.fullmatch(pattern, text)], (name, result.output)
        # With the place of the test.
        assert re.search(rf"/test_{name}\.py:\d+: PytestWarning", result.stdout)
    assert len(found) == len(PROCESSES)


@pytest.mark.parametrize("method", METHODS)
def test_what_ends_by_itself_is_not_mentioned(suite: Suite, method: str) -> None:
    suite.write(**{f"test_{name}": HEAD + TEST.format(what=what) for name, what in QUIET.items()})
    result = suite.run("-n", "3", "--start-method", method)
    assert result.returncode == 0, result.output
    assert warnings_of(result) == []
    assert result.counts["passed"] == 3 * len(QUIET)


def test_a_thread_may_finish_what_it_is_at(suite: Suite) -> None:
    source = """
        def test_thread():
            def work():
                time.sleep(0.3)
                mark("thread")
            threading.Thread(target=work).start()

        def test_executor():
            executor = concurrent.futures.ThreadPoolExecutor(1)
            executor.submit(time.sleep, 0.3)
            executor.submit(mark, "executor")
    """
    suite.write(test_a=HEAD + dedent(source))
    assert suite.run("-n", "1").counts == {"passed": 3}
    assert len(suite.marks("thread")) == len(suite.marks("executor")) == 1


def test_when_it_is_not_known_which_test_it_was(suite: Suite) -> None:
    """Several tests have run in the hundredth of a second in which it was started, on a fast machine many."""
    source = """
        import subprocess
        import pytest

        @pytest.mark.parametrize("number", range(200))
        def test_it(number):
            if number == 100:
                subprocess.Popen(["sleep", "1000"], env={})
    """
    suite.write(test_a=source)
    result = suite.run("-n", "1")
    [text] = warnings_of(result)
    numbers = [int(number) for number in re.findall(r"test_a\.py::test_it\[(\d+)\]", text)]
    assert numbers[0] <= 100 <= numbers[-1], text
    if text.startswith("one of"):
        assert text.startswith(f"one of {numbers[-1] - numbers[0] + 1} tests from "), text
    else:
        assert numbers == list(range(numbers[0], numbers[-1] + 1)), text


def test_a_process_of_a_session_fixture_is_the_fixture_s(suite: Suite) -> None:
    source = """
        import subprocess
        import pytest

        @pytest.fixture(scope="session")
        def server():
            process = subprocess.Popen(["sleep", "1000"])
            yield process
            process.terminate()

        def test_it(server): assert server.poll() is None
    """
    suite.write(test_a=source, test_b=source)
    result = suite.run("-n", "2")
    assert result.counts == {"passed": 2}, result.output


def test_warnings_that_are_errors_do_not_fail_the_run(suite: Suite) -> None:
    suite.write(test_a=HEAD + TEST.format(what="os.fork() or time.sleep(1000)"))
    result = suite.run("-n", "1", "-W", "error")
    assert result.returncode == 0, result.output
    assert result.counts == {"passed": 3, "warnings": 1}


def test_warnings_can_be_ignored(suite: Suite) -> None:
    suite.write(
        ini="filterwarnings = ignore:.*left a process behind:pytest.PytestWarning\n",
        test_a=HEAD + TEST.format(what="os.fork() or time.sleep(1000)"),
    )
    assert suite.run("-n", "1").counts == {"passed": 3}


def test_a_worker_that_does_not_end_is_ended(suite: Suite) -> None:
    suite.write(test_a=HEAD + TEST.format(what="atexit.register(time.sleep, 1000)"))
    result = suite.run("-n", "1")
    assert result.returncode == 0, result.output
    assert "gw0 did not end when it had nothing more to do, and was killed" in result.stdout
    assert result.counts == {"passed": 3, "warnings": 1}


@pytest.mark.parametrize("method", METHODS)
def test_what_a_crashed_worker_has_started_is_ended(suite: Suite, method: str) -> None:
    """No fixture of it does any more. Daemons are among it."""
    source = """
        @pytest.fixture(scope="session")
        def server():
            subprocess.run("setsid sleep 1000 & disown; true", shell=True, executable="/bin/bash", check=True)
            yield
            mark("stopped")

        def test_uses(server): subprocess.Popen(["sleep", "2000"])
        def test_dies(server): os._exit(3)
    """
    suite.write(test_a=HEAD + dedent(source), test_b=HEAD)
    result = suite.run("-n", "1", "--start-method", method)
    assert result.counts == {"passed": 3, "failed": 1, "warnings": 2}, result.output
    assert not suite.marks("stopped")
    text = "\n".join(warnings_of(result))
    # The first test that uses it has started it.
    assert re.search(r"test_a\.py::test_uses has left .* \(sleep 1000\)", text), text
    assert re.search(r"test_a\.py::test_uses has left .* \(sleep 2000\)", text), text
