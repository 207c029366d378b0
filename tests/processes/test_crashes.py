"""A worker that dies costs the test that it was running, and nothing else."""

from __future__ import annotations

from collections import Counter
from xml.etree import ElementTree

import pytest

from processes.harness import METHODS, Result, Suite

WAYS = {
    "segfault": ("import ctypes; ctypes.string_at(0)", "SIGSEGV"),
    "exit": ("os._exit(3)", "exit status 3"),
    "exit well": ("os._exit(0)", "exit status 0"),
    "kill": ("os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
    "abort": ("os.abort()", "SIGABRT"),
}

# `{die}` is placed by the tests; every test and every death leaves a mark.
IN_BODY = """
    import os, signal, time
    import pytest
    from witness import mark

    def test_dies():
        mark("ran test_dies")
        mark("death")
        {die}
"""
IN_SETUP = """
    import os, signal, time
    import pytest
    from witness import mark

    @pytest.fixture
    def resource():
        mark("ran test_dies")
        mark("death")
        {die}

    def test_dies(resource): pass
"""
IN_TEARDOWN = """
    import os, signal, time
    import pytest
    from witness import mark

    @pytest.fixture
    def resource():
        yield
        mark("death")
        {die}

    def test_dies(resource): mark("ran test_dies")
"""
IN_MODULE_TEARDOWN = """
    import os, signal, time
    import pytest
    from witness import mark

    @pytest.fixture(scope="module")
    def resource():
        yield
        mark("death")
        {die}

    def test_dies(resource): mark("ran test_dies")
"""
PLACES = {"body": IN_BODY, "setup": IN_SETUP, "teardown": IN_TEARDOWN, "module teardown": IN_MODULE_TEARDOWN}
OTHERS = """
    import time
    import pytest
    from witness import mark

    @pytest.mark.parametrize("number", range(6))
    def test_other(number):
        mark(f"ran test_other[{number}]")
        time.sleep(0.02)
"""


def _assert_only_the_dead_failed(suite: Suite, result: Result, word: str, others: int = 12) -> None:
    assert result.returncode == 1, result.output
    deaths = suite.marks("death")
    assert len(deaths) == 1, "a crash is not repeated"
    [failure] = result.failures
    assert failure.nodeid.endswith("::test_dies")
    assert word in failure.text
    assert f"worker '{deaths[0].worker}'" in failure.text
    assert failure.worker == deaths[0].worker
    ran = Counter((mark.name) for mark in suite.marks("ran "))
    assert ran.pop("ran test_dies") == 1
    assert sum(ran.values()) == others
    passed = {nodeid: count for nodeid, count in result.nodeids("passed").items() if "test_other" in nodeid}
    assert len(passed) == others
    assert set(passed.values()) == {1}


@pytest.mark.parametrize(
    ("way", "place"),
    [(way, place) for way in WAYS for place in PLACES if place == "body" or way in ("segfault", "exit", "kill")],
)
def test_a_forked_worker_dies(suite: Suite, way: str, place: str) -> None:
    die, word = WAYS[way]
    suite.write(test_deadly=PLACES[place].format(die=die), test_o1=OTHERS, test_o2=OTHERS)
    result = suite.run("-n", "2", "--start-method", "fork")
    _assert_only_the_dead_failed(suite, result, word)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("way", ["segfault", "exit"])
def test_a_spawned_worker_dies(suite: Suite, way: str, place: str) -> None:
    die, word = WAYS[way]
    suite.write(test_deadly=PLACES[place].format(die=die), test_o1=OTHERS, test_o2=OTHERS)
    result = suite.run("-n", "2", "--start-method", "spawn")
    _assert_only_the_dead_failed(suite, result, word)


@pytest.mark.parametrize("method", METHODS)
def test_a_failure_before_the_crash_is_not_lost(suite: Suite, method: str) -> None:
    suite.write(
        test_deadly="""
            import os
            import pytest

            @pytest.fixture
            def resource():
                yield
                os._exit(3)

            def test_dies(resource):
                assert False, "failed before"
        """,
        test_o1=OTHERS,
    )
    result = suite.run("-n", "2", "--start-method", method)
    assert result.counts in ({"failed": 1, "error": 1, "passed": 6}, {"failed": 1, "errors": 1, "passed": 6})
    call, teardown = result.failures
    assert (call.when, teardown.when) == ("call", "teardown")
    assert "failed before" in call.text
    assert "exit status 3" in teardown.text


@pytest.mark.parametrize("method", METHODS)
def test_one_worker_is_replaced(suite: Suite, method: str) -> None:
    suite.write(test_deadly=IN_BODY.format(die="os._exit(3)"), test_o1=OTHERS, test_o2=OTHERS)
    result = suite.run("-n", "1", "--start-method", method)
    _assert_only_the_dead_failed(suite, result, "exit status 3")
    after = [mark for mark in suite.marks("ran ") if mark.at > suite.marks("death")[0].at]
    assert {mark.worker for mark in after} <= {"gw1"}


def test_a_replacement_takes_over(suite: Suite) -> None:
    """The sibling is busy until somebody else has run the rest of the dead worker's module."""
    suite.write(
        test_busy="""
            import time
            from pathlib import Path
            from witness import mark

            def test_busy(request):
                for _ in range(1000):
                    if (request.config.rootpath / "done").exists():
                        return
                    time.sleep(0.01)
                assert False, "nobody has run the rest"
        """,
        test_deadly="""
            import os, time
            def test_before(): time.sleep(0.05)
            def test_dies(): os._exit(3)
            def test_after(): pass
            def test_last(request): (request.config.rootpath / "done").touch()
        """,
    )
    result = suite.run("-n", "2")
    assert result.counts == {"failed": 1, "passed": 4}, result.output
    [report] = [report for report in result.reports if report.nodeid.endswith("::test_last") and report.when == "call"]
    assert report.worker == "gw2"


@pytest.mark.parametrize("method", METHODS)
def test_several_crashes(suite: Suite, method: str) -> None:
    suite.write(
        test_deadly="""
            import os, time
            import pytest
            from witness import mark

            @pytest.mark.parametrize("number", range(16))
            def test_number(number):
                mark(f"ran {number}")
                time.sleep(0.02)
                if number in (1, 5, 6, 12):
                    os._exit(number)
        """
    )
    result = suite.run("-n", "2", "--start-method", method)
    assert result.counts == {"failed": 4, "passed": 12}, result.output
    assert sorted(mark.name for mark in suite.marks("ran ")) == sorted(f"ran {number}" for number in range(16))
    for number in (1, 5, 6, 12):
        [failure] = [report for report in result.failures if report.nodeid.endswith(f"[{number}]")]
        assert f"exit status {number}" in failure.text


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("place", ["body", "setup"])
def test_every_test_crashes(suite: Suite, method: str, place: str) -> None:
    die = "os._exit(3)"
    suite.write(
        test_deadly=f"""
            import os
            import pytest
            from witness import mark

            @pytest.fixture
            def resource():
                {die if place == "setup" else "pass"}

            @pytest.mark.parametrize("number", range(30))
            def test_dies(number, resource):
                mark("ran")
                {die}
        """
    )
    result = suite.run("-n", "2", "--start-method", method)
    assert result.returncode == 1
    reported = Counter(report.nodeid for report in result.failures)
    assert len(reported) == 30
    assert set(reported.values()) == {1}
    assert all("exit status 3" in report.text or "not run" in report.text for report in result.failures)
    assert sum(result.counts.values()) == 30
    assert len(suite.marks("ran")) <= 30


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("die", "word"), [("os._exit(7)", "exit status 7"), ("os._exit(0)", "exit status 0"), WAYS["segfault"]]
)
def test_a_crash_while_collecting(suite: Suite, method: str, die: str, word: str) -> None:
    suite.write(test_deadly=f"import os, signal\n{die}\ndef test_here(): pass", test_o1=OTHERS)
    result = suite.run("-n", "2", "--start-method", method, timeout=15)
    assert result.returncode == 3, result.output
    assert word in result.output
    assert "collect" in result.output
    assert not suite.marks("ran ")


