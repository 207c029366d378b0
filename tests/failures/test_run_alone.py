"""The commands that run a failed test alone, and the section that shows them."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from processes.harness import Result, Suite

TITLE = "fastest: run a failed test alone"
# Runs a command on a terminal of its own.
ON_A_TERMINAL = [
    sys.executable,
    "-c",
    "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))",
    sys.executable,
    "-m",
    "pytest",
]
# Without the plugin that the harness adds, which is not there when the command runs.
PYTEST = [sys.executable, "-m", "pytest"]
ODD = """
    import pytest

    @pytest.mark.parametrize("text", ["a b", "it's", '"quoted"', "$HOME", "ü", "x::y", "back\\\\slash", "`ls`"])
    def test_odd(text): assert not text

    class TestInside:
        def test_method(self): assert 1 == 2
"""


def commands(result: Result) -> dict[str, str]:
    """By command, the worker that it is shown for."""
    lines = [line.rstrip("\r") for line in result.stdout.splitlines()]
    begin = next(number for number, line in enumerate(lines) if TITLE in line)
    shown = {}
    for line in lines[begin + 1 :]:
        worker, _, command = line.partition("  ")
        if not worker.startswith("gw"):
            break
        shown[command] = worker
    return shown


def run_in(directory: str | os.PathLike[str], command: str) -> subprocess.CompletedProcess[str]:
    """Runs a command as a user would, in a shell; `python` is this one."""
    environment = {**os.environ, "PATH": f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}"}  # noqa: PTH120
    return subprocess.run(
        command, shell=True, cwd=directory, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


def test_on_a_terminal(suite: Suite) -> None:
    suite.write(test_one="def test_1(): assert 1 == 2\ndef test_2(): pass")
    result = suite.run("-n", "2", command=ON_A_TERMINAL)
    assert result.returncode == 1
    (command,) = commands(result)
    assert command.endswith(" -m pytest -n no test_one.py::test_1")
    alone = run_in(suite.root, command)
    assert "1 failed in" in alone.stdout


@pytest.mark.parametrize(
    ("args", "command"),
    [
        pytest.param(("-n", "2"), None, id="not a terminal"),
        pytest.param(("-n", "2", "-q"), ON_A_TERMINAL, id="quiet"),
        pytest.param(("-n", "2", "--no-summary"), ON_A_TERMINAL, id="no summary"),
        pytest.param(("-n", "no"), ON_A_TERMINAL, id="no workers"),
        pytest.param(("-n", "2", "-k", "passes"), ON_A_TERMINAL, id="no failure"),
    ],
)
def test_nothing_is_shown(suite: Suite, args: tuple[str, ...], command: list[str] | None) -> None:
    suite.write(test_one="def test_fails(): assert 1 == 2\ndef test_passes(): pass")
    assert TITLE not in suite.run(*args, command=command).stdout


def test_odd_names_survive_the_shell(suite: Suite) -> None:
    suite.write(test_odd=ODD)
    # The section is for people: on a terminal, or where a CI system shows the log.
    result = suite.run("-n", "2", "--ci=gitlab", command=PYTEST)
    assert result.counts == {"failed": 9}
    shown = commands(result)
    assert len(shown) == 5
    assert "… and 4 more" in result.stdout
    assert set(shown.values()) <= {"gw0", "gw1"}
    # As many as are shown, one after the other in one shell.
    alone = run_in(suite.root, "\n".join(shown))
    assert alone.stdout.count("1 failed in") == 5, alone.stdout


def test_options_without_which_it_is_another_test(suite: Suite) -> None:
    suite.write(
        ini="addopts = -m 'not slow'\nmarkers =\n    slow",
        test_slow="import pytest\n@pytest.mark.slow\ndef test_slow(request): assert request.config.getini('log_level')",
        helper="",
    )
    args = ("-n", "2", "-m", "slow", "-phelper", "-o", "log_level=", "--rootdir=.", "-ra", "--maxfail=3")
    result = suite.run(*args, "--ci=gitlab", env={"PYTHONPATH": str(suite.root)}, command=PYTEST)
    (command,) = commands(result)
    assert command.endswith(" -m pytest -m slow -phelper -o log_level= --rootdir=. -n no test_slow.py::test_slow"), (
        command
    )


def test_started_below_the_root(suite: Suite) -> None:
    below = suite.root / "below"
    below.mkdir()
    suite.write(test_above="def test_above(): assert 1 == 2")
    (below / "test_here.py").write_text("def test_here(): assert 1 == 2")
    inner = [sys.executable, "-c", "import os, sys; os.chdir('below'); os.execv(sys.argv[1], sys.argv[1:])"]
    result = suite.run(
        *("-n", "2", "--ci=gitlab", ".."),
        command=[*inner, *PYTEST],
    )
    found = {shlex.split(command)[-1] for command in commands(result)}
    assert found == {"../test_above.py::test_above", "test_here.py::test_here"}
    alone = run_in(below, "\n".join(commands(result)))
    assert alone.stdout.count("1 failed in") == 2, alone.stdout


def test_a_package_outside_of_the_root(suite: Suite) -> None:
    package = suite.helpers / "somewhere"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "test_in.py").write_text("def test_in(): assert 1 == 2")
    result = suite.run("-n", "2", "--ci=gitlab", "--pyargs", "somewhere", command=PYTEST)
    (command,) = commands(result)
    assert "1 failed in" in run_in(suite.root, command).stdout
