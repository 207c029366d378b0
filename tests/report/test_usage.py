"""Files that can't be written: exit status 4 before anything runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from processes.harness import Suite


@pytest.fixture
def passing(suite: Suite) -> Suite:
    suite.write(test_a="from witness import mark\nmark('imported')\ndef test_a(): pass")
    (suite.root / "folder.html").mkdir()
    (suite.root / "folder.json").mkdir()
    return suite


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--fastest-report", "folder.html"], "is a directory"),
        (["--trace-file", "folder.json"], "is a directory"),
        (["--fastest-report", "test_a.py/report.html"], "test_a.py is not a directory"),
        (["--fastest-report", "/proc/nothing/report.html"], "nothing can be written in /proc"),
        (["--fastest-report", "report.json"], "must end with .html or .htm; did you mean --trace-file?"),
        (["--trace-file", "trace.html"], "must end with .json; did you mean --fastest-report?"),
        (["--trace-file", "test_a.py"], "must end with .json"),
        (["--fastest-report="], "names no file"),
        (["--fastest-report", "r.html", "-p", "no:terminal"], "needs pytest's terminal plugin"),
    ],
)
def test_a_file_that_can_not_be_written(passing: Suite, arguments: list[str], message: str) -> None:
    result = passing.run("-n", "1", *arguments)
    assert result.returncode == 4
    assert message in result.stderr
    assert passing.marks() == []


def test_without_workers_it_is_the_same(passing: Suite) -> None:
    result = passing.run("--trace-file", "folder.json")
    assert result.returncode == 4
    assert "is a directory" in result.stderr


def test_a_folder_that_is_gone_at_the_end_is_told(suite: Suite) -> None:
    suite.write(
        test_a="""
            import pathlib, shutil
            def test_a():
                shutil.rmtree("out")
                pathlib.Path("out").touch()
        """
    )
    (suite.root / "out").mkdir()
    result = suite.run("-n", "1", "--fastest-report", "out/r.html")
    assert result.returncode == 0
    assert f"report {suite.root / 'out' / 'r.html'} can't be written" in result.stdout
