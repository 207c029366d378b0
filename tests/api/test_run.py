"""`fastest.run_tests_parallel`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import fastest
from fastest import Outcome

ONE_TEST = "def test_one(): pass\n"

EVERY_OUTCOME = """\
    import logging, sys
    import pytest

    def test_passed():
        print("on stdout")
        print("on stderr", file=sys.stderr)
        logging.getLogger().warning("logged")

    def test_failed():
        assert 1 == 2, "unequal"

    def test_skipped():
        pytest.skip("for a reason")

    @pytest.mark.skip(reason="marked")
    def test_skipped_by_marker():
        pass

    @pytest.mark.xfail(reason="known bug")
    def test_xfailed():
        assert False

    @pytest.mark.xfail(run=False, reason="too slow")
    def test_xfailed_without_running():
        pass

    @pytest.mark.xfail(reason="perhaps")
    def test_xpassed():
        pass

    @pytest.mark.xfail(strict=True, reason="surely")
    def test_xpassed_strict():
        pass

    @pytest.fixture
    def broken():
        raise RuntimeError("in set-up")

    def test_error_in_setup(broken):
        pass

    @pytest.fixture
    def breaks_later():
        yield
        raise RuntimeError("in teardown")

    def test_error_in_teardown(breaks_later):
        pass

    def test_failed_and_error_in_teardown(breaks_later):
        assert False, "in the test"
    """


@pytest.fixture(scope="module")
def every_outcome(tmp_path_factory):
    root = tmp_path_factory.mktemp("outcomes")
    (root / "pytest.ini").write_text("[pytest]\n")
    (root / "test_o.py").write_text(textwrap.dedent(EVERY_OUTCOME))
    return fastest.run_tests_parallel("test_o.py", 2, cwd=root)


@pytest.mark.parametrize(
    ("name", "outcome", "message"),
    [
        ("passed", Outcome.PASSED, None),
        ("failed", Outcome.FAILED, "unequal"),
        ("skipped", Outcome.SKIPPED, "for a reason"),
        ("skipped_by_marker", Outcome.SKIPPED, "marked"),
        ("xfailed", Outcome.XFAILED, "known bug"),
        ("xfailed_without_running", Outcome.XFAILED, "too slow"),
        ("xpassed", Outcome.XPASSED, "perhaps"),
        ("xpassed_strict", Outcome.FAILED, "surely"),
        ("error_in_setup", Outcome.ERROR, "in set-up"),
        ("error_in_teardown", Outcome.ERROR, "in teardown"),
        ("failed_and_error_in_teardown", Outcome.FAILED, "in the test"),
    ],
)
def test_outcomes(every_outcome, name, outcome, message):
    results = {result.node_id: result for result in every_outcome}
    result = results[f"test_o.py::test_{name}"]
    assert result.outcome is outcome
    if message is None:
        assert result.message is None
    else:
        assert message in result.message


def test_both_failures_of_a_test_are_in_its_message(every_outcome):
    message = every_outcome.results[-1].message
    assert "in the test" in message
    assert "in teardown" in message


def test_captured_output(every_outcome):
    result = every_outcome.results[0]
    assert (result.stdout, result.stderr) == ("on stdout\n", "on stderr\n")
    assert "logged" in result.log


def test_phases_duration_and_worker(every_outcome):
    for result in every_outcome:
        assert result.worker in {"gw0", "gw1"}
        assert result.duration == pytest.approx(sum(result.phases.values()))
    passed, *_, error_in_setup, _, _ = every_outcome.results
    assert list(passed.phases) == ["setup", "call", "teardown"]
    assert list(error_in_setup.phases) == ["setup", "teardown"]


@pytest.mark.parametrize("option", ["--version", "--collect-only"])
def test_a_success_that_runs_nothing_is_not_ok(make_project, option):
    root = make_project({"test_a.py": ONE_TEST})
    run = fastest.run_tests_parallel(fastest.discover_tests(cwd=root), 2, args=[option], cwd=root)
    assert run.exit_code == 0
    assert not run.ok


def test_totals_and_exit_code(every_outcome):
    assert every_outcome.totals == {
        Outcome.PASSED: 1,
        Outcome.FAILED: 3,
        Outcome.SKIPPED: 2,
        Outcome.XFAILED: 2,
        Outcome.XPASSED: 1,
        Outcome.ERROR: 2,
        Outcome.NOT_RUN: 0,
    }
    assert every_outcome.exit_code == 1
    assert not every_outcome.ok
    assert every_outcome.duration > 0
    assert "unequal" in every_outcome.output
    assert [result.node_id.rpartition("test_")[2] for result in every_outcome][:2] == [
        "passed",
        "failed",
    ]


def test_discovered_tests_run_in_the_order_asked_for(make_project):
    root = make_project({"test_a.py": "def test_1(): pass\ndef test_2(): pass\ndef test_3(): pass\n"})
    one, two, three = fastest.discover_tests(cwd=root)
    run = fastest.run_tests_parallel([three, one, three], 2, cwd=root)
    assert [result.node_id for result in run] == [three.node_id, one.node_id]
    assert run.ok
    single = fastest.run_tests_parallel(two, 1, cwd=root)
    assert [result.node_id for result in single] == [two.node_id]


def test_ids_are_answered_in_the_order_asked_for_however_they_are_written(make_project):
    tests = "class TestA:\n    def test_1(self): pass\nclass TestB:\n    def test_2(self): pass\ndef test_c(): pass\n"
    root = make_project({"sub/test_a.py": tests})
    run = fastest.run_tests_parallel(
        ["test_a.py::test_c", "./test_a.py::TestB", "test_a.py::TestA"], 2, cwd=root / "sub"
    )
    expected = ["test_c", "TestB::test_2", "TestA::test_1"]
    assert [result.node_id for result in run] == [f"sub/test_a.py::{inner}" for inner in expected]


def test_automatic_number_of_workers(make_project):
    root = make_project({"test_a.py": ONE_TEST})
    assert fastest.run_tests_parallel(fastest.discover_tests(cwd=root), cwd=root).ok


def test_ids_with_any_characters(make_project):
    root = make_project(
        {
            "conftest.py": "def pytest_make_parametrize_id(val): return str(val)\n",
            "test_a.py": """\
                import pytest

                IDS = ["a b", "[", "]]", "x::y", "a[1]::b", "\\\\", "/", "é"]
                IDS += ["日本", "", "'", '"', "\\n", "%s", "-n"]

                class TestÄ:
                    @pytest.mark.parametrize("v", IDS)
                    def test_v(self, v):
                        pass
                """,
        }
    )
    tests = fastest.discover_tests(cwd=root)
    assert len(tests) == 15
    wanted = tests[1:]
    run = fastest.run_tests_parallel(wanted, 2, cwd=root)
    assert [result.node_id for result in run] == [test.node_id for test in wanted]
    assert run.totals[Outcome.PASSED] == 14
    by_string = fastest.run_tests_parallel([test.node_id for test in wanted[:5]], 2, cwd=root)
    assert [result.node_id for result in by_string] == [test.node_id for test in wanted[:5]]


def test_a_path_that_pytest_cannot_take_as_an_argument(make_project):
    root = make_project({"a[b]/test_a.py": ONE_TEST})
    (test,) = fastest.discover_tests(cwd=root)
    assert fastest.run_tests_parallel([test], 2, cwd=root).totals[Outcome.PASSED] == 1


def test_a_class_or_parametrised_function_stands_for_all_it_holds(make_project):
    root = make_project(
        {
            "test_a.py": """\
                import pytest

                class TestA:
                    @pytest.mark.parametrize("n", [1, 2])
                    def test_n(self, n): pass
                    def test_m(self): pass

                def test_o(): pass
                """
        }
    )
    run = fastest.run_tests_parallel("test_a.py::TestA", 2, cwd=root)
    assert len(run) == 3
    run = fastest.run_tests_parallel(["test_a.py::TestA::test_n", "test_a.py::test_o"], 2, cwd=root)
    assert [result.node_id.partition("::")[2] for result in run] == [
        "TestA::test_n[1]",
        "TestA::test_n[2]",
        "test_o",
    ]


def test_paths_and_ids_together(make_project):
    root = make_project(
        {
            "d/test_a.py": ONE_TEST,
            "test_b.py": "def test_1(): pass\ndef test_2(): pass\n",
            "test_c.py": "1/0\n",
        }
    )
    run = fastest.run_tests_parallel([Path("d"), "test_b.py::test_2"], 2, cwd=root)
    assert {result.node_id for result in run} == {"d/test_a.py::test_one", "test_b.py::test_2"}


def test_working_directory_below_the_root_directory(make_project):
    root = make_project({"sub/test_a.py": ONE_TEST, "test_b.py": ONE_TEST})
    cwd = root / "sub"
    (test,) = fastest.discover_tests(cwd=cwd)
    assert test.node_id == "sub/test_a.py::test_one"
    for request in (test, "test_a.py::test_one", "sub/test_a.py::test_one"):
        run = fastest.run_tests_parallel([request], 2, cwd=cwd)
        assert [result.node_id for result in run] == ["sub/test_a.py::test_one"]


def test_working_directory_outside_of_the_root_directory(make_project, tmp_path):
    root = make_project({"sub/test_a.py": ONE_TEST, "sub/pytest.ini": "[pytest]\naddopts = --bad\n"})
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    tests = fastest.discover_tests(root, cwd=elsewhere)
    assert [test.node_id for test in tests] == ["sub/test_a.py::test_one"]
    # pytest would take sub/pytest.ini now, and other ids with it
    run = fastest.run_tests_parallel(tests, 2, cwd=elsewhere)
    assert [result.node_id for result in run] == ["sub/test_a.py::test_one"]
    assert run.ok


def test_a_project_without_configuration_keeps_its_root(make_project, tmp_path):
    root = make_project({"a/test_a.py": ONE_TEST, "a/pytest.ini": "[pytest]\n"}, ini=None)
    tests = fastest.discover_tests(".", cwd=root)
    run = fastest.run_tests_parallel(tests, 2, cwd=root)
    assert [result.node_id for result in run] == ["a/test_a.py::test_one"]


def test_a_module_outside_of_the_root_directory(make_project, monkeypatch):
    library = make_project(
        {
            "library/__init__.py": "",
            "library/tests/__init__.py": "",
            "library/tests/test_a.py": ONE_TEST,
            "library/tests/test_b.py": ONE_TEST,
        },
        at="site",
        ini=None,
    )
    root = make_project({})
    monkeypatch.setenv("PYTHONPATH", f"{library}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    tests = fastest.discover_tests("library", args=["--pyargs"], cwd=root)
    assert len(tests) == 2
    run = fastest.run_tests_parallel(tests[1:], 2, cwd=root)
    assert [(r.node_id, r.outcome) for r in run] == [(tests[1].node_id, Outcome.PASSED)]
    run = fastest.run_tests_parallel("library.tests.test_a", 2, args=["--pyargs"], cwd=root)
    assert run.totals[Outcome.PASSED] == 1


def test_a_file_that_lists_tests_in_other_places(make_project):
    root = make_project(
        {
            "conftest.py": """\
                import pytest

                class Case(pytest.Item):
                    def runtest(self): pass

                class Manifest(pytest.File):
                    def collect(self):
                        for name in self.path.read_text().split():
                            yield Case.from_parent(self, name=name, path=self.path.parent / name)

                def pytest_collect_file(file_path, parent):
                    if file_path.suffix == ".manifest":
                        return Manifest.from_parent(parent, path=file_path)
                """,
            "all.manifest": "one two",
        }
    )
    tests = fastest.discover_tests(cwd=root)
    run = fastest.run_tests_parallel(tests[1:], 2, cwd=root)
    assert [(r.node_id, r.outcome) for r in run] == [("all.manifest::two", Outcome.PASSED)]


def test_tests_of_several_configurations(make_project):
    first = make_project({"test_a.py": ONE_TEST}, at="first")
    second = make_project({"test_a.py": ONE_TEST}, at="second")
    tests = fastest.discover_tests(cwd=first) + fastest.discover_tests(cwd=second)
    with pytest.raises(fastest.MixedOriginsError, match="first"):
        fastest.run_tests_parallel(tests, 2)


def test_no_tests_at_all():
    run = fastest.run_tests_parallel([])
    assert (run.results, run.exit_code) == ((), 5)


def test_unknown_ids_stop_the_run_before_it_begins(make_project, tmp_path):
    trace = tmp_path / "ran"
    root = make_project({"test_a.py": f"def test_one(): open({str(trace)!r}, 'w')\n"})
    (test,) = fastest.discover_tests(cwd=root)
    with pytest.raises(fastest.UnknownTestError, match="test_two") as caught:
        fastest.run_tests_parallel([test, "test_a.py::test_two"], 2, cwd=root)
    assert caught.value.node_ids == ("test_a.py::test_two",)
    assert not trace.exists()


def test_an_id_in_a_missing_file(make_project):
    with pytest.raises(fastest.UnknownTestError, match=r"nowhere\.py"):
        fastest.run_tests_parallel("nowhere.py::test_one", 2, cwd=make_project({}))


def test_a_discovered_test_that_is_gone(make_project):
    root = make_project({"test_a.py": ONE_TEST, "test_b.py": ONE_TEST})
    tests = fastest.discover_tests(cwd=root)
    (root / "test_a.py").unlink()
    with pytest.raises(fastest.UnknownTestError, match=r"test_a\.py::test_one"):
        fastest.run_tests_parallel(tests, 2, cwd=root)


def test_a_missing_path(make_project):
    root = make_project({"test_a.py": ONE_TEST})
    with pytest.raises(fastest.MissingPathError, match="nowhere"):
        fastest.run_tests_parallel([root / "nowhere"], 2, cwd=root)
    with pytest.raises(fastest.MissingPathError, match="nowhere"):
        fastest.run_tests_parallel(["test_a.py", "nowhere"], 2, cwd=root)


@pytest.mark.parametrize("number", [0, -1])
def test_too_few_workers(number):
    with pytest.raises(fastest.InvalidWorkerCountError, match=str(number)):
        fastest.run_tests_parallel("tests", number)


@pytest.mark.parametrize(
    "arguments",
    [
        {"tests": [1]},
        {"tests": 1},
        {"tests": "x", "num_workers": "2"},
        {"tests": "x", "num_workers": True},
        {"tests": "x", "num_workers": 1.0},
        {"tests": "x", "args": "-x"},
    ],
)
def test_arguments_of_the_wrong_type(arguments):
    with pytest.raises(TypeError):
        fastest.run_tests_parallel(**arguments)


def test_files_that_cannot_be_collected(make_project):
    root = make_project({"test_a.py": ONE_TEST, "test_b.py": ONE_TEST})
    tests = fastest.discover_tests(cwd=root)
    (root / "test_a.py").write_text("import no_such_module\n")
    run = fastest.run_tests_parallel(tests, 2, cwd=root)
    assert not run.ok
    assert any("no_such_module" in failure.text for failure in run.collection_failures)
    assert run.results[0].outcome is Outcome.NOT_RUN


def test_a_failing_fixture_of_the_session_counts_once(make_project):
    root = make_project(
        {
            "conftest.py": """\
                import pytest

                @pytest.fixture(scope="session", autouse=True)
                def breaks_at_the_end():
                    yield
                    raise RuntimeError("at the end")
                """,
            "test_a.py": "def test_1(): pass\ndef test_2(): pass\n",
        }
    )
    run = fastest.run_tests_parallel("test_a.py", 1, cwd=root)
    assert len(run) == 2
    assert [result.outcome for result in run].count(Outcome.ERROR) == 1
    assert "at the end" in "".join(result.message or "" for result in run)


def test_what_did_not_run_is_said(make_project):
    body = "".join(f"def test_{n}(): assert {n}\n" for n in range(30))
    root = make_project({"test_a.py": body})
    tests = fastest.discover_tests(cwd=root)
    run = fastest.run_tests_parallel(tests, 1, args=["-x"], cwd=root)
    assert len(run) == 30
    assert run.results[0].outcome is Outcome.FAILED
    assert run.results[-1].outcome is Outcome.NOT_RUN
    assert "stop" in run.results[-1].message


def test_what_options_deselect_is_not_run(make_project):
    root = make_project({"test_a.py": "def test_1(): pass\ndef test_2(): pass\n"})
    tests = fastest.discover_tests(cwd=root)
    run = fastest.run_tests_parallel(tests, 2, args=["-k", "test_2"], cwd=root)
    assert [result.outcome for result in run] == [Outcome.NOT_RUN, Outcome.PASSED]
    assert "deselected" in run.results[0].message
    by_path = fastest.run_tests_parallel("test_a.py", 2, args=["-k", "test_2"], cwd=root)
    assert len(by_path) == 1


def test_a_crash_costs_one_test(make_project):
    root = make_project({"test_a.py": "import os\ndef test_1(): os._exit(3)\n", "test_b.py": ONE_TEST})
    run = fastest.run_tests_parallel(fastest.discover_tests(cwd=root), 2, cwd=root)
    assert [result.outcome for result in run] == [Outcome.FAILED, Outcome.PASSED]
    assert "test_a.py::test_1" in run.results[0].message


def test_subtests_count_with_their_test(make_project):
    root = make_project(
        {
            "test_a.py": """\
                import unittest

                class TestA(unittest.TestCase):
                    def test_some(self):
                        for n in range(3):
                            with self.subTest(n=n):
                                assert n != 1, "one is bad"

                    def test_skips(self):
                        with self.subTest():
                            self.skipTest("this part")
                """
        }
    )
    skips, some = sorted(fastest.run_tests_parallel("test_a.py", 2, cwd=root), key=lambda r: r.node_id)
    assert some.outcome is Outcome.FAILED
    assert "one is bad" in some.message
    assert skips.outcome in {Outcome.PASSED, Outcome.SKIPPED}  # pytest < 9 skips the whole test


def test_tests_cannot_disturb_the_results(make_project):
    root = make_project(
        {
            "test_a.py": """\
                import builtins, json, os, sys

                def test_1(monkeypatch, tmp_path):
                    monkeypatch.chdir(tmp_path)
                    monkeypatch.setattr(builtins, "open", None)
                    monkeypatch.setattr(json, "dumps", None)
                    os.environ.clear()

                def test_2():
                    os.write(1, b"not json\\n")
                    sys.__stdout__.write("nor this\\n")
                """
        }
    )
    run = fastest.run_tests_parallel("test_a.py", 1, cwd=root)
    assert run.totals[Outcome.PASSED] == 2


def test_a_run_inside_of_a_worker_is_a_run_of_its_own(make_project, monkeypatch):
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw7")
    root = make_project(
        {
            "conftest.py": """\
                import os

                def pytest_configure(config):
                    if not hasattr(config, "workerinput"):
                        assert "PYTEST_XDIST_WORKER" not in os.environ
                """,
            "test_a.py": ONE_TEST,
        }
    )
    assert fastest.run_tests_parallel("test_a.py", 2, cwd=root).ok


def test_repeated_runs_leave_the_interpreter_as_it_was(make_project):
    root = make_project({"test_only_in_the_child.py": ONE_TEST})
    before = None
    for _ in range(2):
        assert fastest.run_tests_parallel("test_only_in_the_child.py", 2, cwd=root).ok
        after = (set(sys.modules), list(sys.path), dict(os.environ), Path.cwd())
        assert before in (None, after)
        before = after


def test_runs_from_threads_do_not_meet(make_project):
    roots = [make_project({f"test_{n}.py": f"def test_x(): assert {n}\n"}, at=f"p{n}") for n in range(3)]
    with ThreadPoolExecutor(3) as threads:
        runs = list(threads.map(lambda root: fastest.run_tests_parallel(".", 2, cwd=root), roots))
    assert [(run.results[0].node_id, run.exit_code) for run in runs] == [
        ("test_0.py::test_x", 1),
        ("test_1.py::test_x", 0),
        ("test_2.py::test_x", 0),
    ]


def test_a_timeout_keeps_what_was_done_and_leaves_nothing_behind(make_project, tmp_path):
    pid_file = tmp_path / "pid"
    root = make_project(
        {
            "test_a.py": f"""\
                import os, time

                def test_1():
                    pass

                def test_2():
                    with open({str(pid_file)!r}, "w") as file:
                        file.write(str(os.getpid()))
                    time.sleep(60)
                """
        }
    )
    tests = fastest.discover_tests(cwd=root)
    with pytest.raises(fastest.ChildTimeoutError) as caught:
        fastest.run_tests_parallel(tests, 1, cwd=root, timeout=3)
    done = {result.node_id: result.outcome for result in caught.value.results}
    assert done["test_a.py::test_1"] is Outcome.PASSED
    assert done["test_a.py::test_2"] is not Outcome.PASSED
    _wait_until_gone(int(pid_file.read_text()))


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_timeout_leaves_no_directory_of_a_test_that_cannot_be_interrupted(make_project, monkeypatch):
    # Short enough for a socket, so that the run's directory is in it.
    with tempfile.TemporaryDirectory(prefix="ft-", dir="/tmp") as temporary:
        monkeypatch.setenv("TMPDIR", temporary)
        monkeypatch.setattr(tempfile, "tempdir", None)
        stubborn = """\
            import time

            def test_1():
                while True:
                    try:
                        time.sleep(60)
                    except KeyboardInterrupt:
                        pass
            """
        root = make_project({"test_a.py": stubborn, "test_b.py": "def test_2(): pass\n"})
        with pytest.raises(fastest.ChildTimeoutError):
            fastest.run_tests_parallel(["test_a.py", "test_b.py"], 2, cwd=root, timeout=2)
        assert list(Path(temporary).glob("fastest-*")) == []


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_in_the_caller_ends_the_run(make_project, tmp_path):
    pid_file = tmp_path / "pid"
    root = make_project(
        {
            "test_a.py": f"""\
                import os, time

                def test_1():
                    with open({str(pid_file)!r} + "~", "w") as file:
                        file.write(str(os.getpid()))
                    os.rename({str(pid_file)!r} + "~", {str(pid_file)!r})
                    time.sleep(60)
                """
        }
    )
    caller = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
            "import fastest; fastest.run_tests_parallel('test_a.py', 1)",
        ],
        cwd=root,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        deadline = time.monotonic() + 30
        while not pid_file.exists():
            assert caller.poll() is None, caller.communicate()[1]
            assert time.monotonic() < deadline
            time.sleep(0.02)
        caller.send_signal(signal.SIGINT)
        _, stderr = caller.communicate(timeout=30)
    finally:
        caller.kill()
    assert "KeyboardInterrupt" in stderr
    _wait_until_gone(int(pid_file.read_text()))


def _wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.02)
    raise AssertionError(f"process {pid} is still there")
