"""`node.shutdown()` on the controller: one worker ends before the others, and nothing is lost."""

from __future__ import annotations

from itertools import pairwise

import pytest
from processes.harness import METHODS, Result, Suite

pytestmark = pytest.mark.parametrize("method", METHODS)

# Tells of every worker that ends, and what it has said at the end.
DOWN = """
    from witness import mark

    def pytest_testnodedown(node, error):
        assert node.shutting_down
        mark(f"down {node.gateway.id} {error} {getattr(node, 'workeroutput', {}).get('last words')}")

    def pytest_sessionfinish(session):
        if hasattr(session.config, "workerinput"):
            session.config.workeroutput["last words"] = "bye"
"""
# Shuts the worker down that has set up `test_first`. A setup that takes that long is reported before the body runs.
IN_THE_FIRST_TEST = (
    DOWN
    + """
    import pathlib, pytest, time

    ONLY = None

    def pytest_runtest_logreport(report):
        if hasattr(report, "node") and "test_first" in str(report.nodeid) and report.when == "setup":
            if ONLY in (None, report.node.gateway.id):
                report.node.shutdown()
                pathlib.Path("shut down").touch()

    @pytest.fixture
    def shut_down(worker_id):
        time.sleep(0.06)
        def wait():
            if ONLY in (None, worker_id):
                while not pathlib.Path("shut down").exists():
                    time.sleep(0.005)
                # The message takes another way.
                time.sleep(0.1)
        return wait
"""
)
IMPORTS = """
    import pytest, time
"""
FIRST = """
    def test_first(shut_down):
        shut_down()
"""
MORE = """
    @pytest.mark.parametrize("n", range(20))
    def test_more(n):
        time.sleep(0.01)
"""


def downs(suite: Suite) -> list[str]:
    return [mark.name for mark in suite.marks("down")]


def ran(result: Result) -> dict[str, list[str]]:
    """The tests that each worker has run, in the order of their ends."""
    found: dict[str, list[str]] = {}
    for report in result.reports:
        if report.when == "call":
            found.setdefault(report.worker or "-", []).append(report.nodeid.partition("::")[2])
    return found


def test_a_worker_that_is_ready(suite: Suite, method: str) -> None:
    suite.write(
        conftest=DOWN
        + """
    def pytest_testnodeready(node):
        if node.gateway.id == "gw1":
            assert not node.shutting_down
            node.shutdown()
            assert node.shutting_down
            node.shutdown()
""",
        test_more=IMPORTS + MORE,
    )
    result = suite.run("-n", "2", "--start-method", method)
    assert result.returncode == 0, result.output
    assert result.counts == {"passed": 20}
    assert sorted(downs(suite)) == ["down gw0 None bye", "down gw1 None bye"]
    assert "replacing" not in result.output


@pytest.mark.parametrize("nodes", [("gw1",), ("gw0",), ("gw0", "gw1")])
def test_a_worker_that_has_not_started(suite: Suite, method: str, nodes: tuple[str, ...]) -> None:
    suite.write(
        conftest=DOWN
        + f"""
    def pytest_configure_node(node):
        if node.gateway.id in {nodes}:
            node.shutdown()
""",
        test_more=IMPORTS + MORE,
    )
    result = suite.run("-n", "2", "--start-method", method)
    assert sorted(downs(suite)) == ["down gw0 None bye", "down gw1 None bye"], result.output
    if len(nodes) == 1:
        assert result.counts == {"passed": 20}
        assert not set(nodes) & set(ran(result))
    else:
        assert (result.returncode, result.counts) == (1, {"errors": 20})
        assert "not run: every worker that could have run it was shut down, or has crashed" in result.output


def test_a_worker_that_runs_a_test(suite: Suite, method: str) -> None:
    suite.write(conftest=IN_THE_FIRST_TEST, test_more=IMPORTS + FIRST + MORE)
    result = suite.run("-n", "2", "--start-method", method)
    assert result.returncode == 0, result.output
    assert result.counts == {"passed": 21}
    workers = ran(result)
    (left,) = (worker for worker, tests in workers.items() if "test_first" in tests)
    assert workers[left] == ["test_first"], "nothing after it"
    assert len(workers) == 2
    assert sorted(downs(suite)) == ["down gw0 None bye", "down gw1 None bye"]


def test_the_last_worker(suite: Suite, method: str) -> None:
    suite.write(conftest=IN_THE_FIRST_TEST, test_more=IMPORTS + FIRST + MORE)
    result = suite.run("-n", "1", "--start-method", method)
    assert result.returncode == 1, result.output
    assert result.counts == {"passed": 1, "errors": 20}
    assert "not run: every worker that could have run it was shut down, or has crashed" in result.output
    assert "replacing" not in result.output
    assert downs(suite) == ["down gw0 None bye"]


def test_a_worker_that_runs_everything(suite: Suite, method: str) -> None:
    suite.write(conftest=IN_THE_FIRST_TEST.replace("ONLY = None", "ONLY = 'gw1'"), test_more=IMPORTS + FIRST + MORE)
    result = suite.run("-n", "2", "--dist", "each", "--start-method", method)
    assert result.returncode == 1, result.output
    assert result.counts == {"passed": 22, "errors": 20}
    workers = ran(result)
    assert (len(workers["gw0"]), workers["gw1"]) == (21, ["test_first"])


