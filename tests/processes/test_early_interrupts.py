"""Ctrl-C while processes start: the user sees what plain pytest prints, once, and nothing of the processes."""

from __future__ import annotations

import signal
import sys

import pytest

from processes.harness import METHODS, Result, Suite

GROUP = pytest.mark.parametrize("group", [False, True], ids=["controller only", "process group"])


def interrupted(suite: Suite, *args: str, group: bool, prefix: str = "starting", count: int = 1) -> Result:
    """A run with two workers that gets a Ctrl-C when there are so many marks with this beginning."""
    with suite.running("-n", "2", *args) as running:
        suite.await_marks(prefix, count)
        # An interrupt of pytest's own start is pytest's to report.
        suite.await_marks("session")
        running.interrupt(group=group)
        return running.finish(15)


def assert_is_clean(result: Result) -> None:
    assert result.returncode == 2, result.output
    assert result.seconds < 6
    assert "KeyboardInterrupt" in result.stdout
    assert "no tests ran" in result.stdout
    assert not result.stderr
    for noise in ("Traceback", "replacing", "INTERNALERROR", "errors of workers"):
        assert noise not in result.stdout


@pytest.fixture
def started(suite: Suite) -> Suite:
    """A suite that tells when the controller's session has begun."""
    suite.write(
        conftest="""
            import pytest
            from witness import mark

            @pytest.hookimpl(tryfirst=True)
            def pytest_collection(session):
                if not hasattr(session.config, "workerinput"):
                    mark("session")
        """,
        test_a="def test_a(): pass\ndef test_b(): pass",
    )
    return suite


@GROUP
@pytest.mark.parametrize("role", ["collector", "1"])
def test_an_interpreter_starts(started: Suite, role: str, group: bool) -> None:
    (started.helpers / "sitecustomize.py").write_text(
        f"""
import sys
if "-c" in sys.orig_argv and sys.orig_argv[-1] == {role!r}:
    import time
    from witness import mark
    mark("starting")
    time.sleep(50)
""",
        "utf-8",
    )
    assert_is_clean(interrupted(started, "--start-method", "spawn", group=group))


@GROUP
@pytest.mark.parametrize("worker", ["gw0", "gw1"])
def test_plugins_are_imported(started: Suite, worker: str, group: bool) -> None:
    (started.helpers / "slow_plugin.py").write_text(
        f"""
import os
if os.environ.get("PYTEST_XDIST_WORKER") == {worker!r}:
    import time
    from witness import mark
    mark("starting")
    time.sleep(50)
""",
        "utf-8",
    )
    assert_is_clean(interrupted(started, "-p", "slow_plugin", "--start-method", "spawn", group=group))


@pytest.mark.parametrize("method", METHODS)
def test_conftests_are_loaded(started: Suite, method: str) -> None:
    conftest = (started.root / "conftest.py").read_text("utf-8")
    (started.root / "conftest.py").write_text(
        f"""
import os, time
from witness import mark
if os.environ.get("PYTEST_XDIST_WORKER"):
    mark("starting")
    time.sleep(50)
{conftest}""",
        "utf-8",
    )
    assert_is_clean(interrupted(started, "--start-method", method, group=True))


@pytest.mark.parametrize("method", ["fork", "forkserver"])
def test_a_process_has_just_been_forked(started: Suite, method: str) -> None:
    """It has the controller's streams still."""
    (started.helpers / "slow_role.py").write_text(
        """
import signal, time
from witness import mark
from pytest_fastest.worker.terminal import Terminal

leave = Terminal.leave

def leave_late():
    mark("starting")
    while not signal.sigpending():
        time.sleep(0.01)
    return leave()

Terminal.leave = leave_late
""",
        "utf-8",
    )
    assert_is_clean(interrupted(started, "-p", "slow_role", "--start-method", method, group=True))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")
@pytest.mark.parametrize("method", METHODS)
def test_tests_and_what_they_start_hear_it_as_in_plain_pytest(suite: Suite, method: str) -> None:
    suite.write(
        conftest="""
            import signal, subprocess, sys
            from pathlib import Path

            STATUS = "print(open('/proc/self/status').read())"

            def heard():
                status = subprocess.run([sys.executable, "-c", STATUS], capture_output=True, text=True).stdout
                masks = [line.split()[1] for line in status.splitlines() if line.startswith(("SigBlk", "SigIgn"))]
                assert len(masks) == 2
                assert not any(int(mask, 16) & 1 << signal.SIGINT - 1 for mask in masks)
                assert not signal.pthread_sigmask(signal.SIG_BLOCK, [])
                assert signal.getsignal(signal.SIGINT) is signal.default_int_handler

            # Where they are loaded, and where tests run.
            heard()
        """,
        test_a="from conftest import heard\ndef test_a(): heard()",
        test_b="from conftest import heard\ndef test_b(): heard()",
    )
    result = suite.run("-n", "2", "--start-method", method)
    assert result.returncode == 0, result.output
    assert result.counts == {"passed": 2}


@pytest.mark.parametrize("method", METHODS)
def test_what_is_blocked_stays_blocked(suite: Suite, method: str) -> None:
    suite.write(
        test_a="""
            import signal

            def test_a():
                assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == {signal.SIGUSR1, signal.SIGINT}
        """
    )
    block = f"import signal; signal.pthread_sigmask(signal.SIG_BLOCK, [{signal.SIGUSR1:d}, {signal.SIGINT:d}]); "
    command = [sys.executable, "-c", block + "import sys, pytest; sys.exit(pytest.main(sys.argv[1:]))"]
    result = suite.run("-n", "1", "--start-method", method, command=command)
    assert result.returncode == 0, result.output
