"""`--retry-crashed`: who has crashed a worker runs again, alone in a fresh one, and the run says what came of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest
from processes.harness import METHODS, Result, Suite

if TYPE_CHECKING:
    from pathlib import Path

HEAD = """
import ctypes, os, signal, time
import pytest
from witness import mark

@pytest.fixture(autouse=True)
def witness(request):
    mark(f"began {request.node.nodeid}")
    yield
    mark(f"ended {request.node.nodeid}")

@pytest.mark.parametrize("number", range(5))
def test_other(number): time.sleep(0.01)
"""
ALWAYS = """
def test_always(): ctypes.string_at(0)
"""
ONCE = """
def test_once(request):
    flag = request.config.rootpath / "crashed"
    if not flag.exists():
        flag.touch()
        os.kill(os.getpid(), signal.SIGKILL)
"""
SECTION = re.compile(r"=+ crashed, and run again alone =+\n(.*?)\n=+", re.DOTALL)


def section(result: Result) -> str:
    """What the run says of those that it has run again."""
    found = SECTION.search(result.stdout)
    assert found, result.output
    return found[1]


def assert_ran_alone(suite: Suite, nodeid: str, times: int) -> None:
    """The test has begun so often. After the first time, nothing else ran beside it or in its process."""
    marks = suite.marks()
    began = [place for place, mark in enumerate(marks) if mark.name == f"began {nodeid}"]
    assert len(began) == times
    for place in began[1:]:
        worker = marks[place].worker
        assert {mark.name for mark in marks if mark.worker == worker} <= {f"began {nodeid}", f"ended {nodeid}"}
        before = {mark.name for mark in marks[:place]}
        after = {mark.name for mark in marks[place:]}
        others = {mark.name.replace("ended", "began") for mark in marks if "::test_other" in mark.name}
        assert others <= before
        assert not others & after


@pytest.mark.parametrize("method", METHODS)
def test_it_is_said_who_crashes_alone(suite: Suite, method: str, tmp_path: Path) -> None:
    suite.write(test_a=HEAD + ALWAYS, test_b=HEAD + ONCE, test_c=HEAD)
    junit = tmp_path / "junit.xml"
    result = suite.run("-n", "2", "--start-method", method, "--retry-crashed", "2", f"--junitxml={junit}")
    assert result.returncode == 1, result.output
    assert result.counts == {"passed": 16, "failed": 1, "rerun": 3}
    [failure] = result.failures
    assert "was killed by SIGSEGV; alone in a fresh worker it has crashed 2 times" in failure.text
    assert "Segmentation fault" in dict(failure.sections)["Fatal error"]
    text = section(result)
    assert "test_a.py::test_always: it crashes by itself\n" in text
    assert text.count("alone, in gw") == 3
    assert re.search(r"test_b.py::test_once: it does not crash by itself: look at what ran before it in gw\d, ", text)
    assert re.search(r"  in gw\d: it was killed by SIGKILL\n  alone, in gw\d: passed", text)
    assert_ran_alone(suite, "test_a.py::test_always", 3)
    assert_ran_alone(suite, "test_b.py::test_once", 2)
    cases = [case.attrib["name"] for case in ElementTree.parse(junit).iter("testcase")]
    assert sorted(cases) == sorted([f"test_other[{number}]" for number in range(5)] * 3 + ["test_always", "test_once"])


def test_everything_is_fine_when_nobody_crashes_alone(suite: Suite) -> None:
    suite.write(test_a=HEAD + ONCE, test_b=HEAD)
    result = suite.run("-n", "2", "--retry-crashed", "1", "-v")
    assert result.returncode == 0, result.output
    assert result.counts == {"passed": 11, "rerun": 1}
    assert len(re.findall(r"^\[gw\d\] .*RERUN test_a.py::test_once", result.stdout, re.MULTILINE)) == 1


def test_without_replacements_it_is_still_found_out(suite: Suite) -> None:
    """Who runs again does not take anybody's place; it may even be that nobody else is left."""
    suite.write(test_a=HEAD + ONCE + "def test_never(): pass")
    result = suite.run("-n", "1", "--retry-crashed", "1", "--max-worker-restart", "0")
    assert result.returncode == 1, result.output
    assert result.counts == {"passed": 6, "rerun": 1, "errors": 1}
    assert "not run: every worker has crashed" in result.stdout
    assert "it does not crash by itself" in section(result)


def test_a_test_that_was_reported_does_not_run_again(suite: Suite) -> None:
    """It would count twice. A crash of its teardown is reported as one."""
    source = """
@pytest.fixture
def resource():
    yield
    os._exit(3)

def test_late(resource): time.sleep(0.1)
"""
    suite.write(test_a=HEAD + source, test_b=HEAD)
    result = suite.run("-n", "2", "--retry-crashed", "1")
    assert result.returncode == 1, result.output
    assert "rerun" not in result.counts
    assert [failure.when for failure in result.failures] == ["teardown"]


