"""What a run does where the system gives it little."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from processes.harness import METHODS, Suite

from faults.system import limited

if TYPE_CHECKING:
    from pathlib import Path

TESTS = "import pytest\n@pytest.mark.parametrize('number', range(100))\ndef test_it(number): pass"


@pytest.mark.parametrize("method", METHODS)
def test_few_open_files(suite: Suite, method: str) -> None:
    suite.write(test_a=TESTS)
    result = suite.run("-n", "60", "--start-method", method, command=limited("-n 48"))
    assert result.returncode == 0, result.output
    assert result.counts == {"passed": 100}
    assert result.header is not None
    assert "no more because of the limit of open files (ulimit -n)" in result.header
    assert 1 < result.workers < 40


@pytest.mark.parametrize("method", METHODS)
def test_few_open_files_for_output_that_is_shown(suite: Suite, method: str) -> None:
    """Each worker takes some more then."""
    suite.write(test_a=TESTS)
    result = suite.run("-n", "60", "-s", "--start-method", method, command=limited("-n 40"))
    assert result.returncode == 0, result.output
    assert result.counts == {"passed": 100}
    assert 1 < result.workers < 20


def test_hardly_any_open_files(suite: Suite) -> None:
    suite.write(test_a=TESTS)
    result = suite.run("-n", "4", command=limited("-n 24"))
    assert result.returncode == 0, result.output
    assert result.counts == {"passed": 100}


@pytest.mark.parametrize("method", METHODS)
def test_no_room_on_any_disk(suite: Suite, method: str) -> None:
    suite.write(test_a=TESTS)
    # In blocks of 512 bytes or 1 KiB.
    result = suite.run("-n", "2", "--start-method", method, command=limited("-f 100"))
    assert result.returncode == 4, result.output
    assert "no directory is usable for the run's socket" in result.stderr
    assert "let TMPDIR name a directory with room, or use -n no" in result.stderr
    assert "Traceback" not in result.output


def test_a_temporary_directory_that_can_t_be_used(
    suite: Suite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite.write(test_a=TESTS)
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setenv("TMPDIR", str(file))
    result = suite.run("-n", "2")
    assert result.returncode == 0, result.output
    assert result.counts == {"passed": 100}
