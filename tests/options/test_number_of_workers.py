"""Where the number of workers comes from, and what of it the header says."""

from __future__ import annotations

import os
import sys

import pytest
from processes.harness import METHODS, Suite

# Enough to repay a second worker, and separable.
MANY = """
    import time, pytest
    from witness import mark

    @pytest.mark.parametrize("number", range(100))
    def test_many(number, worker_id):
        mark(f"ran {worker_id}")
        time.sleep(0.002)
"""
FEW = """
    import time
    from witness import mark

    def test_1(worker_id): mark(f"ran {worker_id}"); time.sleep(0.05)
    def test_2(worker_id): mark(f"ran {worker_id}"); time.sleep(0.05)
    def test_3(worker_id): mark(f"ran {worker_id}"); time.sleep(0.05)
"""
FIRST_CORE_ONLY = (
    "import os, sys; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); "
    "os.execv(sys.executable, [sys.executable, '-m', 'pytest', *sys.argv[1:]])"
)


@pytest.mark.parametrize("value", ["0", "auto", "logical", "AUTO"])
def test_automatic_takes_the_usable_cores(suite: Suite, value: str) -> None:
    suite.write(test_many=MANY)
    result = suite.run("-n", value)
    cores = len(os.sched_getaffinity(0))
    assert result.counts == {"passed": 100}
    assert result.header is not None
    assert "(automatic: " in result.header
    assert 1 <= result.workers <= cores
    assert len(suite.marks("ran ")) == 100


def test_automatic_stays_with_one_worker_if_there_is_little_to_do(suite: Suite) -> None:
    suite.write(test_one="def test_one(): pass")
    result = suite.run("-n", "0")
    assert result.counts == {"passed": 1}
    assert result.workers == 1
    assert "automatic" in str(result.header)


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one core: nothing to limit")
def test_affinity_limits_the_automatic_number(suite: Suite) -> None:
    suite.write(test_many=MANY)
    assert suite.run("-n", "0").workers >= 2
    # Nothing is known of the tests: those that wait get more workers than there are cores.
    limited = suite.run("-n", "0", "-p", "no:cacheprovider", command=[sys.executable, "-c", FIRST_CORE_ONLY])
    assert limited.counts == {"passed": 100}
    assert limited.workers == 1
    assert "core" in str(limited.header)


@pytest.mark.parametrize("args", [("-n", "2"), ("-n2",), ("--numprocesses", "2"), ("--numprocesses=2",)], ids=" ".join)
def test_a_number_is_taken_as_it_is(suite: Suite, args: tuple[str, ...]) -> None:
    suite.write(test_many=MANY)
    result = suite.run(*args)
    assert result.counts == {"passed": 100}
    assert result.header == "fastest: 2 workers (-n 2), fork"
    assert {mark.name for mark in suite.marks("ran ")} == {"ran gw0", "ran gw1"}


def test_one_worker_is_a_process_of_its_own(suite: Suite) -> None:
    suite.write(test_few=FEW)
    result = suite.run("-n", "1")
    assert result.header == "fastest: 1 worker (-n 1), fork"
    assert {mark.name for mark in suite.marks("ran ")} == {"ran gw0"}


@pytest.mark.parametrize("method", METHODS)
def test_no_more_workers_than_work(suite: Suite, method: str) -> None:
    suite.write(
        test_few=FEW,
        conftest="""
            from witness import mark
            def pytest_sessionfinish(session):
                if hasattr(session.config, "workerinput"):
                    mark("session")
        """,
    )
    result = suite.run("-n", "500", "--start-method", method)
    assert result.counts == {"passed": 3}
    assert 1 <= result.workers <= 3
    assert "-n 500" in str(result.header)
    assert len({mark.pid for mark in suite.marks("session")}) <= 3


def test_the_header_names_workers_method_and_reason(suite: Suite) -> None:
    suite.write(test_few=FEW)
    assert suite.run("-n", "2", "--start-method", "spawn").header == "fastest: 2 workers (-n 2), spawn"
    assert suite.run("-n", "2", "--start-method", "fork").header == "fastest: 2 workers (-n 2), fork"
    named = suite.run(env={"FASTEST_WORKERS": "2"}).header
    assert named == "fastest: 2 workers (FASTEST_WORKERS 2), fork"


