"""When a run speaks to a CI system, and when it is as everywhere else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

import fastest

if TYPE_CHECKING:
    from processes.harness import Result, Suite

ON_GITHUB = {"GITHUB_ACTIONS": "true"}
ON_GITLAB = {"GITLAB_CI": "true"}


def speaks_to(result: Result) -> str | None:
    found = {"github": "\n::error " in result.stdout, "gitlab": "section_start:" in result.stdout}
    systems = [system for system, is_found in found.items() if is_found]
    assert len(systems) <= 1
    return systems[0] if systems else None


@pytest.mark.parametrize(
    ("args", "ini", "environment", "system"),
    [
        (("-n", "2"), "", {}, None),
        (("-n", "2"), "", {"CI": "true"}, None),
        (("-n", "2"), "", {"GITHUB_ACTIONS": "false"}, None),
        (("-n", "2"), "", ON_GITHUB, "github"),
        (("-n", "2"), "", ON_GITLAB, "gitlab"),
        (("-n", "2", "-q"), "", ON_GITHUB, "github"),
        (("-n", "2", "--ci=auto"), "fastest_ci = off", ON_GITHUB, "github"),
        (("-n", "2", "--ci=off"), "", ON_GITHUB, None),
        (("-n", "2"), "fastest_ci = off", ON_GITLAB, None),
        (("-n", "2"), "fastest_ci = gitlab", {}, "gitlab"),
        (("-n", "2", "--ci=github"), "fastest_ci = gitlab", {}, "github"),
        ((), "", ON_GITHUB, None),
        (("-n", "no"), "fastest_ci = auto", ON_GITHUB, None),
        (("-n", "no", "--ci=github"), "", {}, "github"),
        (("--ci=github"), "", {}, "github"),
    ],
)
def test_when(
    suite: Suite, args: tuple[str, ...] | str, ini: str, environment: dict[str, str], system: str | None
) -> None:
    suite.write(test_one="def test_one(): assert 1 == 2\ndef test_two(): pass", ini=ini)
    result = suite.run(*([args] if isinstance(args, str) else args), env=environment)
    assert result.returncode == 1
    assert result.counts == {"failed": 1, "passed": 1}
    assert speaks_to(result) == system


def test_a_value_that_is_not_allowed(suite: Suite) -> None:
    suite.write(test_one="def test_one(): pass", ini="fastest_ci = jenkins")
    result = suite.run("-n", "2")
    assert result.returncode == 4
    assert "the ini option fastest_ci: 'jenkins' is not allowed; allowed: auto, github, gitlab, off" in result.stderr
    # Nobody asked for anything.
    assert suite.run("-n", "2", "--ci=off").returncode == 0


def test_runs_inside_of_a_run_say_nothing(suite: Suite) -> None:
    suite.write(
        inner="def test_inner(): assert 'inner' == 'failure'\ndef test_other(): pass",
        test_outer="""
            import subprocess, sys

            def test_outer():
                command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-n", "2", "inner.py"]
                done = subprocess.run(command, capture_output=True, text=True)
                assert done.returncode == 1
                print(done.stdout, file=sys.__stdout__, flush=True)
        """,
    )
    environment = {**ON_GITHUB, "PYTEST_ADDOPTS": "--ci=github", "GITHUB_STEP_SUMMARY": str(suite.root / "summary")}
    for args in ((), ("-n", "2")):
        result = suite.run("-s", *args, env=environment)
        assert result.returncode == 0, result.output
        assert "FAILED inner.py::test_inner" in result.stdout
        assert speaks_to(result) is None
        text = (suite.root / "summary").read_text("utf-8")
        assert re.findall(r"### . pytest: (.*) in", text) == ["1 passed"]
        (suite.root / "summary").unlink()


def test_programs_that_run_tests_say_nothing(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    suite.write(test_one="def test_one(): assert 1 == 2\ndef test_two(): pass")
    summary = suite.root / "summary"
    for name, value in {**ON_GITHUB, "GITHUB_STEP_SUMMARY": str(summary)}.items():
        monkeypatch.setenv(name, value)
    run = fastest.run_tests_parallel(["test_one.py"], num_workers=2, cwd=suite.root)
    assert run.totals[fastest.Outcome.FAILED] == 1
    assert "::error" not in run.output
    assert not summary.exists()


@pytest.mark.parametrize("environment", [{}, ON_GITHUB, ON_GITLAB], ids=str)
def test_nothing_is_loaded_without_workers(suite: Suite, environment: dict[str, str]) -> None:
    suite.write(
        test_loaded="""
            import sys
            def test_loaded():
                assert not [name for name in sys.modules if name.startswith("pytest_fastest.ci.")]
                assert not {"pytest_fastest.alone", "pytest_fastest.retrace", "pytest_fastest._core"} & {*sys.modules}
        """
    )
    assert suite.run(env=environment).counts == {"passed": 1}


def test_nothing_is_loaded_elsewhere(suite: Suite) -> None:
    suite.write(
        conftest="""
            import sys
            def pytest_unconfigure(config):
                if not hasattr(config, "workerinput"):
                    print("LOADED", [name for name in sys.modules if name.startswith("pytest_fastest.ci")])
        """,
        test_one="def test_1(): pass\ndef test_2(): pass",
    )
    assert "LOADED []" in suite.run("-n", "2").stdout
