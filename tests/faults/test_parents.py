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