def test_what_is_torn_down_and_when(suite: Suite, method: str) -> None:
    suite.write(
        conftest=IN_THE_FIRST_TEST
        + """
    def pytest_runtest_teardown(item, nextitem):
        mark(f"tears down {item.name}, next is {nextitem and nextitem.name}")
""",
        test_more="""
            import pytest

            used = []

            @pytest.fixture(scope="session", autouse=True)
            def session():
                yield
                if used:
                    raise ValueError("in the teardown of the session")

            @pytest.fixture(scope="module", autouse=True)
            def module():
                yield
                if used:
                    raise ValueError("in the teardown of the module")

            def test_first(shut_down):
                used.append(1)
                shut_down()

            @pytest.mark.parametrize("n", range(20))
            def test_more(n): pass
        """,
    )
    result = suite.run("-n", "2", "--start-method", method)
    assert result.counts == {"passed": 21, "errors": 1}, result.output
    (error,) = result.failures
    assert (error.nodeid, error.when) == ("test_more.py::test_first", "teardown")
    assert "in the teardown of the session" in error.text
    assert "in the teardown of the module" in error.text
    assert len(suite.marks("tears down test_first, next is None")) == 1


def test_a_group_is_never_run_by_two_workers_at_once(suite: Suite, method: str) -> None:
    suite.write(
        conftest=IN_THE_FIRST_TEST,
        test_group="""
            import pytest
            from witness import mark

            pytestmark = pytest.mark.xdist_group("one at a time")

            @pytest.fixture(autouse=True)
            def alone(request):
                mark(f"span {request.node.name} begins")
                yield
                mark(f"span {request.node.name} ends")

            def test_first(shut_down):
                shut_down()

            @pytest.mark.parametrize("n", range(3))
            def test_more(n): pass
        """,
        test_other="def test_other(): pass",
    )
    result = suite.run("-n", "2", "--start-method", method)
    assert result.counts == {"passed": 5}, result.output
    spans = suite.marks("span")
    assert [mark.name.split()[2] for mark in spans] == ["begins", "ends"] * 4
    assert all(begin.worker == end.worker for begin, end in zip(spans[::2], spans[1::2], strict=True))
    assert [a.worker == b.worker for a, b in pairwise(spans[::2])] == [False, True, True]


def test_workers_that_are_dead_and_others_because_of_it(suite: Suite, method: str) -> None:
    suite.write(
        conftest="""
            from witness import mark

            def pytest_testnodedown(node, error):
                mark(f"down {node.gateway.id} {error}")
                assert node in nodes(node.config)
                node.shutdown()
                if error is not None:
                    other = next(node for node in nodes(node.config) if not node.shutting_down)
                    other.shutdown()
                    mark(f"shut down {other.gateway.id}")

            def pytest_sessionfinish(session):
                if not hasattr(session.config, "workerinput"):
                    mark(f"left: {nodes(session.config)}")

            def nodes(config):
                return config.pluginmanager.getplugin("dsession").sched.nodes
        """,
        test_crash="import os\ndef test_crash(): os._exit(3)",
        test_more=IMPORTS + MORE,
    )
    result = suite.run("-n", "3", "--start-method", method)
    assert result.counts == {"failed": 1, "passed": 20}, result.output
    (shut_down,) = (mark.name.removeprefix("shut down ") for mark in suite.marks("shut down"))
    assert f"down {shut_down} None" in downs(suite)
    assert sum("left with exit status 3" in name for name in downs(suite)) == 1
    assert [mark.name for mark in suite.marks("left: ")] == ["left: []"]


def test_a_retired_worker_can_still_crash_and_is_not_replaced(suite: Suite, method: str) -> None:
    suite.write(
        conftest=IN_THE_FIRST_TEST,
        test_more="""
            import os, pytest

            def test_first(shut_down):
                shut_down()
                os._exit(3)

            @pytest.mark.parametrize("n", range(3))
            def test_more(n): pass
        """,
    )
    result = suite.run("-n", "1", "--start-method", method)
    assert result.counts == {"failed": 1, "errors": 3}, result.output
    assert "replacing" not in result.output
    assert downs(suite) == ["down gw0 left with exit status 3 None"]


def test_its_last_test_may_end_the_run(suite: Suite, method: str) -> None:
    suite.write(
        conftest=IN_THE_FIRST_TEST,
        test_more="""
            import pytest, time

            @pytest.fixture
            def stop(request):
                yield
                # It is known by now that nothing comes.
                request.session.shouldstop = "that is enough"

            def test_first(stop, shut_down):
                shut_down()

            @pytest.mark.parametrize("n", range(40))
            def test_more(n): time.sleep(0.1)
        """,
    )
    result = suite.run("-n", "2", "--start-method", method)
    assert result.returncode == 2, result.output
    assert "that is enough" in result.output
    assert result.counts["passed"] < 41