@pytest.mark.parametrize("method", METHODS)
def test_a_native_crash_while_collecting_has_a_stack(suite: Suite, method: str) -> None:
    suite.write(test_deadly="import ctypes\ndef dies(): ctypes.string_at(0)\ndies()\ndef test_here(): pass")
    result = suite.run("-n", "2", "--start-method", method)
    assert result.returncode == 3, result.output
    assert "SIGSEGV" in result.output
    assert "in dies" in result.output, "which module it was"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("hook", ["pytest_configure(config)", "pytest_sessionstart(session)"])
def test_a_crash_of_all_workers_before_they_collect(suite: Suite, method: str, hook: str) -> None:
    suite.write(
        conftest=f"""
            import os

            def {hook}:
                if hasattr({"config" if "config" in hook else "session.config"}, "workerinput"):
                    os._exit(5)
        """,
        test_o1=OTHERS,
    )
    result = suite.run("-n", "2", "--start-method", method, timeout=15)
    assert result.returncode == 3, result.output
    assert "exit status 5" in result.output


@pytest.mark.parametrize("method", METHODS)
def test_a_crash_at_the_end_of_the_session(suite: Suite, method: str) -> None:
    suite.write(
        conftest="""
            import os

            def pytest_sessionfinish(session):
                if hasattr(session.config, "workerinput") and session.config.workerinput["workerid"] == "gw1":
                    os._exit(5)
        """,
        test_o1=OTHERS,
        test_o2=OTHERS,
    )
    result = suite.run("-n", "2", "--start-method", method, timeout=15)
    assert result.counts["passed"] == 12
    assert result.returncode == 1, result.output
    assert "exit status 5" in result.output
    assert "gw1" in result.output


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("die", ["pass", "os._exit(3)"])
def test_a_grandchild_that_holds_the_connection(suite: Suite, method: str, die: str) -> None:
    suite.write(
        test_forks=f"""
            import os, time

            def test_forks():
                if os.fork() == 0:
                    time.sleep(30)
                    os._exit(0)
                {die}
        """,
        test_o1=OTHERS,
    )
    result = suite.run("-n", "2", "--start-method", method, timeout=15, leaves_processes=True)
    # A worker that lives to its end tells of its child, which is ended.
    expected = {"passed": 7, "warnings": 1} if die == "pass" else {"passed": 6, "failed": 1}
    assert result.counts == expected, result.output
    assert result.seconds < 10


