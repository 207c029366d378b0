"""The processes behind the workers are killed: the run ends soon, and says of every test what became of it."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from faults.places import CONFTEST

if TYPE_CHECKING:
    from processes.harness import Result, Suite

# A worker of the template or the base dies with it, and nobody is left who could start another.
TESTS = """
    import os, time
    import pytest
    from witness import mark

    @pytest.mark.parametrize("number", range(5))
    def test_it(number):
        mark("running")
        if number:
            time.sleep(30)
"""
# Who is killed, as seen from a worker.
PARENT, GRANDPARENT = 1, 2
CASES = [("fork", "template", PARENT), ("fork", "base", GRANDPARENT), ("forkserver", "base", PARENT)]


def ancestor(pid: int, generations: int) -> int:
    for _ in range(generations):
        pid = int(Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[1])
    return pid


def killed_at(suite: Suite, place: str, method: str, generations: int) -> Result:
    """The run whose process of that generation above the first one that comes to that place is killed there."""
    with suite.running("-n", "2", "--start-method", method, env={"WAITS_AT": place}) as running:
        suite.await_marks(place, 1 if place == "collecting" else 2)
        pid = ancestor(suite.marks(place)[0].pid, generations)
        assert pid not in (running.process.pid, os.getpid())
        os.kill(pid, signal.SIGKILL)
        return running.finish(20)


@pytest.mark.parametrize(("method", "generations"), [("fork", PARENT), ("forkserver", PARENT)])
def test_the_base_while_it_is_collected(suite: Suite, method: str, generations: int) -> None:
    suite.write(conftest=CONFTEST, test_a=TESTS, test_b=TESTS)
    result = killed_at(suite, "collecting", method, generations)
    assert result.returncode == 3, result.output
    assert "the process that collects lost its connection" in result.stdout
    assert not suite.marks("running")


@pytest.mark.parametrize(("method", "who", "generations"), CASES)
def test_while_tests_run(suite: Suite, method: str, who: str, generations: int) -> None:
    suite.write(conftest=CONFTEST, test_a=TESTS, test_b=TESTS)
    result = killed_at(suite, "running", method, generations)
    assert result.returncode == 1, (who, result.output)
    ends = {report.nodeid for report in result.reports if report.when == "call" or report.outcome == "failed"}
    assert len(ends) == 10
    assert sum(result.counts.values()) == 10, "each test has one end"
    crashed = [failure for failure in result.failures if "crashed while running" in failure.text]
    assert 1 <= len(crashed) <= 2
    assert all("lost its connection" in failure.text for failure in crashed)
    others = [failure.text for failure in result.failures if failure not in crashed]
    assert all("not run: every worker has crashed, and no more are started" in text for text in others)


@pytest.mark.parametrize(("method", "who", "generations"), CASES)
def test_while_sessions_end(suite: Suite, method: str, who: str, generations: int) -> None:
    suite.write(conftest=CONFTEST, test_a="def test_a(): pass", test_b="def test_b(): pass")
    result = killed_at(suite, "finishing", method, generations)
    assert result.returncode == 1, (who, result.output)
    assert result.counts == {"passed": 2}
    for worker in ("gw0", "gw1"):
        assert f"worker '{worker}' lost its connection outside of any test" in result.stdout


@pytest.mark.parametrize("method", ["fork", "forkserver"])
def test_the_base_before_it_connects(suite: Suite, method: str) -> None:
    suite.write(
        early="""
        import os, signal
        # The first process that is forked is the base.
        os.register_at_fork(after_in_child=lambda: os.kill(os.getpid(), signal.SIGKILL))
        """,
        test_a="def test_a(): pass",
    )
    result = suite.run("-p", "early", "-n", "2", "--start-method", method, timeout=20)
    assert result.returncode == 3, result.output
    assert "the process that collects" in result.stdout


def test_before_what_crashes_runs_again_alone(suite: Suite) -> None:
    # The worker dies in the test, and its parent with it.
    suite.write(test_a="import os, signal\ndef test_a(): os.kill(os.getppid(), signal.SIGKILL); signal.pause()")
    result = suite.run("-n", "1", "--start-method", "fork", "--retry-crashed", "2", timeout=20)
    assert result.returncode == 1, result.output
    assert result.counts == {"rerun": 1, "failed": 1}
    assert "test_a.py::test_a: it has not run again to its end: no fresh worker came" in result.output
    assert "again, alone in" not in result.output


def test_before_who_has_outgrown_its_limit_is_replaced(suite: Suite) -> None:
    suite.write(
        conftest="""
        import os, signal
        def pytest_sessionfinish():
            if os.environ.get("PYTEST_XDIST_WORKER"):
                # Its own end is not to come first.
                os.setpgid(0, 0)
                os.kill(os.getppid(), signal.SIGKILL)
        """,
        test_a="def test_a(): globals()['held'] = b'x' * (200 << 20)",
        test_b="def test_b(): pass",
    )
    result = suite.run("-n", "1", "--start-method", "fork", "--memory-limit", "150M", timeout=20)
    assert result.returncode == 1, result.output
    assert sum(result.counts.values()) == 2
    assert "is not replaced: the process that workers are forked from is gone" in result.output
    assert "replacing" not in result.output
