"""Subtests: a report for each, and a verdict on the test. pytest has them since 9.0, before by pytest-subtests."""

from __future__ import annotations

import importlib.util

import pytest
from processes.harness import METHODS, Result, Suite

OWN = importlib.util.find_spec("_pytest.subtests") is not None
# pytest does not load the plugin where it has subtests itself.
PLUGINS = () if OWN else ("subtests",)
pytestmark = pytest.mark.parametrize("method", METHODS)

PLAIN = ("-p", "no:fastest")
TESTS = """
    import unittest
    import pytest

    def test_some_fail(subtests):
        for number in range(4):
            with subtests.test(msg="a message", number=number):
                print(f"output {number}")
                assert number % 2 == 0

    def test_all_pass(subtests):
        for number in range(3):
            with subtests.test(number=number): pass

    def test_skipped_and_expected(subtests):
        with subtests.test("skipped"): pytest.skip("no reason")
        with subtests.test("expected"): pytest.xfail("a reason")

    def test_fails_itself(subtests):
        with subtests.test("inner"): assert 1 == 2
        assert 3 == 4

    class TestUnittest(unittest.TestCase):
        def test_case(self):
            for number in range(4):
                with self.subTest("in a case", number=number):
                    self.assertNotEqual(number, 3)
"""


def outcomes(result: Result) -> list[tuple[str, ...]]:
    # Plain pytest's own letters for subtests of a TestCase are captured as the output of the test.
    kept = [[section for section in report.sections if set(section[1]) - set("u,")] for report in result.reports]
    return sorted(
        (report.nodeid, report.when, report.outcome, str(sections))
        for report, sections in zip(result.reports, kept, strict=True)
    )


def failed(subtest: str) -> str:
    """How the line of the short summary for a failed subtest begins."""
    return f"SUBFAILED{subtest}" if OWN else f"{subtest} SUBFAIL"


def lines(result: Result, *beginnings: str) -> list[str]:
    said = (line for line in result.stdout.splitlines() if line.startswith(beginnings))
    return sorted(line for line in said if not line.startswith("[gw"))


@pytest.mark.differs_under_xdist("parameters of subtests are shown as texts")
def test_reports_and_counts_are_those_of_plain_pytest(suite: Suite, method: str) -> None:
    suite.write(test_a=TESTS, test_b=TESTS)
    plain = suite.run(*PLAIN, "-rA", plugins=PLUGINS)
    result = suite.run("-n", "2", "--start-method", method, "-rA", plugins=PLUGINS)
    assert result.returncode == plain.returncode == 1
    assert result.counts == plain.counts, result.output
    assert outcomes(result) == outcomes(plain)
    said = ("SUB", "[", "FAILED", "PASSED")
    assert lines(result, *said) == lines(plain, *said)
    beginning = failed("[a message] (number=1)")
    assert f"{beginning} test_a.py::test_some_fail - assert (1 % 2) == 0" in lines(result, *said)


@pytest.mark.differs_under_xdist("exit code 2")
def test_each_failed_subtest_counts_for_maxfail(suite: Suite, method: str) -> None:
    suite.write(test_a=TESTS)
    arguments = ("--maxfail=2", "-k", "some_fail or all_pass or itself")
    plain = suite.run(*PLAIN, *arguments, plugins=PLUGINS)
    result = suite.run("-n", "1", "--start-method", method, *arguments, plugins=PLUGINS)
    assert result.returncode == plain.returncode == 1
    assert result.counts == plain.counts


def test_a_crash_in_a_subtest(suite: Suite, method: str) -> None:
    suite.write(
        test_crash="""
            import os

            def test_crash(subtests):
                with subtests.test("first"): assert 1 == 2
                with subtests.test("second"): os._exit(3)

            def test_other(): pass
        """
    )
    result = suite.run("-n", "1", "--start-method", method, plugins=PLUGINS)
    assert result.counts == {"passed": 1, "failed": 2}, result.output
    assert f"{failed('[first]')} test_crash.py::test_crash" in result.stdout
    assert "crashed while running 'test_crash.py::test_crash'" in result.stdout
