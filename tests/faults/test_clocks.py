"""Clocks that jump, or that a test has replaced: nothing hangs, and no time is recorded that has not passed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from processes.harness import METHODS, Suite

from pytest_fastest import _core

if TYPE_CHECKING:
    from pathlib import Path

# What tools do that freeze the time, in tests that forget to end it.
TESTS = """
    import time
    import pytest

    CLOCKS = ("time", "monotonic", "perf_counter")
    REAL = {name: getattr(time, name) for name in CLOCKS}

    def jump(seconds):
        for name in CLOCKS:
            setattr(time, name, lambda real=REAL[name]: real() + seconds)

    @pytest.fixture(scope="session")
    def wide():
        jump(3 * 3600)

    def test_before(): pass
    def test_forth(): jump(3600)
    def test_between(): pass
    def test_back(): jump(-7200)
    def test_after(): time.sleep(0.01)
    def test_fixture(wide): pass
"""


@pytest.mark.parametrize("method", METHODS)
def test_jumps(suite: Suite, tmp_path: Path, method: str) -> None:
    suite.write(test_a=TESTS, test_b=TESTS)
    timings = tmp_path / "timings"
    arguments = ["-n", "2", "--start-method", method, "--hang-timeout", "30", "--timings", str(timings)]
    for _ in range(2):
        result = suite.run(*arguments)
        assert result.returncode == 0, result.output
        assert result.counts == {"passed": 12}
    known = _core.Timings(timings)
    seconds = [run for _, _, last in known.tests() for run in last] + [each for _, each in known.fixtures()]
    assert len(seconds) >= 2 * 12
    assert all(0 <= each < 20 for each in seconds), seconds


def test_a_clock_that_was_never_set(suite: Suite, tmp_path: Path) -> None:
    """The day of a run is written down with its timings."""
    suite.write(test_a="def test_it(): pass", conftest="import time\ntime.time = lambda: -5.0")
    timings = tmp_path / "timings"
    result = suite.run("-n", "1", "--timings", str(timings))
    assert result.returncode == 0, result.output
    assert result.counts == {"passed": 1}
    assert len(_core.Timings(timings).tests()) == 1
