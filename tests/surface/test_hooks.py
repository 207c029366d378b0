"""The hooks of pytest-xdist: when they are called, with what, and what their results do."""

from __future__ import annotations

import pytest
from processes.harness import METHODS, Suite

pytestmark = pytest.mark.parametrize("method", METHODS)

RECORDING = """
    from witness import mark

    def record(name, *values):
        mark(" ".join(map(str, (name, *values))))

    def pytest_xdist_setupnodes(config, specs):
        record("setupnodes", len(specs), all(spec.popen for spec in specs), [spec.id for spec in specs])

    def pytest_xdist_newgateway(gateway):
        record("newgateway", gateway.id, gateway.spec, gateway._rinfo().platform)

    def pytest_configure_node(node):
        record("configure_node", node.gateway.id, hasattr(node, "workerinfo"), node.nodemanager.roots)
        node.workerinput["port"] = 7000 + int(node.gateway.id[2:])

    def pytest_testnodeready(node):
        record("ready", node.gateway.id, sorted(node.workerinfo), node.workerinfo["id"], node.shutting_down)

    def pytest_xdist_node_collection_finished(node, ids):
        record("collected", node.gateway.id, *ids)

    def pytest_testnodedown(node, error):
        record("down", node.gateway.id, error, getattr(node, "workeroutput", {}).get("seen"), node.shutting_down)

    def pytest_sessionfinish(session):
        if hasattr(session.config, "workerinput"):
            session.config.workeroutput["seen"] = session.config.workerinput["port"]
"""
TWO = """
    import time

    def test_one(request, worker_id):
        assert request.config.workerinput["port"] == 7000 + int(worker_id[2:])
        time.sleep(0.05)
    def test_two(request, worker_id):
        assert request.config.workerinput["port"] == 7000 + int(worker_id[2:])
        time.sleep(0.05)
"""


def test_their_order_and_their_arguments(suite: Suite, method: str) -> None:
    suite.write(conftest=RECORDING, test_two=TWO)
    result = suite.run("-n", "2", "--start-method", method)
    assert result.counts == {"passed": 2}, result.output
    names = [mark.name for mark in suite.marks()]
    assert names[0] == "setupnodes 2 True ['gw0', 'gw1']"
    info = ["cwd", "executable", "id", "spec", "sysplatform", "version", "version_info"]
    for worker in ("gw0", "gw1"):
        of_worker = [name for name in names if f" {worker}" in name and not name.startswith("setupnodes")]
        assert of_worker == [
            f"newgateway {worker} popen linux",
            f"configure_node {worker} False []",
            f"ready {worker} {info} {worker} False",
            f"collected {worker} test_two.py::test_one test_two.py::test_two",
            f"down {worker} None {7000 + int(worker[2:])} True",
        ]
    assert {mark.worker for mark in suite.marks()} == {"-"}, "all in the controller"


def test_a_crashed_worker_and_its_replacement(suite: Suite, method: str) -> None:
    suite.write(conftest=RECORDING, test_crash="import os\ndef test_crash(): os._exit(3)\ndef test_other(): pass")
    result = suite.run("-n", "1", "--start-method", method)
    assert result.counts == {"failed": 1, "passed": 1}
    names = [mark.name for mark in suite.marks()]
    assert "down gw0 left with exit status 3 None True" in names
    assert "configure_node gw1 False []" in names
    assert "down gw1 None 7001 True" in names


def test_a_value_that_cannot_be_sent(suite: Suite, method: str) -> None:
    suite.write(
        conftest="def pytest_configure_node(node): node.workerinput['server'] = object()",
        test_two=TWO,
    )
    result = suite.run("-n", "2", "--start-method", method)
    assert result.returncode == 4, result.output
    assert "workerinput['server']" in result.stderr
    assert "gw0" in result.stderr
    assert "object" in result.stderr


def test_the_values_of_a_node_are_there_when_it_is_configured(suite: Suite, method: str) -> None:
    suite.write(
        conftest="""
            from witness import mark

            def pytest_configure_node(node):
                node.workerinput["folder"] = ("a", ["b"], {"c": None})

            def pytest_configure(config):
                if hasattr(config, "workerinput"):
                    mark(f"configured {config.workerinput['folder']!r} {config.workeroutput!r}")
        """,
        test_one="def test_one(): pass",
    )
    assert suite.run("-n", "1", "--start-method", method).counts == {"passed": 1}
    assert [mark.name for mark in suite.marks("configured")] == ["configured ('a', ['b'], {'c': None}) {}"]


LATE = """
    import pytest
    from witness import mark

    class Ports:
        def pytest_configure_node(self, node):
            mark(f"port for {node.gateway.id}")
            node.workerinput["port"] = 7000 + int(node.gateway.id[2:])

    def pytest_sessionstart(session):
        if not hasattr(session.config, "workerinput"):
            session.config.pluginmanager.register(Ports())

    @pytest.fixture
    def port(request):
        return request.config.workerinput["port"]
"""


