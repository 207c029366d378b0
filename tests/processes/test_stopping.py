"""`-x`, `--maxfail` and `--fail-fast`: what starts after the limit is known, and what is interrupted."""

from __future__ import annotations

import re

import pytest

from processes.harness import METHODS, Suite

pytestmark = pytest.mark.parametrize("method", METHODS)

# By the time the controller's plugins are told, all workers have been stopped.
CONFTEST = """
    from witness import mark

    def pytest_runtest_logreport(report):
        if report.failed:
            mark("known")
"""
FAILING = """
    import time
    import pytest
    from witness import mark

    def test_fails():
        time.sleep(0.4)
        mark("failing")
        assert False

    @pytest.mark.parametrize("number", range(40))
    def test_later(number):
        mark("start")
        time.sleep(0.03)
"""
STEADY = """
    import time
    import pytest
    from witness import mark

    @pytest.mark.parametrize("number", range(60))
    def test_steady(number):
        mark("start")
        time.sleep(0.03)
"""


@pytest.mark.parametrize("option", ["-x", "--maxfail=1", "--fail-fast"])
def test_nothing_starts_after_the_failure(suite: Suite, method: str, option: str) -> None:
    suite.write(conftest=CONFTEST, test_failing=FAILING, test_steady=STEADY)
    result = suite.run("-n", "2", "--start-method", method, option)
    assert result.returncode == 1, result.output
    assert result.counts["failed"] == 1
    assert "stopping after 1 failures" in result.stdout
    [known] = [mark for mark in suite.marks("known") if mark.worker == "-"]
    # The other worker may have been between its claim and the test.
    assert len([mark for mark in suite.marks("start") if mark.at > known.at]) <= 1
    # What had started is reported.
    if option != "--fail-fast":
        assert result.counts.get("passed", 0) == len(suite.marks("start"))


def test_the_limit_counts_over_all_workers(suite: Suite, method: str) -> None:
    failing = """
        import time
        import pytest
        from witness import mark

        @pytest.mark.parametrize("number", range(40))
        def test_fails(number):
            mark("start")
            time.sleep(0.05)
            assert False
    """
    suite.write(test_a=failing, test_b=failing)
    result = suite.run("-n", "2", "--start-method", method, "--maxfail", "4")
    assert result.returncode == 1
    # Before the fourth failure is known, either worker may have begun another test.
    assert 4 <= result.counts["failed"] <= 6
    assert len(suite.marks("start")) <= 6
    assert re.search("stopping after [456] failures", result.stdout)


def test_running_tests_finish_with_exitfirst(suite: Suite, method: str) -> None:
    suite.write(
        test_failing="""
            import time
            from witness import mark

            def test_fails(request):
                while not (request.config.rootpath / "running").exists():
                    time.sleep(0.01)
                assert False
        """,
        test_running="""
            import time

            def test_running(request):
                (request.config.rootpath / "running").touch()
                time.sleep(1)
        """,
    )
    result = suite.run("-n", "2", "--start-method", method, "-x")
    assert result.returncode == 1
    assert result.counts == {"failed": 1, "passed": 1}


def test_running_tests_are_interrupted_with_fail_fast(suite: Suite, method: str) -> None:
    suite.write(
        test_failing="""
            import time

            def test_fails(request):
                while not (request.config.rootpath / "running").exists():
                    time.sleep(0.01)
                assert False
        """,
        test_running="""
            import time
            import pytest
            from witness import mark

            @pytest.fixture
            def resource():
                yield
                mark("torn down")

            def test_running(request, resource):
                (request.config.rootpath / "running").touch()
                time.sleep(50)

            def test_never(): mark("never")
        """,
    )
    result = suite.run("-n", "2", "--start-method", method, "--fail-fast", timeout=20)
    assert result.returncode == 1, result.output
    assert result.seconds < 12
    assert result.counts == {"failed": 1}
    assert [failure.nodeid for failure in result.failures] == ["test_failing.py::test_fails"]
    assert "stopping after 1 failures" in result.stdout
    assert len(suite.marks("torn down")) == 1
    assert suite.marks("never") == []


def test_the_teardown_of_the_failed_test_is_not_interrupted(suite: Suite, method: str) -> None:
    suite.write(
        test_failing="""
            import time
            import pytest
            from witness import mark

            @pytest.fixture
            def resource():
                yield
                time.sleep(0.5)
                mark("torn down")

            def test_fails(resource): assert False
            def test_other(): pass
        """
    )
    result = suite.run("-n", "2", "--start-method", method, "--fail-fast")
    assert result.returncode == 1, result.output
    assert len(suite.marks("torn down")) == 1
    assert [failure.nodeid for failure in result.failures] == ["test_failing.py::test_fails"]


