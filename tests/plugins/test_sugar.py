"""pytest-sugar: its bar reaches 100 %, its lines tell who ran what."""

from __future__ import annotations

import re

import pytest
from processes.harness import METHODS, Suite

pytestmark = pytest.mark.parametrize("method", METHODS)

TESTS = """
    import pytest

    @pytest.mark.parametrize("number", range(5))
    def test_passes(number): pass

    def test_fails(): assert 1 == 2
    def test_is_skipped(): pytest.skip("no reason")

    @pytest.fixture
    def broken(): raise OSError

    def test_has_an_error(broken): pass
"""


def run(suite: Suite, *args: str) -> str:
    """What is printed, without colours and movements, every state of a line on a line of its own."""
    result = suite.run("--force-sugar", *args, plugins=("sugar",))
    return re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", result.stdout).replace("\r", "\n")


def percentages(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"(\d+)%", text)]


def summary(text: str) -> list[str]:
    """The last lines: how many tests passed, failed, …"""
    return sorted(re.findall(r"^ +(\d+ [a-z]+)$", text.split("Results (")[1], re.MULTILINE))


def test_the_bar_and_the_summary(suite: Suite, method: str) -> None:
    suite.write(test_a=TESTS, test_b=TESTS)
    plain = run(suite, "-p", "no:fastest")
    expected = [round(100 * count / 16) for count in range(1, 17)]
    assert percentages(plain) == expected
    text = run(suite, "-n", "2", "--start-method", method)
    assert percentages(text) == expected
    assert summary(text) == summary(plain) == ["10 passed", "2 error", "2 failed", "2 skipped"]
    assert text.count("assert 1 == 2") == plain.count("assert 1 == 2")


def test_each_line_names_its_worker(suite: Suite, method: str) -> None:
    suite.write(
        test_both="""
            from witness import meet

            def test_one(): meet(2)
            def test_two(): meet(2)
        """
    )
    text = run(suite, "-n", "2", "--start-method", method, "-v")
    assert sorted(re.findall(r"^\[(gw\d)\] PASSED test_both.py", text, re.MULTILINE)) == ["gw0", "gw1"]
    assert percentages(text) == [50, 100]


def test_deselected_tests_are_not_waited_for(suite: Suite, method: str) -> None:
    suite.write(test_a=TESTS)
    text = run(suite, "-n", "2", "--start-method", method, "-k", "passes")
    assert percentages(text) == [20, 40, 60, 80, 100]


@pytest.mark.parametrize("option", ["--capture=fd", "-s"])
def test_workers_print_nothing_of_it(suite: Suite, method: str, option: str) -> None:
    suite.write(test_a=TESTS)
    text = run(suite, "-n", "2", "--start-method", method, option)
    assert text.count("collected 8 items") <= 1
    assert text.count("Results (") == 1
    assert len(percentages(text)) == 8
