"""pytest-randomly: one seed for the whole run, the order that it stands for, the numbers that it gives."""

from __future__ import annotations

import re
from collections import defaultdict

import pytest
from processes.harness import METHODS, Result, Suite

pytestmark = pytest.mark.parametrize("method", METHODS)

PLAIN = ("-p", "no:fastest")
# What each test draws, under which seed.
DRAWS = """
    import random
    import pytest
    from witness import mark

    @pytest.mark.parametrize("number", range(8))
    def test_draw(number, request):
        seed = request.config.getoption("randomly_seed", None)
        mark(f"{request.node.nodeid} {seed} {random.random()}")
"""


def run(
    suite: Suite, *args: str, plugins: tuple[str, ...] = ("randomly",)
) -> tuple[Result, dict[str, list[tuple[str, str, str]]]]:
    """Runs, and returns what each module's tests have drawn, in the order in which they ran."""
    before = len(suite.marks())
    result = suite.run(*args, plugins=plugins)
    assert result.returncode == 0, result.output
    drawn = defaultdict(list)
    for mark in suite.marks()[before:]:
        nodeid, seed, number = mark.name.split(" ")
        drawn[nodeid.split("::")[0]].append((nodeid, seed, number))
    return result, drawn


def seed_in_header(result: Result) -> str:
    (seed,) = re.findall(r"^Using --randomly-seed=(\d+)$", result.stdout, re.MULTILINE)
    return seed


@pytest.mark.parametrize("plugins", [("randomly",), ("randomly", "xdist")], ids=["alone", "with xdist"])
def test_one_seed_that_is_in_the_header(suite: Suite, method: str, plugins: tuple[str, ...]) -> None:
    suite.write(test_a=DRAWS, test_b=DRAWS)
    result, drawn = run(suite, "-n", "2", "--start-method", method, plugins=plugins)
    assert result.counts == {"passed": 16}
    assert {seed for draws in drawn.values() for _, seed, _ in draws} == {seed_in_header(result)}


def test_numbers_and_order_are_those_of_plain_pytest(suite: Suite, method: str) -> None:
    suite.write(test_a=DRAWS, test_b=DRAWS, test_c=DRAWS)
    result, plain = run(suite, *PLAIN, "--randomly-seed=7")
    # Modules are not split, so each has one order.
    result, drawn = run(suite, "-n", "2", "--start-method", method, "--dist=loadfile", "--randomly-seed=7")
    assert result.counts == {"passed": 24}
    assert seed_in_header(result) == "7"
    assert drawn == plain
    _, other = run(suite, "-n", "2", "--start-method", method, "--dist=loadfile", "--randomly-seed=8")
    assert other["test_a.py"] != plain["test_a.py"]


def test_the_last_seed_again(suite: Suite, method: str) -> None:
    suite.write(test_a=DRAWS)
    arguments = ("-n", "2", "--start-method", method, "--dist=loadfile")
    first, drawn = run(suite, *arguments)
    second, again = run(suite, *arguments, "--randomly-seed=last")
    assert seed_in_header(second) == seed_in_header(first)
    assert again == drawn
    _, plain = run(suite, *PLAIN, "--randomly-seed=last")
    assert plain == drawn


def test_order_without_seeds_and_seeds_without_order(suite: Suite, method: str) -> None:
    suite.write(test_a=DRAWS)
    arguments = ("--randomly-seed=7", "--randomly-dont-reorganize")
    _, plain = run(suite, *PLAIN, *arguments)
    assert [nodeid for nodeid, _, _ in plain["test_a.py"]] == [f"test_a.py::test_draw[{n}]" for n in range(8)]
    _, drawn = run(suite, "-n", "2", "--start-method", method, "--dist=loadfile", *arguments)
    assert drawn == plain


def test_a_replacement_has_the_seed(suite: Suite, method: str) -> None:
    # One worker keeps the order: its replacement runs the other module.
    crash = """
        import os, pytest

        @pytest.mark.parametrize("number", range(20))
        def test_crash(number):
            if number == 5: os._exit(3)
    """
    suite.write(test_a=DRAWS, test_0=crash)
    seeded = ("--randomly-seed=7", "--randomly-dont-reorganize")
    _, plain = run(suite, *PLAIN, *seeded, "test_a.py")
    arguments = ("-n", "1", "--start-method", method, *seeded)
    result = suite.run(*arguments, plugins=("randomly",))
    assert result.counts == {"passed": 27, "failed": 1}
    by_replacement = [tuple(mark.name.split(" ")) for mark in suite.marks() if mark.worker == "gw1"]
    assert by_replacement == plain["test_a.py"]


def test_switched_off(suite: Suite, method: str) -> None:
    suite.write(test_a=DRAWS)
    result, drawn = run(suite, "-n", "1", "--start-method", method, "-p", "no:randomly")
    assert "randomly" not in result.stdout
    assert [nodeid for nodeid, _, _ in drawn["test_a.py"]] == [f"test_a.py::test_draw[{n}]" for n in range(8)]
