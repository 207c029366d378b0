"""`--dist`: what belongs together, and who runs it."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest
from processes.harness import METHODS, Result, Suite

pytestmark = pytest.mark.parametrize("method", METHODS)

# How many workers have to run tests at the same time before any test ends.
MODULE = """
    import os, pytest
    from witness import meet

    WORKERS = int(os.environ.get("MEETING", 1))

    @pytest.mark.parametrize("number", range(6))
    def test_function(number): meet(WORKERS)

    class TestOne:
        @pytest.mark.parametrize("number", range(4))
        def test_method(self, number): meet(WORKERS)

    class TestTwo:
        @pytest.mark.parametrize("number", range(4))
        def test_method(self, number): meet(WORKERS)
"""


def workers_by(result: Result, scope: object) -> dict[str, set[str | None]]:
    """Which workers ran the tests of a scope, by what `scope` makes of their node ids."""
    found: dict[str, set[str | None]] = defaultdict(set)
    for report in result.reports:
        if report.when == "call":
            found[scope(report.nodeid)].add(report.worker)  # type: ignore[operator]
    return found


def file_of(nodeid: str) -> str:
    return nodeid.split("::", maxsplit=1)[0]


def scope_of(nodeid: str) -> str:
    return nodeid.rsplit("::", 1)[0]


@pytest.mark.parametrize("mode", ["load", "worksteal", "loadgroup"])
def test_modules_are_split_where_there_is_no_other_work(suite: Suite, method: str, mode: str) -> None:
    suite.write(test_only=MODULE)
    result = suite.run("-n", "2", "--start-method", method, "--dist", mode, env={"MEETING": "2"})
    assert result.counts == {"passed": 14}
    assert workers_by(result, file_of) == {"test_only.py": {"gw0", "gw1"}}


def test_a_file_is_not_split(suite: Suite, method: str) -> None:
    suite.write(test_a=MODULE, test_b=MODULE, test_c=MODULE)
    result = suite.run("-n", "3", "--start-method", method, "--dist", "loadfile", env={"MEETING": "3"})
    assert result.counts == {"passed": 42}
    assert ", loadfile, " in str(result.header)
    by_file = workers_by(result, file_of)
    assert [len(workers) for workers in by_file.values()] == [1, 1, 1]
    assert len(set.union(*by_file.values())) == 3


def test_a_scope_is_not_split_and_classes_are_scopes(suite: Suite, method: str) -> None:
    suite.write(test_only=MODULE)
    result = suite.run("-n", "3", "--start-method", method, "--dist", "loadscope", env={"MEETING": "3"})
    assert result.counts == {"passed": 14}
    assert result.workers == 3
    by_scope = workers_by(result, scope_of)
    assert set(by_scope) == {"test_only.py", "test_only.py::TestOne", "test_only.py::TestTwo"}
    assert all(len(workers) == 1 for workers in by_scope.values())
    assert len(set.union(*by_scope.values())) == 3


def test_no_more_workers_than_scopes(suite: Suite, method: str) -> None:
    suite.write(test_only=MODULE)
    assert suite.run("-n", "8", "--start-method", method, "--dist", "loadfile").workers == 1


def test_scopes_in_the_order_of_the_collection(suite: Suite, method: str) -> None:
    """One scope keeps a worker busy; the other goes through the rest in its order, or takes what is long first."""
    small = "from witness import meet\ndef test_a(): meet(2)\n"
    longer = (
        "import pytest\nfrom witness import meet\n@pytest.mark.parametrize('n', range({}))\ndef test_c(n): meet(2)\n"
    )
    suite.write(test_a=small, test_b=longer.format(14), test_c=longer.format(10))
    orders = {}
    for option in ("--loadscope-reorder", "--no-loadscope-reorder"):
        suite.forget_marks()
        how = ("-n", "2", "--start-method", method, "--dist", "loadfile", option)
        result = suite.run(*how, env={"MEETING": "2"})
        files = [file_of(report.nodeid) for report in result.reports if report.when == "call"]
        orders[option] = [file for file in dict.fromkeys(files) if file != "test_b.py"]
    assert orders["--no-loadscope-reorder"] == ["test_a.py", "test_c.py"]
    assert orders["--loadscope-reorder"] == ["test_c.py", "test_a.py"]


@pytest.mark.parametrize("mode", ["loadgroup", "load"])
def test_marked_groups_stay_together_and_keep_their_names(suite: Suite, method: str, mode: str) -> None:
    text = """
        import time, pytest

        @pytest.mark.xdist_group("shared")
        @pytest.mark.parametrize("number", range(3))
        def test_shared(number): time.sleep(0.01)

        @pytest.mark.parametrize("number", range(6))
        def test_free(number): time.sleep(0.01)
    """
    suite.write(test_a=text, test_b=text)
    result = suite.run("-n", "2", "--start-method", method, "--dist", mode)
    assert result.counts == {"passed": 18}
    shared = workers_by(result, lambda nodeid: str("shared" in nodeid))["True"]
    assert len(shared) == 1
    assert not any("@" in report.nodeid for report in result.reports)


def test_several_groups_on_one_test_are_one_of_their_own(suite: Suite, method: str) -> None:
    """As under pytest-xdist: all names together are the name."""
    suite.write(
        test_a="""
            import time, pytest

            @pytest.mark.xdist_group("b")
            class TestB:
                @pytest.mark.xdist_group("a")
                @pytest.mark.parametrize("number", range(3))
                def test_both(self, number): time.sleep(0.02)

            @pytest.mark.xdist_group("b")
            @pytest.mark.parametrize("number", range(3))
            def test_one(number): time.sleep(0.02)

            @pytest.mark.xdist_group("a_b")
            def test_named(): pass
        """
    )
    result = suite.run("-n", "2", "--start-method", method, "--dist", "loadgroup")
    assert result.counts == {"passed": 7}
    assert result.workers == 2
    workers = workers_by(result, lambda nodeid: nodeid.rpartition("::")[2].split("[")[0])
    assert workers["test_both"] == workers["test_named"]
    assert all(len(found) == 1 for found in workers.values())


def test_each_worker_runs_every_test(suite: Suite, method: str) -> None:
    suite.write(test_a=MODULE, test_b="import pytest\n@pytest.mark.serial\ndef test_b(): pass\ndef test_c(): assert 0")
    result = suite.run("-n", "3", "--start-method", method, "--dist", "each")
    assert result.counts == {"passed": 45, "failed": 3}
    assert result.workers == 3
    calls = Counter((report.nodeid, report.worker) for report in result.reports if report.when == "call")
    assert set(calls.values()) == {1}
    assert {worker for _, worker in calls} == {"gw0", "gw1", "gw2"}


def test_each_with_one_test_has_all_its_workers(suite: Suite, method: str) -> None:
    suite.write(test_one="def test_one(): pass")
    result = suite.run("--tx", "2*popen", "--tx", "popen", "--start-method", method, "--dist", "each")
    assert result.counts == {"passed": 3}
    assert result.workers == 3


SECOND_WORKER_DIES = """
    import os, pytest

    @pytest.mark.parametrize("number", range(10))
    def test_a(number, worker_id):
        if number == 4 and worker_id == "gw1":
            os._exit(3)
"""


def test_a_replacement_goes_on_where_the_crashed_worker_was(suite: Suite, method: str) -> None:
    suite.write(test_a=SECOND_WORKER_DIES)
    result = suite.run("-n", "2", "--start-method", method, "--dist", "each")
    assert result.counts == {"passed": 19, "failed": 1}
    passed = Counter(report.worker for report in result.reports if report.when == "call" and report.outcome == "passed")
    assert passed == {"gw0": 10, "gw1": 4, "gw2": 5}


def test_without_a_replacement_its_rest_is_not_run(suite: Suite, method: str) -> None:
    suite.write(test_a=SECOND_WORKER_DIES)
    result = suite.run("-n", "2", "--start-method", method, "--dist", "each", "--max-worker-restart", "0")
    assert result.returncode == 1
    assert result.counts == {"passed": 14, "failed": 1, "errors": 5}
