"""A system that makes no more processes or threads, at every place where a run asks for one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from processes.harness import METHODS, Suite

from faults.somebody import Somebody, somebody

if TYPE_CHECKING:
    from collections.abc import Iterator

    from processes.harness import Result

TESTS = "import pytest\n@pytest.mark.parametrize('number', range(20))\ndef test_it(number): pass"
# They wait for all others.
LATER = TESTS.replace("@", "@pytest.mark.serial\n@", 1)
# The first worker dies of its first test, and its parent is let make no other.
CRASH = """
    import os, resource
    from witness import meet
    def test_crash():
        meet(int(os.environ["PYTEST_XDIST_WORKER_COUNT"]))
        resource.prlimit(os.getppid(), resource.RLIMIT_NPROC, (1, 1))
        os._exit(9)
"""
# Runs until the controller has seen that the replacement does not come.
OTHER = """
    import os, pathlib, time
    from witness import meet
    def test_other():
        meet(2)
        deadline = time.monotonic() + 20
        while pathlib.Path(os.environ["WITNESS"]).read_text().count("is down") < 2:
            assert time.monotonic() < deadline
            time.sleep(0.01)
"""
CONFTEST = """
    from witness import mark
    def pytest_testnodedown(node, error):
        mark("is down")
"""
ADVICE = "raise the limits of processes and memory (ulimit -u, ulimit -v), or "
# Processes and threads of a run of two workers: controller, base, template, two workers; dispatcher, acceptor, a
# reader for each connection. Under `spawn` a shell, and a thread that waits for each process.
ENOUGH = 11


@pytest.fixture
def user(suite: Suite) -> Iterator[Somebody]:
    with somebody(suite) as user:
        yield user


@pytest.mark.parametrize("method", METHODS)
def test_as_many_as_the_limit_allows(suite: Suite, method: str) -> None:
    suite.write(test_a=TESTS, test_b=TESTS)
    codes = [check(run(suite, method, limit)) for limit in range(1, ENOUGH + 1)]
    assert codes[:3] == [4, 4, 4]
    assert codes[-1] == 0


def run(suite: Suite, method: str, limit: int) -> Result:
    arguments = ["-n", "2", "--start-method", method, "-p", "no:cacheprovider"]
    # Another one each time: what the system has not buried yet counts too.
    with somebody(suite) as user:
        result = suite.run(*arguments, command=user.command(f"--nproc={limit}"), tmpdir=user.temporary)
        assert user.has_left_nothing()
    return result


def check(result: Result) -> int:
    """All tests have run, with a warning if there was a worker less; or none, with an error. Returns the exit code."""
    assert "Traceback" not in result.output, result.output
    assert "INTERNALERROR" not in result.output, result.output
    told = result.output.count(ADVICE)
    if result.returncode == 4:
        assert told == 1, result.output
        assert "or use -n no" in result.stderr
        assert " passed" not in result.stdout
    else:
        assert result.returncode == 0, result.output
        assert result.counts == {"passed": 40} | ({"warnings": 1} if told else {}), result.output
        assert told == len(re.findall(r"gw[01] can't be started: ", result.output)), result.output
    return result.returncode


@pytest.mark.parametrize("method", METHODS)
def test_a_crashed_worker_that_can_t_be_replaced(suite: Suite, user: Somebody, method: str) -> None:
    suite.write(test_a=CRASH, test_b=OTHER, test_c=LATER, conftest=CONFTEST)
    arguments = ["-n", "2", "--start-method", method, "-p", "no:cacheprovider"]
    result = suite.run(*arguments, command=user.command(), tmpdir=user.temporary)
    assert result.returncode == 1, result.output
    assert result.counts == {"passed": 21, "failed": 1, "warnings": 1}
    assert "crashed while running 'test_a.py::test_crash'" in result.stdout
    assert "gw2 can't be started: " in result.stdout


@pytest.mark.parametrize("method", METHODS)
def test_the_only_worker_can_t_be_replaced(suite: Suite, user: Somebody, method: str) -> None:
    suite.write(test_a=CRASH, test_c=LATER)
    arguments = ["-n", "1", "--start-method", method, "-p", "no:cacheprovider"]
    result = suite.run(*arguments, command=user.command(), tmpdir=user.temporary)
    assert result.returncode == 1, result.output
    assert result.counts == {"failed": 1, "errors": 20, "warnings": 1}
    assert "not run: every worker that could have run it has crashed, or can't be started" in result.stdout
    assert "gw1 can't be started: " in result.stdout


@pytest.mark.parametrize("method", METHODS)
def test_a_lane_without_a_worker(suite: Suite, method: str) -> None:
    """Nobody else runs what is there once for each worker. Where warnings are errors, this one is none."""
    suite.write(test_a=TESTS)
    arguments = ["-n", "2", "--dist", "each", "--start-method", method, "-p", "no:cacheprovider", "-W", "error"]
    with somebody(suite) as user:
        # The first one that is too few.
        command = user.command(f"--nproc={ENOUGH - 1 if method == 'fork' else ENOUGH - 3}")
        result = suite.run(*arguments, command=command, tmpdir=user.temporary)
    assert result.returncode == 1, result.output
    assert result.counts == {"passed": 20, "errors": 20, "warnings": 1}
    assert result.stdout.count("fastest: gw1 can't be started: ") == 1


@pytest.mark.parametrize("method", METHODS)
def test_another_try_that_nobody_can_make(suite: Suite, user: Somebody, method: str) -> None:
    suite.write(test_a=CRASH)
    arguments = ["-n", "1", "--start-method", method, "-p", "no:cacheprovider", "--retry-crashed", "1"]
    result = suite.run(*arguments, command=user.command(), tmpdir=user.temporary)
    assert result.returncode == 1, result.output
    assert "gw1 can't be started: " in result.stdout
    assert "test_a.py::test_crash: it has not run again to its end: no fresh worker came" in result.stdout