@pytest.mark.parametrize("method", ["fork", "forkserver"])
def test_what_forks_workers_is_killed(suite: Suite, method: str) -> None:
    """Its children die with it. What they ran has crashed, the rest is not run: nobody is left to start workers."""
    suite.write(
        test_deadly="""
            import os, signal, time
            from witness import meet

            def test_deadly():
                meet(2)
                os.kill(os.getppid(), signal.SIGKILL)
                time.sleep(50)
        """,
        test_slow="""
            import time
            from witness import meet

            def test_slow():
                meet(2)
                time.sleep(50)
        """,
        test_o1=OTHERS.replace("@pytest", "@pytest.mark.serial\n    @pytest"),
    )
    result = suite.run("-n", "2", "--start-method", method, "--max-worker-restart", "1000", timeout=15)
    assert result.returncode == 1, result.output
    assert result.counts == {"failed": 2, "errors": 6}
    for outcome, count in (("lost its connection", 2), ("not run: every worker has crashed", 6)):
        assert sum(outcome in report.text for report in result.failures) == count
    assert "is not replaced: the process that workers are forked from is gone" in result.stdout
    assert "replacing crashed worker" not in result.stdout
    assert "errors of workers" not in result.stdout


@pytest.mark.parametrize("method", METHODS)
def test_output_of_a_crashed_test_before_its_death_is_not_needed(suite: Suite, method: str) -> None:
    """A flood of output, then death: the run goes on."""
    suite.write(test_deadly="import os\ndef test_dies():\n    print('x' * 1_000_000)\n    os._exit(3)", test_o1=OTHERS)
    result = suite.run("-n", "2", "--start-method", method)
    assert result.counts == {"failed": 1, "passed": 6}


def test_maxfail_counts_crashes(suite: Suite) -> None:
    suite.write(
        test_deadly="""
            import os
            import pytest

            @pytest.mark.parametrize("number", range(20))
            def test_dies(number):
                os._exit(3)
        """
    )
    result = suite.run("-n", "1", "-x")
    assert result.returncode == 1, result.output
    assert result.counts == {"failed": 1}
    assert "stopping after 1 failures" in result.stdout


@pytest.mark.parametrize("method", METHODS)
def test_a_test_that_ends_the_session_and_its_process(suite: Suite, method: str) -> None:
    suite.write(
        test_ends="""
            import os
            import pytest

            def test_ends(request):
                request.config.hook.pytest_sessionfinish(session=request.session, exitstatus=0)
                os._exit(0)

            @pytest.mark.parametrize("number", range(8))
            def test_number(number): pass
        """
    )
    result = suite.run("-n", "2", "--start-method", method)
    assert result.returncode == 1
    assert result.counts == {"failed": 1, "passed": 8}
    assert result.failures[0].nodeid == "test_ends.py::test_ends"
    assert "exit status 0" in result.failures[0].text


@pytest.mark.parametrize("method", METHODS)
def test_it_is_told_how_long_the_test_ran(suite: Suite, method: str) -> None:
    suite.write(
        test_a="""
            import os, time
            import pytest
            def test_dies(): time.sleep(0.5); os._exit(3)
            @pytest.fixture
            def resource(): yield; time.sleep(0.6); os._exit(3)
            def test_dies_late(resource): time.sleep(0.7)
        """
    )
    suite.run("-n", "1", "--start-method", method, "--junitxml", "report.xml", "--durations", "0")
    cases = ElementTree.parse(suite.root / "report.xml").iter("testcase")
    times = {case.get("name", ""): float(case.get("time", "")) for case in cases}
    assert times["test_dies"] >= 0.49
    assert times["test_dies_late"] >= 0.59
