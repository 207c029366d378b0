"""What a worker knows of itself, as under pytest-xdist."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from processes.harness import METHODS, Suite

pytestmark = pytest.mark.parametrize("method", METHODS)

# Two modules that are as long as each other, so that both workers get one.
IDENTITY = """
    import json, os, time
    import pytest
    from witness import mark

    @pytest.mark.parametrize("number", range(4))
    def test_identity(number, request, worker_id, testrun_uid, tmp_path, tmp_path_factory):
        given = request.config.workerinput
        mark(json.dumps({
            "fixtures": [worker_id, testrun_uid],
            "environment": [os.environ["PYTEST_XDIST_WORKER"], os.environ["PYTEST_XDIST_TESTRUNUID"]],
            "input": [given["workerid"], given["testrunuid"]],
            "counts": [os.environ["PYTEST_XDIST_WORKER_COUNT"], str(given["workercount"])],
            "mainargv": given["mainargv"],
            "output": request.config.workeroutput,
            "basetemp": [str(tmp_path_factory.getbasetemp())],
            "below": tmp_path_factory.getbasetemp() in tmp_path.parents,
            "numprocesses": request.config.option.numprocesses,
            "usepdb": request.config.option.usepdb,
            "pid": os.getpid(),
        }))
        time.sleep(0.05)
"""


def test_identity(suite: Suite, method: str) -> None:
    suite.write(test_a=IDENTITY, test_b=IDENTITY)
    args = ("-n", "2", "--start-method", method)
    result = suite.run(*args)
    assert result.counts == {"passed": 8}
    found = [json.loads(mark.name) for mark in suite.marks()]
    assert len(found) == 8
    assert {one["fixtures"][0] for one in found} == {"gw0", "gw1"}
    assert len({one["fixtures"][1] for one in found}) == 1
    assert len({(one["fixtures"][0], one["pid"]) for one in found}) == 2
    for one in found:
        worker = one["fixtures"][0]
        assert one["fixtures"] == one["environment"] == one["input"]
        assert one["counts"] == ["2", "2"]
        assert one["mainargv"] == ["-p", "recorder_of_reports", *args]
        assert one["output"] == {}
        assert one["below"]
        assert one["numprocesses"] is None
        assert one["usepdb"] is False
        assert Path(one["basetemp"][0]).name == f"popen-{worker}"
    parents = {str(Path(one["basetemp"][0]).parent) for one in found}
    assert len(parents) == 1
    assert all(report.worker in ("gw0", "gw1") for report in result.reports)


def test_basetemp_is_below_the_one_that_is_asked_for(suite: Suite, method: str) -> None:
    suite.write(
        test_base="""
            def test_base(tmp_path_factory, worker_id, request):
                base = tmp_path_factory.getbasetemp()
                assert base == request.config.rootpath / "wanted" / f"popen-{worker_id}"
                assert base.is_dir()
        """
    )
    result = suite.run("-n", "2", "--start-method", method, "--basetemp", str(suite.root / "wanted"))
    assert result.counts == {"passed": 1}, result.output


def test_conftests_and_configure_know_that_they_are_in_a_worker(suite: Suite, method: str) -> None:
    suite.write(
        conftest="""
            import os

            AT_IMPORT = os.environ.get("PYTEST_XDIST_WORKER")
            AT_CONFIGURE = []

            def pytest_configure(config):
                AT_CONFIGURE.append(hasattr(config, "workerinput") and config.workeroutput == {})

            def pytest_sessionstart(session):
                AT_CONFIGURE.append(hasattr(session.config, "workerinput"))
        """,
        test_conftest="""
            import conftest

            def test_conftest():
                assert conftest.AT_IMPORT is not None
                assert conftest.AT_CONFIGURE == [True, True]
        """,
    )
    result = suite.run("-n", "2", "--start-method", method)
    assert result.counts == {"passed": 1}, result.output


def test_workeroutput_arrives(suite: Suite, method: str) -> None:
    suite.write(
        conftest="""
            from witness import mark

            def pytest_sessionfinish(session):
                if hasattr(session.config, "workerinput"):
                    session.config.workeroutput["mine"] = session.config.workerinput["workerid"]

            def pytest_testnodedown(node):
                mark(f"{node.gateway.id} sent {node.workeroutput['mine']}")
        """,
        test_a="def test_a(): pass",
        test_b="def test_b(): pass",
    )
    result = suite.run("-n", "2", "--start-method", method)
    assert result.counts == {"passed": 2}
    assert sorted(mark.name for mark in suite.marks()) == ["gw0 sent gw0", "gw1 sent gw1"]


def test_standard_input_is_empty(suite: Suite, method: str) -> None:
    suite.write(
        test_stdin="""
            import os, subprocess, sys

            def test_stdin():
                assert os.readlink("/proc/self/fd/0") == "/dev/null"
                assert os.read(0, 100) == b""

            def test_stdin_of_a_child():
                command = [sys.executable, "-c", "import sys; print(repr(sys.stdin.read()))"]
                assert subprocess.run(command, capture_output=True, text=True).stdout == "''\\n"
        """
    )
    for capture in ("fd", "sys", "no"):
        result = suite.run("-n", "2", "--start-method", method, "--capture", capture, stdin=b"the controller's")
        assert result.counts == {"passed": 2}, result.output


def test_session_hooks_run_once_per_worker(suite: Suite, method: str) -> None:
    suite.write(
        conftest="""
            import pytest
            from witness import mark

            def pytest_sessionfinish(session):
                mark("finish" if hasattr(session.config, "workerinput") else "finish of the controller")

            @pytest.fixture(scope="session", autouse=True)
            def per_session():
                mark("setup")
                yield
                mark("teardown")
        """,
        test_a="import time\ndef test_a(): time.sleep(0.3)",
        test_b="import time\ndef test_b(): time.sleep(0.3)",
    )
    result = suite.run("-n", "2", "--start-method", method)
    assert result.counts == {"passed": 2}
    for name in ("setup", "teardown"):
        assert sorted(mark.worker for mark in suite.marks(name)) == ["gw0", "gw1"]
    assert sorted(mark.worker for mark in suite.marks("finish") if mark.name == "finish") == ["gw0", "gw1"]
    assert len(suite.marks("finish of the controller")) == 1