def test_hooks_that_come_with_the_session(suite: Suite, method: str) -> None:
    """The template may have been configured before; it is no worker then."""
    suite.write(
        conftest=LATE,
        test_both="""
            from witness import meet

            def one(port, worker_id):
                meet(2)
                assert port == 7000 + int(worker_id[2:])

            def test_a(port, worker_id): one(port, worker_id)
            def test_b(port, worker_id): one(port, worker_id)
        """,
    )
    result = suite.run("-n", "2", "--start-method", method)
    assert result.counts == {"passed": 2}, result.output
    assert sorted(mark.name for mark in suite.marks("port")) == ["port for gw0", "port for gw1"]


def test_a_number_of_workers_from_a_conftest(suite: Suite, method: str) -> None:
    suite.write(
        conftest="""
            def pytest_xdist_auto_num_workers(config):
                return {"auto": 3, "logical": 2}[config.option.numprocesses]
        """,
        test_many="import pytest\n@pytest.mark.parametrize('n', range(40))\ndef test_many(n): pass",
    )
    for value, workers in (("auto", 3), ("0", 3), ("logical", 2)):
        result = suite.run("-n", value, "--start-method", method)
        assert result.counts == {"passed": 40}
        assert result.workers == workers
        assert "pytest_xdist_auto_num_workers" in str(result.header)
    assert suite.run("-n", "1", "--start-method", method).workers == 1


@pytest.mark.parametrize(("body", "workers"), [("return None", {1, 2}), ("return 0", {1})])
def test_a_conftest_that_leaves_the_number_open(suite: Suite, method: str, body: str, workers: set[int]) -> None:
    suite.write(
        conftest=f"def pytest_xdist_auto_num_workers(config): {body}",
        test_many="import pytest\n@pytest.mark.parametrize('n', range(40))\ndef test_many(n): pass",
    )
    result = suite.run("-n", "auto", "--start-method", method)
    assert result.counts == {"passed": 40}
    assert result.workers in workers


def test_a_number_of_workers_that_is_none(suite: Suite, method: str) -> None:
    suite.write(conftest="def pytest_xdist_auto_num_workers(config): return 'many'", test_one="def test_one(): pass")
    result = suite.run("-n", "auto", "--start-method", method)
    assert result.returncode == 4
    assert "pytest_xdist_auto_num_workers returned 'many'" in result.stderr


SCHEDULER = """
    from xdist.scheduler import LoadScheduling, LoadScopeScheduling

    class ByLetter(LoadScopeScheduling):
        def __init__(self, config, log):
            super().__init__(config, log)
            self.own = self.helper()
            assert self.numnodes == 3

        def helper(self):
            return 1

        def _split_scope(self, nodeid):
            return nodeid[-1]

    class Other(LoadScopeScheduling):
        def schedule(self): raise AssertionError

    def pytest_xdist_make_scheduler(config, log):
        log("something")
        return {returned}
"""


def test_scopes_told_by_the_whole_collection(suite: Suite, method: str) -> None:
    suite.write(
        conftest="""
            from xdist.scheduler import LoadScopeScheduling

            class ByPlace(LoadScopeScheduling):
                def _split_scope(self, nodeid):
                    return self.collection.index(nodeid) % 2

            def pytest_xdist_make_scheduler(config, log):
                return ByPlace(config, log)
        """,
        test_a="from witness import meet\n" + "".join(f"def test_{number}(): meet(2)\n" for number in range(6)),
    )
    result = suite.run("-n", "2", "--start-method", method)
    assert result.counts == {"passed": 6}, result.output
    workers = [{report.worker for report in result.reports if int(report.nodeid[-1]) % 2 == odd} for odd in (0, 1)]
    assert [len(found) for found in workers] == [1, 1]
    assert workers[0] != workers[1]


def test_what_a_worker_leaves(suite: Suite, method: str) -> None:
    suite.write(
        conftest="""
            from witness import mark

            def pytest_testnodedown(node, error):
                output = node.workeroutput
                mark(f"{output['exitstatus']} {output['shouldfail']} {output['shouldstop']}")
        """,
        test_a="def test_a(): pass\ndef test_b(): pass",
    )
    suite.run("-n", "2", "--start-method", method)
    assert [mark.name for mark in suite.marks()] == ["0 False False"] * 2


@pytest.mark.parametrize("plugins", [(), ("xdist",)], ids=["without xdist", "with xdist"])
def test_the_scopes_of_a_scheduler(suite: Suite, method: str, plugins: tuple[str, ...]) -> None:
    tests = "\n".join(f"def test_{n}_{letter}(): meet(3)" for n in "123" for letter in "xyz")
    text = f"from witness import meet\n{tests}"
    suite.write(conftest=SCHEDULER.format(returned="ByLetter(config, log)"), test_a=text, test_b=text)
    result = suite.run("-n", "3", "--start-method", method, plugins=plugins)
    assert result.counts == {"passed": 18}, result.output
    workers = {letter: set() for letter in "xyz"}
    for report in result.reports:
        workers[report.nodeid[-1]].add(report.worker)
    assert sorted(len(found) for found in workers.values()) == [1, 1, 1]
    assert len(set.union(*workers.values())) == 3


