"""pytest-benchmark: not measured beside other tests, which it says itself; the functions still run."""

from __future__ import annotations

import json

import pytest
from processes.harness import METHODS, Suite

pytestmark = pytest.mark.parametrize("method", METHODS)

DISABLED = "Benchmarks are automatically disabled because xdist plugin is active."
TESTS = """
    from witness import mark

    def test_benchmark(benchmark):
        assert benchmark(sum, [1, 2]) == 3

    def test_counts(benchmark):
        benchmark.pedantic(mark, args=("called",), rounds=5, iterations=1)

    def test_other(): pass
"""


@pytest.mark.parametrize("workers", ["1", "2"])
def test_disabled_with_workers(suite: Suite, method: str, workers: str) -> None:
    suite.write(test_benchmark=TESTS)
    result = suite.run("-n", workers, "--start-method", method, plugins=("benchmark",))
    assert result.counts == {"passed": 3}
    # The plugin's warning, once.
    assert result.output.count(DISABLED) == 1
    assert "benchmark: 2 tests" not in result.stdout
    assert len(suite.marks("called")) == 1


def test_a_warning_that_is_an_error_fails_nothing(suite: Suite, method: str) -> None:
    """The plugin warns when a worker is unconfigured, which is too late for any test."""
    suite.write(ini="filterwarnings = error", test_benchmark=TESTS)
    result = suite.run("-n", "2", "--start-method", method, plugins=("benchmark",))
    assert result.counts == {"passed": 3}
    assert result.returncode == 0, result.output


def test_nothing_to_disable(suite: Suite, method: str) -> None:
    suite.write(test_other="def test_other(): pass")
    result = suite.run("-n", "1", "--start-method", method, plugins=("benchmark",))
    assert result.counts == {"passed": 1}
    assert DISABLED not in result.output


@pytest.mark.fastest_only("-n no is not a number there")
def test_measured_without_workers(suite: Suite, method: str) -> None:
    suite.write(test_benchmark=TESTS)
    arguments = ("-n", "no", "--start-method", method, "--benchmark-json=report.json", "--benchmark-max-time=0.01")
    result = suite.run(*arguments, plugins=("benchmark",))
    assert result.counts == {"passed": 3}
    assert DISABLED not in result.output
    measured = json.loads((suite.root / "report.json").read_text("utf-8"))["benchmarks"]
    assert [benchmark["name"] for benchmark in measured] == ["test_benchmark", "test_counts"]
    assert len(suite.marks("called")) >= 5


def test_only_benchmarks_is_refused(suite: Suite, method: str) -> None:
    suite.write(test_benchmark=TESTS)
    result = suite.run("-n", "2", "--start-method", method, "--benchmark-only", plugins=("benchmark",))
    assert result.returncode == 4
    assert "Can't have both --benchmark-only and --benchmark-disable options" in result.output
    assert suite.marks() == []


def test_skipped(suite: Suite, method: str) -> None:
    suite.write(test_benchmark=TESTS)
    result = suite.run("-n", "2", "--start-method", method, "--benchmark-skip", plugins=("benchmark",))
    assert result.counts == {"passed": 1, "skipped": 2}
