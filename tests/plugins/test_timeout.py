"""pytest-timeout: a test that hangs fails or takes its worker with it, and the others run."""

from __future__ import annotations

import pytest
from processes.harness import METHODS, Suite

pytestmark = pytest.mark.parametrize("method", METHODS)

HANGS = """
    import threading
    import pytest

    @pytest.mark.parametrize("number", range(4))
    def test_before(number): pass

    def test_hangs():
        print("output of the test")
        threading.Event().wait(120)

    @pytest.mark.parametrize("number", range(4))
    def test_after(number): pass
"""


@pytest.mark.differs_under_xdist("stacks of pytest-xdist's own threads in the test's output")
def test_by_a_signal_the_test_fails(suite: Suite, method: str) -> None:
    suite.write(test_hangs=HANGS)
    result = suite.run("-n", "2", "--start-method", method, "--timeout=2", plugins=("timeout",))
    assert result.counts == {"passed": 8, "failed": 1}
    assert result.returncode == 1
    (failure,) = result.failures
    assert failure.nodeid == "test_hangs.py::test_hangs"
    assert "Timeout (>2.0s) from pytest-timeout" in failure.text
    assert dict(failure.sections)["Captured stdout call"] == "output of the test\n"
    assert "timeout method: signal" in result.stdout
    # Nobody had to die for it.
    assert "exit status" not in result.output
    assert len({report.worker for report in result.reports}) <= 2


def test_by_a_thread_the_worker_dies(suite: Suite, method: str) -> None:
    suite.write(test_hangs=HANGS)
    arguments = ("--timeout=2", "--timeout-method=thread")
    result = suite.run("-n", "2", "--start-method", method, *arguments, plugins=("timeout",))
    assert result.counts == {"passed": 8, "failed": 1}
    assert result.returncode == 1
    (failure,) = result.failures
    assert failure.nodeid == "test_hangs.py::test_hangs"
    assert "crashed while running 'test_hangs.py::test_hangs'" in failure.text


@pytest.mark.differs_under_xdist("neither output nor stacks are shown")
def test_by_a_thread_the_output_and_the_stacks_are_shown(suite: Suite, method: str) -> None:
    suite.write(test_hangs=HANGS)
    arguments = ("--timeout=2", "--timeout-method=thread", "test_hangs.py::test_hangs")
    for how in (("-p", "no:fastest"), ("-n", "1", "--start-method", method)):
        result = suite.run(*how, *arguments, plugins=("timeout",))
        # Written by the plugin right before it ends the process.
        assert "+ Timeout +" in result.output
        assert "output of the test" in result.output
        assert "in test_hangs" in result.output


@pytest.mark.parametrize("how", ["signal", "thread"])
def test_the_marker(suite: Suite, method: str, how: str) -> None:
    suite.write(
        test_marked=f"""
            import threading
            import pytest

            @pytest.mark.timeout(0.5, method="{how}")
            def test_hangs(): threading.Event().wait(120)

            @pytest.mark.timeout(60, method="{how}")
            def test_is_quick(): pass

            def test_after(): pass
        """
    )
    result = suite.run("-n", "1", "--start-method", method, plugins=("timeout",))
    assert result.counts == {"passed": 2, "failed": 1}
    assert [failure.nodeid for failure in result.failures] == ["test_marked.py::test_hangs"]


@pytest.mark.parametrize("function_only", [False, True])
def test_fixtures_count_unless_said_otherwise(suite: Suite, method: str, function_only: bool) -> None:
    suite.write(
        ini=f"timeout = 2\ntimeout_func_only = {function_only}",
        test_fixture="""
            import threading
            import pytest

            @pytest.fixture
            def slow(): threading.Event().wait(4)

            def test_slow(slow): pass
            def test_other(): pass
        """,
    )
    result = suite.run("-n", "2", "--start-method", method, plugins=("timeout",))
    assert result.counts == ({"passed": 2} if function_only else {"passed": 1, "errors": 1})


@pytest.mark.differs_under_xdist("exit code 2")
def test_the_time_of_the_whole_session(suite: Suite, method: str) -> None:
    suite.write(
        test_many="""
            import time
            import pytest

            @pytest.mark.parametrize("number", range(2000))
            def test_slow(number): time.sleep(0.05)
        """
    )
    result = suite.run("-n", "2", "--start-method", method, "--session-timeout=1", plugins=("timeout",))
    assert result.returncode == 1, result.output
    assert "session-timeout: 1.0 sec exceeded" in result.stdout
    assert 0 < result.counts["passed"] < 500