@pytest.mark.parametrize(
    ("returned", "text"), [("Other(config, log)", "it defines schedule"), ("object()", "it is none of them")]
)
@pytest.mark.parametrize("plugins", [(), ("xdist",)], ids=["without xdist", "with xdist"])
def test_a_scheduler_that_cannot_be_honoured(
    suite: Suite, method: str, returned: str, text: str, plugins: tuple[str, ...]
) -> None:
    suite.write(conftest=SCHEDULER.format(returned=returned), test_one="def test_one(): pass")
    result = suite.run("-n", "2", "--start-method", method, plugins=plugins)
    assert result.returncode == 4, result.output
    assert text in result.stderr
    assert "_split_scope" in result.stderr


@pytest.mark.parametrize("returned", ["LoadScheduling(config, log)", "None"])
def test_a_scheduler_that_changes_nothing(suite: Suite, method: str, returned: str) -> None:
    suite.write(
        conftest=SCHEDULER.format(returned=returned),
        test_two=TWO.replace("request, worker_id", "").replace(
            'assert request.config.workerinput["port"] == 7000 + int(worker_id[2:])', "pass"
        ),
    )
    assert suite.run("-n", "2", "--start-method", method).counts == {"passed": 2}


def test_a_module_for_workers_cannot_be_honoured(suite: Suite, method: str) -> None:
    suite.write(conftest="def pytest_xdist_getremotemodule(): return object()", test_one="def test_one(): pass")
    result = suite.run("-n", "2", "--start-method", method)
    assert result.returncode == 4, result.output
    assert "pytest_xdist_getremotemodule" in result.stderr


CRASHES_ONCE = """
    import os, pathlib

    def test_crash():
        flag = pathlib.Path("crashed")
        if not flag.exists():
            flag.touch()
            os._exit(3)
"""


def test_the_report_of_a_crash_can_be_changed(suite: Suite, method: str) -> None:
    suite.write(
        conftest="""
            def pytest_handlecrashitem(crashitem, report, sched):
                assert sched.config.option.numprocesses == 1 and sched.numnodes >= 1
                report.longrepr = f"seen: {crashitem}"
        """,
        test_crash=CRASHES_ONCE,
    )
    result = suite.run("-n", "2", "--start-method", method)
    assert result.counts == {"failed": 1}
    assert "seen: test_crash.py::test_crash" in result.output


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_test_that_crashed_can_run_again(suite: Suite, method: str, workers: str) -> None:
    suite.write(
        conftest="""
            def pytest_handlecrashitem(crashitem, report, sched):
                sched.mark_test_pending(crashitem)
                report.outcome = "rerun"

            def pytest_report_teststatus(report):
                if report.outcome == "rerun":
                    return "rerun", "R", "RERUN"
        """,
        test_crash=CRASHES_ONCE + "\n    def test_other(): pass\n",
    )
    result = suite.run("-n", workers, "-x", "--start-method", method)
    assert result.returncode == 0, result.output
    assert "2 passed" in result.output
    assert "1 rerun" in result.output


def test_a_test_that_crashes_for_ever_comes_to_an_end(suite: Suite, method: str) -> None:
    suite.write(
        conftest="""
            def pytest_handlecrashitem(crashitem, report, sched):
                sched.mark_test_pending(crashitem)
                report.outcome = "rerun"
        """,
        test_crash="import os\ndef test_crash(): os._exit(3)",
    )
    result = suite.run("-n", "1", "--max-worker-restart", "3", "--start-method", method)
    assert result.returncode == 1
    assert "not run: every worker has crashed" in result.output


def test_what_cannot_be_sent_becomes_text_with_one_warning(suite: Suite, method: str) -> None:
    suite.write(
        conftest="""
            import enum, pathlib, pytest

            class Colour(enum.IntEnum):
                RED = 1

            class Thing:
                def __repr__(self): return "<a thing>"

            @pytest.hookimpl(wrapper=True)
            def pytest_runtest_makereport(item):
                report = yield
                report.extra = {"things": [Thing()], "numbers": (1, 2.5), "colour": Colour.RED}
                report.tree = {"path": pathlib.Path("root")}
                report.tree["parent"] = report.tree
                report.memory = bytearray(b"raw")
                report.path = pathlib.Path("here")
                return report

            def pytest_runtest_logreport(report):
                if hasattr(report, "node"):
                    assert report.extra == {"things": ["<a thing>"], "numbers": (1, 2.5), "colour": 1}
                    assert report.path == "here"
                    assert report.tree == {"path": "root", "parent": "…"}
                    assert report.memory == "bytearray(b'raw')"
        """,
        test_one="def test_one(): pass\ndef test_two(): assert 0",
        test_other="def test_other(): pass",
    )
    result = suite.run("-n", "2", "--start-method", method)
    # Once for each attribute, however many workers there are.
    assert result.counts == {"passed": 2, "failed": 1, "warnings": 3}, result.output
    assert result.output.count("PytestWarning: attribute 'extra' of the report of ") == 1
    assert "holds a value of type 'Thing'" in result.output
    quiet = suite.run("-n", "2", "--start-method", method, "-W", "ignore::pytest.PytestWarning")
    assert quiet.counts == {"passed": 2, "failed": 1}, quiet.output