@pytest.mark.parametrize(
    ("args", "environment", "ini", "workers"),
    [
        pytest.param(("-n", "1"), {"FASTEST_WORKERS": "2"}, "", 1, id="command line over FASTEST_WORKERS"),
        pytest.param(("-n1",), {"FASTEST_WORKERS": "2"}, "addopts = -n 2", 1, id="glued command line over all"),
        pytest.param(("-n", "no"), {"FASTEST_WORKERS": "2"}, "addopts = -n 2", 0, id="command line no over all"),
        pytest.param(("-n", "2"), {"FASTEST_WORKERS": "abc"}, "", 2, id="command line over a bad FASTEST_WORKERS"),
        pytest.param(("-n", "2"), {"FASTEST_WORKERS": "1"}, "", 2, id="command line over FASTEST_WORKERS=1"),
        pytest.param((), {"FASTEST_WORKERS": "2"}, "addopts = -n 1", 2, id="FASTEST_WORKERS over addopts"),
        pytest.param((), {"FASTEST_WORKERS": "2", "PYTEST_ADDOPTS": "-n 1"}, "", 2, id="… over PYTEST_ADDOPTS"),
        pytest.param((), {"FASTEST_WORKERS": "2"}, "fastest_workers = no", 2, id="FASTEST_WORKERS over ini"),
        pytest.param((), {"FASTEST_WORKERS": "1"}, "addopts = -n 2", 0, id="FASTEST_WORKERS=1 is off"),
        pytest.param((), {"FASTEST_WORKERS": "no"}, "addopts = -n 2", 0, id="FASTEST_WORKERS=no is off"),
        pytest.param((), {"FASTEST_WORKERS": ""}, "addopts = -n 2", 2, id="an empty FASTEST_WORKERS is none"),
        pytest.param((), {}, "addopts = -n 2\nfastest_workers = no", 2, id="addopts over ini"),
        pytest.param((), {"PYTEST_ADDOPTS": "-n 2"}, "addopts = -n 1", 2, id="PYTEST_ADDOPTS over addopts"),
        pytest.param((), {"PYTEST_ADDOPTS": "-n 2"}, "fastest_workers = no", 2, id="PYTEST_ADDOPTS over ini"),
        pytest.param((), {}, "fastest_workers = 2", 2, id="ini"),
        pytest.param((), {}, "fastest_workers = no", 0, id="ini no"),
        pytest.param(("-n", "1"), {}, "fastest_workers = 2", 1, id="command line over ini"),
        pytest.param(("-n", "2"), {}, "addopts = -n 1", 2, id="command line over addopts"),
    ],
)
def test_who_decides(suite: Suite, args: tuple[str, ...], environment: dict[str, str], ini: str, workers: int) -> None:
    suite.write(test_few=FEW, ini=ini)
    result = suite.run(*args, env=environment)
    assert result.returncode == 0, result.output
    assert result.counts == {"passed": 3}
    assert result.workers == workers
    assert {mark.worker for mark in suite.marks("ran ")} <= ({f"gw{n}" for n in range(workers)} or {"-"})


def test_an_automatic_number_from_the_environment(suite: Suite) -> None:
    suite.write(test_many=MANY)
    assert "automatic" in str(suite.run(env={"FASTEST_WORKERS": "0"}).header)


@pytest.mark.parametrize("method", METHODS)
def test_a_nested_pytest_does_not_inherit_the_number(suite: Suite, method: str) -> None:
    suite.write(
        test_outer="""
            import os, subprocess, sys
            from pathlib import Path

            def run(*args):
                command = [sys.executable, "-m", "pytest", "inner.py", *args]
                done = subprocess.run(command, capture_output=True, text=True)
                assert done.returncode == 0, done.stdout + done.stderr
                return done.stdout

            def test_environment_is_not_for_it():
                assert os.environ["FASTEST_WORKERS"] == "2"
                assert "fastest: " not in run()

            def test_it_can_have_workers_of_its_own():
                assert "fastest: 2 workers (-n 2)" in run("-n", "2")
        """,
        inner="""
            def test_1(): pass
            def test_2(): pass
        """,
    )
    result = suite.run("--start-method", method, env={"FASTEST_WORKERS": "2"})
    assert result.returncode == 0, result.output
    assert result.counts == {"passed": 2}
    assert result.workers == 2


@pytest.mark.parametrize("method", METHODS)
def test_a_worker_can_run_pytest_in_its_own_process(suite: Suite, method: str) -> None:
    suite.write(
        conftest='pytest_plugins = ["pytester"]',
        test_outer="""
            import os

            def test_in_process(pytester):
                pytester.makepyfile("def test_1(): pass\\ndef test_2(): assert 0")
                before = dict(os.environ)
                result = pytester.inline_run()
                result.assertoutcome(passed=1, failed=1)
                assert os.environ["PYTEST_XDIST_WORKER"] == before["PYTEST_XDIST_WORKER"]

            def test_in_process_with_workers(pytester):
                pytester.makepyfile("def test_1(): pass\\ndef test_2(): assert 0")
                before = os.environ["PYTEST_XDIST_WORKER"]
                result = pytester.runpytest_inprocess("-n", "2")
                result.assert_outcomes(passed=1, failed=1)
                assert os.environ["PYTEST_XDIST_WORKER"] == before

            def test_in_a_subprocess(pytester):
                pytester.makepyfile("def test_1(): pass\\ndef test_2(): assert 0")
                pytester.runpytest_subprocess("-n", "2").assert_outcomes(passed=1, failed=1)
        """,
    )
    result = suite.run("-n", "2", "--start-method", method)
    assert result.returncode == 0, result.output
    assert result.counts == {"passed": 3}


def test_no_workers_are_announced_if_the_collection_has_failed(suite: Suite) -> None:
    suite.write(test_a="def test_a(): pass", test_broken="import nothing_of_this_name")
    assert suite.run("-n", "2").header is None
    assert suite.run("-n", "2", "--continue-on-collection-errors").header is not None
