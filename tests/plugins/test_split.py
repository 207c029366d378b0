"""pytest-split: a part of the tests, chosen by stored durations."""

from __future__ import annotations

import json

import pytest
from processes.harness import METHODS, Suite

pytestmark = pytest.mark.parametrize("method", METHODS)

PLAIN = ("-p", "no:fastest")
MODULE = """
    import pytest
    from witness import meet

    @pytest.mark.parametrize("number", range(6))
    def test_many(number): meet({workers})

    def test_skipped(): pytest.skip()
"""


def test_the_groups_are_those_of_one_process(suite: Suite, method: str) -> None:
    module = MODULE.format(workers=1)
    suite.write(test_a=module, test_b=module)
    durations = {f"test_{name}.py::test_many[{n}]": 10.0 * (n + 1) for name in "ab" for n in range(6)}
    (suite.root / ".test_durations").write_text(json.dumps(durations), "utf-8")
    seen = []
    for group in ("1", "2", "3"):
        args = ("--splits", "3", "--group", group, "--splitting-algorithm", "least_duration")
        plain = suite.run(*PLAIN, *args, plugins=("split",))
        result = suite.run("-n", "2", "--start-method", method, *args, plugins=("split",))
        assert result.nodeids("passed") == plain.nodeids("passed"), result.output
        seen += result.nodeids("passed")
    assert sorted(seen) == sorted(durations), "every test in one group"


@pytest.mark.differs_under_xdist("neither the group nor the number of other tests is printed")
def test_the_group_is_printed(suite: Suite, method: str) -> None:
    suite.write(test_a=MODULE.format(workers=1))
    args = ("--splits", "3", "--group", "2")
    plain = suite.run(*PLAIN, *args, plugins=("split",))
    result = suite.run("-n", "2", "--start-method", method, *args, plugins=("split",))
    assert result.counts == plain.counts
    assert result.counts["deselected"] > 0
    assert "[pytest-split] Running group 2/3" in result.stdout


def test_durations_are_stored_of_all_workers(suite: Suite, method: str) -> None:
    module = MODULE.format(workers=2)
    suite.write(test_a=module, test_b=module)
    (suite.root / ".test_durations").write_text(json.dumps({"test_old.py::test_old": 7.0}), "utf-8")
    result = suite.run("-n", "2", "--start-method", method, "--store-durations", plugins=("split",))
    assert result.counts == {"passed": 12, "skipped": 2}, result.output
    assert {report.worker for report in result.reports} == {"gw0", "gw1"}
    stored = json.loads((suite.root / ".test_durations").read_text("utf-8"))
    ran = {report.nodeid for report in result.reports}
    assert set(stored) == {*ran, "test_old.py::test_old"}
    assert stored["test_old.py::test_old"] == 7.0
    assert all(seconds > 0 for seconds in stored.values())
    cleaned = suite.run(
        "-n", "2", "--start-method", method, "--store-durations", "--clean-durations", plugins=("split",)
    )
    assert cleaned.returncode == 0
    assert set(json.loads((suite.root / ".test_durations").read_text("utf-8"))) == ran


def test_what_it_prints_is_printed_once(suite: Suite, method: str) -> None:
    suite.write(test_a=MODULE.format(workers=2), test_b=MODULE.format(workers=2))
    args = ("-n", "2", "--start-method", method, "--splits", "1", "--group", "1", "--store-durations")
    result = suite.run(*args, plugins=("split",))
    assert result.counts == {"passed": 12, "skipped": 2}, result.output
    for line in ("No test durations found", "Stored test durations"):
        assert result.output.count(f"[pytest-split] {line}") == 1, result.output
