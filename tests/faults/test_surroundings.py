"""What a run takes for granted, and is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from processes.harness import METHODS, Suite

from faults.somebody import somebody
from faults.system import limited, mounted

if TYPE_CHECKING:
    from pathlib import Path

TESTS = """
    import pytest

    @pytest.mark.parametrize("number", range(20))
    def test_it(number, tmp_path):
        print("some words")
"""
# Allows the process what it has, and some more, but not as much as a thread's stack.
TIGHT = """
import mmap, resource
from pathlib import Path
import pytest_fastest.controller.launch
size = int(Path("/proc/self/statm").read_text().split()[0]) * mmap.PAGESIZE
resource.setrlimit(resource.RLIMIT_AS, (size + (3 << 19), resource.RLIM_INFINITY))
"""


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("place", ["/proc", "/dev/shm"])
def test_file_systems_that_are_not_there(suite: Suite, place: str, method: str) -> None:
    suite.write(test_a=TESTS, test_b=TESTS)
    command = mounted(f"-t tmpfs -o ro none {place}")
    for workers in ("2", "auto"):
        result = suite.run("-n", workers, "--start-method", method, "--hang-timeout", "20", command=command)
        assert result.returncode == 0, result.output
        assert result.counts == {"passed": 40}
        assert result.header is not None


@pytest.mark.parametrize("method", METHODS)
def test_a_temporary_directory_with_a_long_path(suite: Suite, tmp_path: Path, method: str) -> None:
    """Longer than that of a socket may be."""
    suite.write(test_a=TESTS)
    result = suite.run("-n", "2", "--start-method", method, tmpdir=tmp_path / ("x" * 120))
    assert result.returncode == 0, result.output
    assert result.counts == {"passed": 20}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("home", ["unset", "missing"])
def test_a_user_without_a_home_and_a_name(suite: Suite, home: str, method: str) -> None:
    suite.write(test_a=TESTS)
    environment = {"unset": ["-u", "HOME", "-u", "USER"], "missing": ["HOME=/dev/null/home"]}[home]
    with somebody(suite) as user:
        command = ["env", *environment, *user.command()]
        result = suite.run("-n", "2", "--start-method", method, command=command, tmpdir=user.temporary)
    assert result.returncode == 0, result.output
    assert result.counts == {"passed": 20}


@pytest.mark.parametrize("method", METHODS)
def test_a_small_stack(suite: Suite, method: str) -> None:
    suite.write(test_a=TESTS)
    result = suite.run("-n", "2", "--start-method", method, command=limited("-s 256"))
    assert result.returncode == 0, result.output
    assert result.counts == {"passed": 20}


@pytest.mark.parametrize("method", METHODS)
def test_no_memory_for_threads(suite: Suite, method: str) -> None:
    suite.write(test_a=TESTS)
    (suite.helpers / "tight.py").write_text(TIGHT, "utf-8")
    result = suite.run("-n", "2", "--start-method", method, "-p", "tight")
    assert result.returncode == 4, result.output
    assert "a thread can't be started: " in result.stderr
    assert "raise the limits of processes and memory (ulimit -u, ulimit -v), or use -n no" in result.stderr
    assert "Traceback" not in result.output
