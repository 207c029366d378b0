"""pytest-cov: what was executed, in whichever process, is in one report."""

from __future__ import annotations

import json
from typing import Any

import pytest
from processes.harness import METHODS, Result, Suite

pytestmark = pytest.mark.parametrize("method", METHODS)

PLAIN = ("-p", "no:fastest")
COVER = ("--cov=lib", "--cov-branch", "--cov-report=json:report.json", "--cov-report=term")
LIB = """
    import sys

    def sign(number):
        if number > 0:
            return 1
        if number < 0:
            return -1
        return 0

    def loop(count):
        for number in range(count):
            if number == 3:
                break
        else:
            return "through"
        return "broken"

    def never():
        return 1
"""
# Two workers have to run tests before any test ends, if there are two: marks of an earlier run would count.
MEET = """
    import os, lib
    from witness import meet

    def meet_others():
        if "MEETING" in os.environ:
            meet(int(os.environ["MEETING"]))
"""
TESTS = f"""{MEET}
    def test_positive():
        meet_others()
        assert lib.sign(1) == 1

    def test_negative():
        meet_others()
        assert lib.sign(-1) == -1
"""
LOOPS = f"""{MEET}
    def test_broken():
        meet_others()
        assert lib.loop(5) == "broken"

    def test_through(): assert lib.loop(2) == "through"
"""
# A worker that comes late to where pytest-cov begins to measure, and erases what is there.
LATE = """
    import os, pathlib, time
    import pytest

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_load_initial_conftests():
        deadline = time.monotonic() + 1.5
        if os.environ.get("PYTEST_XDIST_WORKER") == "gw1":
            while time.monotonic() < deadline and not list(pathlib.Path().glob(".coverage.*")):
                time.sleep(0.01)
        return (yield)
"""


def run(suite: Suite, *args: str, workers: int = 2, method: str | None = None, **options: object) -> Result:
    """Runs with coverage, without workers if there is no method; only the data file may be left."""
    how = PLAIN if method is None else ("-n", str(workers), "--start-method", method)
    result = suite.run(*how, *COVER, *args, plugins=("cov",), **options)  # type: ignore[arg-type]
    assert sorted(path.name for path in suite.root.glob(".coverage*") if path.suffix != ".toml") == [".coverage"], (
        result.output
    )
    return result


def report(suite: Suite) -> dict[str, Any]:
    """What is said about lines, branches, contexts (in any order) and totals."""
    data = json.loads((suite.root / "report.json").read_text("utf-8"))
    lines = ("executed_lines", "missing_lines", "executed_branches", "missing_branches")
    found = {"totals": data["totals"]}
    for name, file in data["files"].items():
        contexts = {line: sorted(contexts) for line, contexts in file.get("contexts", {}).items()}
        found[name] = {"contexts": contexts} | {key: file[key] for key in lines}
        found[name]["functions"] = {key: value["executed_lines"] for key, value in file["functions"].items()}
    return found


def test_lines_branches_and_the_total(suite: Suite, method: str) -> None:
    suite.write(lib=LIB, test_signs=TESTS, test_loops=LOOPS)
    run(suite)
    plain = report(suite)
    assert 0 < plain["totals"]["percent_covered"] < 100
    result = run(suite, method=method, env={"MEETING": "2"})
    assert result.counts == {"passed": 4}
    assert report(suite) == plain
    assert f"TOTAL {plain['totals']['num_statements']} " in " ".join(result.stdout.split())


@pytest.mark.fastest_only("pytest-xdist would run the tests")
def test_the_same_with_pytest_xdist_installed(suite: Suite, method: str) -> None:
    suite.write(lib=LIB, test_signs=TESTS, test_loops=LOOPS)
    run(suite)
    plain = report(suite)
    arguments = ("-n", "2", "--start-method", method, *COVER)
    result = suite.run(*arguments, plugins=("cov", "xdist"), env={"MEETING": "2"})
    assert result.counts == {"passed": 4}, result.output
    assert result.workers == 2
    assert report(suite) == plain


def test_contexts(suite: Suite, method: str) -> None:
    suite.write(lib=LIB, test_signs=TESTS, test_loops=LOOPS)
    (suite.root / ".coveragerc.toml").write_text("[tool.coverage.json]\nshow_contexts = true\n", "utf-8")
    arguments = ("--cov-context=test", "--cov-config=.coveragerc.toml")
    run(suite, *arguments)
    plain = report(suite)
    assert "test_signs.py::test_positive|run" in str(plain)
    # One worker: what happens if there are more, and one comes late, is tested below.
    run(suite, *arguments, method=method, workers=1)
    assert report(suite) == plain


def test_data_is_appended(suite: Suite, method: str) -> None:
    suite.write(lib=LIB, test_signs=TESTS, test_loops=LOOPS)
    run(suite)
    plain = report(suite)
    run(suite, "test_signs.py", method=method, env={"MEETING": "2"})
    assert report(suite)["totals"] != plain["totals"]
    run(suite, "--cov-append", "test_loops.py", method=method, workers=1)
    assert report(suite) == plain


