"""Several runs in one folder at once, and runs within the tests of another run."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from processes.harness import METHODS

if TYPE_CHECKING:
    from pathlib import Path

    from processes.harness import Suite

TESTS = """
    import os, time
    import pytest
    from witness import mark

    @pytest.mark.parametrize("number", range(5))
    def test_it(number, tmp_path, tmp_path_factory, worker_id, testrun_uid):
        # Of this run and this worker alone, also if another run clears away what is old.
        mark(f"{tmp_path} {testrun_uid} {worker_id}")
        (tmp_path / "file").write_text(testrun_uid)
        time.sleep(0.02)
        assert (tmp_path / "file").read_text() == testrun_uid
        assert tmp_path_factory.getbasetemp().name == f"popen-{worker_id}"
"""
# An inner run is one of its own, whatever it finds in the environment.
INNER = """
    import os

    def test_inner(request, worker_id, testrun_uid):
        is_worker = hasattr(request.config, "workerinput")
        assert is_worker == (worker_id != "master")
        if is_worker:
            assert os.environ["PYTEST_XDIST_WORKER"] == worker_id
            assert os.environ["PYTEST_XDIST_TESTRUNUID"] == testrun_uid
        print(f"inner {worker_id} {testrun_uid}")

    def test_other(): pass
"""
OUTER = """
    import os, subprocess, sys
    import pytest

    @pytest.mark.parametrize("args", [["-n", "no"], ["-n", "2"], ["-n", "2", "--start-method", "spawn"], []], ids=str)
    def test_outer(args, tmp_path, testrun_uid, worker_id):
        assert worker_id.startswith("gw")
        before = dict(os.environ)
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-rP", *args, "inner.py"], capture_output=True, text=True, timeout=30
        )
        print(done.stdout, done.stderr)
        assert done.returncode == 0
        assert "2 passed" in done.stdout
        assert testrun_uid not in done.stdout
        assert ("fastest: 2 workers" in done.stdout) == ("2" in args)
        assert os.environ == before
"""
# The same process runs a session within a session.
INLINE = """
    import os
    pytest_plugins = ["pytester"]

    def test_inline(pytester, testrun_uid, worker_id):
        pytester.makepyfile("def test_a(worker_id): assert worker_id == 'master'\\ndef test_b(): assert 0")
        result = pytester.inline_run("-n", "no")
        result.assertoutcome(passed=1, failed=1)
        assert os.environ["PYTEST_XDIST_WORKER"] == worker_id

    def test_inline_with_workers(pytester, testrun_uid, worker_id):
        pytester.makepyfile("def test_a(worker_id): assert worker_id != 'master'\\ndef test_b(): assert 0")
        pytester.runpytest_inprocess("-n", "2").assert_outcomes(passed=1, failed=1)
        assert os.environ["PYTEST_XDIST_TESTRUNUID"] == testrun_uid

    def test_next(): pass
"""


@pytest.mark.parametrize("count", [2, 8])
def test_runs_in_one_folder(suite: Suite, tmp_path: Path, count: int) -> None:
    names = [f"test_{number}" for number in range(count)]
    suite.write(**dict.fromkeys(names, TESTS))
    args = ("-n", "2", "--start-method")
    with ExitStack() as stack:
        runs = [
            # They share a root for temporary folders, and the cache.
            stack.enter_context(
                suite.running(*args, METHODS[number % 3], f"{name}.py", env={"PYTEST_DEBUG_TEMPROOT": str(tmp_path)})
            )
            for number, name in enumerate(names)
        ]
        results = [run.finish() for run in runs]
    for result in results:
        assert result.returncode == 0, result.output
        assert result.counts == {"passed": 5}
    folders = [mark.name.split()[0] for mark in suite.marks("/")]
    assert len({*folders}) == 5 * count
    timings = suite.run("timings", "100", command=[sys.executable, "-m", "fastest"])
    assert all(f"{name}.py::test_it[{number}]" in timings.stdout for name in names for number in range(5))


@pytest.mark.parametrize("method", METHODS)
def test_runs_within_tests(suite: Suite, method: str) -> None:
    suite.write(test_a=OUTER, test_b=INLINE, inner=INNER)
    # It is meant for the run that the user starts.
    result = suite.run("--start-method", method, "test_a.py", "test_b.py", env={"FASTEST_WORKERS": "2"})
    assert result.returncode == 0, result.output
    assert result.workers == 2
    assert result.counts == {"passed": 7}