@pytest.mark.parametrize("option", ["-x", "--fail-fast"])
def test_a_crash_counts_as_a_failure(suite: Suite, method: str, option: str) -> None:
    suite.write(
        test_crashing="""
            import os, time

            def test_crashes():
                time.sleep(0.4)
                os._exit(1)
        """,
        test_steady="""
            import time
            import pytest
            from witness import mark

            @pytest.mark.parametrize("number", range(5))
            def test_steady(number):
                mark("start")
                time.sleep(2)
                mark("end")
        """,
    )
    result = suite.run("-n", "2", "--start-method", method, option)
    assert result.returncode == 1, result.output
    assert result.counts["failed"] == 1
    assert len(suite.marks("start")) == 1
    assert len(suite.marks("end")) == (1 if option == "-x" else 0)


def test_fail_fast_lets_a_teardown_finish(suite: Suite, method: str) -> None:
    suite.write(
        test_failing="""
            import os, time

            def test_fails():
                for _ in range(200):
                    time.sleep(0.05)
                    if os.path.exists(os.environ["WITNESS"]) and "cleaning" in open(os.environ["WITNESS"]).read():
                        break
                assert False
        """,
        test_cleaning="""
            import time
            import pytest
            from witness import mark

            @pytest.fixture
            def resource():
                yield
                mark("cleaning")
                time.sleep(1)
                mark("cleaned")

            def test_passes(resource): mark("ran")
        """,
    )
    result = suite.run("-n", "2", "--start-method", method, "--fail-fast")
    assert result.returncode == 1, result.output
    assert result.counts == {"passed": 1, "failed": 1}
    assert len(suite.marks("cleaned")) == 1


def test_what_a_crashed_worker_leaves_does_not_start_after_the_limit(suite: Suite, method: str) -> None:
    suite.write(
        test_crashing="""
            import os, time
            import pytest
            from witness import mark

            class TestTogether:
                def test_crashes(self):
                    time.sleep(0.5)
                    os._exit(1)

                @pytest.mark.parametrize("number", range(5))
                def test_later(self, number): mark("later")
        """,
        test_quick="def test_quick(): pass",
    )
    result = suite.run("-n", "2", "--start-method", method, "-x")
    assert result.returncode == 1, result.output
    assert suite.marks("later") == []


def test_a_session_within_a_test_does_not_pass_for_its_teardown(suite: Suite, method: str) -> None:
    """`pytester` runs whole sessions inside of a test: `--fail-fast` interrupts it all the same."""
    suite.write(
        conftest="pytest_plugins = ['pytester']",
        test_outer="""
            import time
            from witness import mark

            def test_outer(pytester):
                pytester.makepyfile(test_inner="def test_1(): pass")
                pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)
                mark("inner session is over")
                time.sleep(10)
                mark("end")
        """,
        test_failing="""
            import os, time

            def test_fails():
                for _ in range(200):
                    time.sleep(0.05)
                    if os.path.exists(os.environ["WITNESS"]):
                        break
                assert False
        """,
    )
    result = suite.run("-n", "2", "--start-method", method, "--fail-fast")
    assert result.returncode == 1, result.output
    assert result.counts == {"failed": 1}
    assert len(suite.marks("inner")) == 1
    assert suite.marks("end") == []


@pytest.mark.parametrize("where", ["worker", "controller"])
def test_an_error_after_the_session(suite: Suite, method: str, where: str) -> None:
    """The run may be over by then: only the controller's own can count, as it does for plain pytest."""
    suite.write(
        conftest=f"""
            def pytest_unconfigure(config):
                if hasattr(config, "workerinput") == {where == "worker"}:
                    raise OSError("too late")
        """,
        test_a="def test_one(): pass\ndef test_two(): pass",
    )
    result = suite.run("-n", "2", "--start-method", method)
    assert result.counts == {"passed": 2}
    assert "INTERNALERROR" not in result.output
    assert result.returncode == (0 if where == "worker" else 1), result.output
    assert ("too late" in result.stderr) == (where == "controller")


def test_the_exit_does_not_look_for_garbage(suite: Suite, method: str) -> None:
    """What registers first runs last: here, a plugin that is imported before the run begins."""
    (suite.helpers / "early.py").write_text(
        "import atexit, gc\n"
        "from witness import mark\n"
        "atexit.register(lambda: mark(f'frozen: {gc.get_freeze_count() > 1000}'))\n",
        "utf-8",
    )
    suite.write(test_one="def test_one(): pass")
    result = suite.run("-p", "early", "-n", "2", "--start-method", method)
    assert result.counts == {"passed": 1}, result.output
    assert "frozen: True" in [mark.name for mark in suite.marks("frozen")]
