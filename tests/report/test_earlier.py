"""`fastest report`: reports of runs that are over."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from report.page import Page

if TYPE_CHECKING:
    from pathlib import Path

    from processes.harness import Result, Suite

FASTEST = (sys.executable, "-m", "fastest")


def fastest(suite: Suite, *args: str) -> Result:
    with suite.running(*args, command=FASTEST) as running:
        return running.finish()


def kept(suite: Suite) -> list[Path]:
    return sorted((suite.root / ".pytest_cache/d/fastest/runs").glob("*"))


@pytest.fixture
def suite_with_runs(suite: Suite) -> Suite:
    """Two runs, of one test and of two."""
    suite.write(test_a="def test_a(): pass")
    suite.run("-n", "1", "--testrunuid", "first")
    suite.write(test_b="def test_b(): assert 0, 'for a reason'")
    suite.run("-n", "1", "--testrunuid", "second")
    return suite


def test_runs_are_listed(suite_with_runs: Suite) -> None:
    result = fastest(suite_with_runs, "report", "--list")
    assert result.returncode == 0
    lines = [line for line in result.stdout.splitlines() if "exit status" in line]
    assert [line.split()[0] for line in lines] == ["second", "first"]
    assert "2 tests" in lines[0]
    assert "1 test " in lines[1]
    assert lines[0].endswith("exit status 1")


@pytest.mark.parametrize("command", ["report", "timings"])
def test_help_is_help(suite_with_runs: Suite, command: str) -> None:
    for arguments in (["--help"], ["-h"], ["first", "--help"]):
        result = fastest(suite_with_runs, command, *arguments)
        assert result.returncode == 0
        assert result.stdout.startswith(f"usage: fastest {command} ")
    assert not (suite_with_runs.root / "fastest-report.html").exists()


def test_a_report_of_a_run(suite_with_runs: Suite) -> None:
    for run, tests in ((None, 2), ("f", 1), ("second", 2)):
        result = fastest(suite_with_runs, "report", *([] if run is None else [run]), "--fastest-report", "r.html")
        assert result.returncode == 0, result.output
        page = Page(suite_with_runs.root / "r.html")
        assert len(page.ran()) == tests
        assert [failure["nodeid"] for failure in page.data["failures"]] == ["test_b.py::test_b"][: tests - 1]
    assert len(kept(suite_with_runs)) == 2, "nothing was run"


def test_files_of_a_run(suite_with_runs: Suite) -> None:
    oldest = kept(suite_with_runs)[0]
    fastest(suite_with_runs, "report", str(oldest))
    assert len(Page(suite_with_runs.root / "fastest-report.html").ran()) == 1
    assert fastest(suite_with_runs, "report", "--trace-file", "t.json").returncode == 0
    assert (suite_with_runs.root / "t.json").exists()


def test_there_is_no_such_run(suite_with_runs: Suite) -> None:
    for run, message in (
        ("third", "there is no such run (those that are kept: second, first)"),
        ("", "there is no such run"),
        ("test_a.py", "does not hold the record of a run"),
    ):
        result = fastest(suite_with_runs, "report", run)
        assert result.returncode == 4
        assert message in result.stderr


def test_no_run_is_kept_yet(suite: Suite) -> None:
    assert "no runs are kept" in fastest(suite, "report", "--list").stdout
    result = fastest(suite, "report")
    assert result.returncode == 4
    assert "none is kept" in result.stderr


@pytest.mark.parametrize("options", [("-n", "1", "-p", "no:cacheprovider"), ("-n", "no"), ()])
def test_runs_that_are_not_kept(suite: Suite, options: tuple[str, ...]) -> None:
    suite.write(test_a="def test_a(): pass")
    assert suite.run(*options).returncode == 0
    assert kept(suite) == []


def test_a_cache_that_can_not_be_written(suite: Suite) -> None:
    suite.write(test_a="def test_a(): pass")
    folder = suite.root / ".pytest_cache/d/fastest"
    folder.mkdir(parents=True)
    (folder / "runs").touch()
    plain = suite.run("-n", "1")
    assert plain.returncode == 0
    assert "kept" not in plain.output
    wanted = suite.run("-n", "1", "--fastest-report", "r.html")
    assert "the record of the run can't be kept" in wanted.stdout
    assert len(Page(suite.root / "r.html").ran()) == 1