def test_subprocesses_of_tests(suite: Suite, method: str) -> None:
    suite.write(
        lib=LIB,
        test_subprocess="""
            import os, subprocess, sys
            import pytest
            from witness import meet

            # coverage starts itself by a .pth file, which does not work in a folder that is only on the path.
            CODE = "import coverage; coverage.process_startup(); import lib; lib.{}"

            @pytest.mark.parametrize("call", ["sign(1)", "sign(0)", "loop(9)"])
            def test_call(call):
                if "MEETING" in os.environ:
                    meet(int(os.environ["MEETING"]))
                subprocess.run([sys.executable, "-c", CODE.format(call)], check=True)
        """,
    )
    (suite.root / ".coveragerc.toml").write_text("[tool.coverage.run]\npatch = ['subprocess']\n", "utf-8")
    run(suite, "--cov-config=.coveragerc.toml")
    plain = report(suite)
    assert 0 < plain["totals"]["percent_covered"] < 100
    run(suite, "--cov-config=.coveragerc.toml", method=method, env={"MEETING": "2"})
    assert report(suite) == plain


def test_a_total_that_is_too_low(suite: Suite, method: str) -> None:
    suite.write(lib=LIB, test_signs=TESTS)
    result = run(suite, "--cov-fail-under=99", method=method)
    assert result.counts == {"passed": 2}
    assert result.returncode == 1
    assert "FAIL Required test coverage of 99% not reached" in result.stdout


@pytest.mark.differs_under_xdist("a replacement erases the data of other workers")
def test_a_crash_costs_the_data_of_its_worker_only(suite: Suite, method: str) -> None:
    suite.write(
        lib=LIB,
        test_crash="""
            import os, lib
            from witness import meet

            def test_crash(): meet(2); os._exit(3)
        """,
        test_signs="""
            import lib
            from witness import meet

            def test_sign(): meet(2); lib.sign(1)
        """,
    )
    result = run(suite, method=method)
    assert result.counts == {"failed": 1, "passed": 1}
    assert "The following workers failed to return coverage data" in result.stdout
    functions = report(suite)["lib.py"]["functions"]
    assert len(functions["sign"]) == 2
    assert functions["loop"] == []


def test_a_late_worker_erases_nothing(suite: Suite, method: str) -> None:
    suite.write(lib=LIB, test_signs=TESTS, test_loops=LOOPS, late=LATE)
    run(suite)
    plain = report(suite)
    result = run(suite, "-p", "late", method=method)
    assert result.counts == {"passed": 4}, result.output
    assert report(suite) == plain


@pytest.mark.differs_under_xdist("a replacement erases the data of other workers")
def test_a_replacement_erases_nothing(suite: Suite, method: str) -> None:
    suite.write(
        lib=LIB,
        test_both="""
            import os, pathlib, time
            import lib

            def wait_for(name):
                while not pathlib.Path(name).exists():
                    time.sleep(0.01)

            # With contexts, data is written after each test.
            class TestSurvivor:
                def test_sign(self): lib.sign(1)
                def test_wait(self): pathlib.Path("signed").touch(); wait_for("replaced")

            class TestCrash:
                def test_crash(self): wait_for("signed"); os._exit(3)
                def test_after(self): pathlib.Path("replaced").touch()
        """,
    )
    # Not the core of Python 3.14, which warns of contexts.
    result = run(suite, "--cov-context=test", method=method, env={"COVERAGE_CORE": "ctrace"})
    assert result.counts == {"failed": 1, "passed": 3}, result.output
    assert len(report(suite)["lib.py"]["functions"]["sign"]) == 2


@pytest.mark.parametrize(
    "argument", [pytest.param("-n0", marks=pytest.mark.fastest_only("no workers there")), "-nauto", "-n2", "-n2 -d"]
)
def test_however_workers_are_asked_for(suite: Suite, method: str, argument: str) -> None:
    suite.write(lib=LIB, test_signs=TESTS, test_loops=LOOPS)
    run(suite)
    plain = report(suite)
    # An automatic number may be one.
    meeting = {"MEETING": "2"} if "2" in argument else {}
    result = suite.run(*argument.split(), "--start-method", method, *COVER, plugins=("cov",), env=meeting)
    assert result.counts == {"passed": 4}, result.output
    assert all(report.worker for report in result.reports)
    assert report(suite) == plain


@pytest.mark.fastest_only("settings of Fastest")
@pytest.mark.parametrize("where", ["environment", "file"])
def test_workers_that_no_option_asks_for(suite: Suite, method: str, where: str) -> None:
    suite.write(lib=LIB, test_signs=TESTS, test_loops=LOOPS)
    run(suite)
    plain = report(suite)
    variables = {"MEETING": "2"}
    if where == "file":
        suite.write(ini="fastest_workers = 2")
    else:
        variables["FASTEST_WORKERS"] = "2"
    result = suite.run("--start-method", method, *COVER, plugins=("cov",), env=variables)
    assert result.returncode == 0, result.output
    assert result.counts == {"passed": 4}
    assert report(suite) == plain


@pytest.mark.parametrize(
    "argument",
    [
        pytest.param("-n=no", marks=pytest.mark.fastest_only("not a number there")),
        "-n2 --dist=no",
        "-n2 --setup-show",
        "-n2 --no-cov",
    ],
)
def test_runs_without_workers(suite: Suite, method: str, argument: str) -> None:
    suite.write(lib=LIB, test_signs=TESTS, test_loops=LOOPS)
    run(suite)
    plain = report(suite)
    result = suite.run(*argument.split(), "--start-method", method, *COVER, plugins=("cov",))
    assert result.counts["passed"] == 4, result.output
    if argument == "-n2 --no-cov":
        assert "Coverage disabled via --no-cov switch!" in result.stdout
    else:
        assert result.workers == 0
        assert report(suite) == plain