def test_hangs_do_not_run_again(suite: Suite) -> None:
    suite.write(test_a=HEAD + "def test_hangs(): time.sleep(1000)", test_b=HEAD)
    result = suite.run("-n", "2", "--retry-crashed", "1", "--hang-timeout", "1")
    assert result.counts == {"passed": 10, "failed": 1}, result.output


def test_the_limit_of_failures_counts_those_that_crash_for_good(suite: Suite) -> None:
    suite.write(test_a=HEAD + ONCE, test_b=HEAD + ALWAYS.replace("always", "first"), test_c=HEAD)
    result = suite.run("-n", "2", "--retry-crashed", "1", "-x")
    assert result.returncode == 1, result.output
    assert result.counts in (
        {"passed": 16, "failed": 1, "rerun": 2},
        # The one that crashes alone too was the first to run again, and the other one does not come to it.
        {"passed": 15, "failed": 2, "rerun": 2},
    )


def test_it_leaves_the_run_as_it_was_when_nobody_crashes(suite: Suite) -> None:
    suite.write(test_a=HEAD)
    result = suite.run("-n", "2", "--retry-crashed", "3")
    assert result.counts == {"passed": 5}
    assert "run again" not in result.output


@pytest.mark.parametrize("value", ["-1", "x", "1.5"])
def test_a_number_that_is_none(suite: Suite, value: str) -> None:
    suite.write(test_a=HEAD)
    result = suite.run("-n", "2", "--retry-crashed", value)
    assert result.returncode == 4
    assert f"argument --retry-crashed: '{value}' is not a number from 0 on" in result.stderr


def test_a_plugin_s_decision_comes_first(suite: Suite) -> None:
    hook = """
        def pytest_handlecrashitem(crashitem, report, sched):
            if "first" not in globals():
                globals()["first"] = True
                report.outcome = "rerun"
                sched.mark_test_pending(crashitem)
    """
    suite.write(conftest=hook, test_a=HEAD + ALWAYS, test_b=HEAD)
    result = suite.run("-n", "2", "--retry-crashed", "2")
    assert result.counts["failed"] == 1, result.output
    assert "it crashes by itself" in section(result)


# The crash is known when another test ends the run, or waits for that.
STOPPED = """
import os, time
from witness import mark
def test_crash():
    mark("crash")
    os._exit(3)
"""
END = """
import os, time
from witness import mark
def test_end():
    while not os.path.exists("known"):
        time.sleep(0.01)
    {}
"""


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("how", ["-x", "--maxfail=1", "--fail-fast", "interrupt"])
def test_a_run_that_stops_before(suite: Suite, tmp_path: Path, how: str, method: str) -> None:
    """What would have run again has crashed, for everybody who counts."""
    end = "mark('end'); time.sleep(30)" if how == "interrupt" else "assert False"
    suite.write(
        conftest="""
        import pytest
        def pytest_runtest_logreport(report):
            # Of the controller alone.
            if report.outcome == "rerun":
                open("known", "w").close()
        """,
        test_a=STOPPED,
        test_b=END.format(end),
    )
    junit = tmp_path / "junit.xml"
    arguments = ["-n", "2", "--start-method", method, "--retry-crashed", "1", f"--junitxml={junit}"]
    arguments += [] if how == "interrupt" else [how]
    with suite.running(*arguments) as running:
        if how == "interrupt":
            suite.await_marks("end")
            running.interrupt(group=True)
        result = running.finish()
    assert result.returncode == (2 if how == "interrupt" else 1), result.output
    crash = [failure for failure in result.failures if "crashed while running" in failure.text]
    assert [failure.nodeid for failure in crash] == ["test_a.py::test_crash"]
    assert "test_a.py::test_crash: it has not run again to its end: the run was stopped" in result.stdout
    cases = {case.get("name"): case for case in ElementTree.parse(junit).iter("testcase")}
    assert cases["test_crash"].find("failure") is not None
    assert "test_a.py::test_crash" in suite.run("--lf", "--collect-only", "-q").stdout


def test_a_run_that_is_interrupted_meanwhile(suite: Suite) -> None:
    suite.write(
        test_a="""
        import os, time
        from witness import mark
        def test_crash():
            if os.environ["PYTEST_XDIST_WORKER"] == "gw0":
                os._exit(3)
            mark("again")
            time.sleep(30)
        """
    )
    with suite.running("-n", "1", "--retry-crashed", "1") as running:
        suite.await_marks("again")
        running.interrupt(group=True)
        result = running.finish()
    assert result.returncode == 2
    assert [failure.nodeid for failure in result.failures] == ["test_a.py::test_crash"]
    assert "test_a.py::test_crash: it has not run again to its end: it was interrupted" in result.stdout
