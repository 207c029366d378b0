"""pytest-bdd: scenarios are tests, and the cucumber file of the controller has all of them."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import pytest
from processes.harness import METHODS, Suite

pytestmark = pytest.mark.parametrize("method", METHODS)

FEATURE = """\
Feature: {name}

    Background:
        Given an empty basket

    Scenario Outline: Counting
        When I add <count> apples
        Then there are <count> apples

        Examples:
            | count |
            | 1     |
            | 2     |
            | 3     |

    Scenario: Failing
        When I add 1 apples
        Then there are 2 apples

    Scenario: Not defined
        When I pay
"""
STEPS = """
    from pytest_bdd import given, parsers, then, when
    from witness import mark, meet

    @given("an empty basket", target_fixture="basket")
    def basket(): return []

    @when(parsers.parse("I add {count:d} apples"))
    def add(basket, count):
        basket += ["apple"] * count
        meet(int(__import__("os").environ.get("MEETING", 1)))

    @then(parsers.parse("there are {count:d} apples"))
    def check(basket, count): assert len(basket) == count

    def pytest_bdd_step_error(feature, scenario, step):
        mark(f"step error {feature.name}: {scenario.name}: {step.name}")

    def pytest_bdd_step_func_lookup_error(feature, scenario, step):
        mark(f"step not found {feature.name}: {scenario.name}: {step.name}")
"""
PLAIN = ("-p", "no:fastest")


@pytest.fixture
def features(suite: Suite) -> Suite:
    # The plugin uses what older versions of pytest warn of.
    suite.write(conftest=STEPS, ini="filterwarnings = ignore")
    for name in ("one", "two"):
        (suite.root / f"{name}.feature").write_text(FEATURE.format(name=name), "utf-8")
        suite.write(**{f"test_{name}": f"from pytest_bdd import scenarios\nscenarios('{name}.feature')"})
    return suite


def step_errors(suite: Suite) -> Counter[str]:
    return Counter(mark.name for mark in suite.marks("step "))


def test_scenarios_are_tests(features: Suite, method: str) -> None:
    plain = features.run(*PLAIN, plugins=("bdd",))
    assert plain.counts == {"passed": 6, "failed": 4}
    errors = step_errors(features)
    assert errors.total() == 4
    features.forget_marks()
    result = features.run("-n", "2", "--start-method", method, plugins=("bdd",), env={"MEETING": "2"})
    assert result.nodeids("passed") == plain.nodeids("passed")
    assert result.nodeids("failed") == plain.nodeids("failed")
    assert {report.worker for report in result.reports} == {"gw0", "gw1"}
    assert "StepDefinitionNotFoundError" in result.output
    assert step_errors(features) == errors


def cucumber(suite: Suite) -> list[tuple[Any, ...]]:
    """The file's scenarios with the outcomes of their steps; their order is that of the reports."""
    features = json.loads((suite.root / "cucumber.json").read_text("utf-8"))
    return sorted(
        (feature["name"], element["id"], [(step["name"], step["result"]["status"]) for step in element["steps"]])
        for feature in features
        for element in feature["elements"]
    )


@pytest.mark.xfail(
    strict=True, reason="pytest-bdd knows scenarios by report objects of the worker; so with pytest-xdist"
)
def test_the_file_of_scenarios(features: Suite, method: str) -> None:
    args = ("--cucumberjson", "cucumber.json")
    features.run(*PLAIN, *args, plugins=("bdd",))
    expected = cucumber(features)
    assert len(expected) == 10
    (features.root / "cucumber.json").unlink()
    features.run(*args, "-n", "2", "--start-method", method, plugins=("bdd",))
    assert cucumber(features) == expected


def test_its_reporter_shows_tests_instead_of_scenarios(features: Suite, method: str) -> None:
    result = features.run(*PLAIN, "--gherkin-terminal-reporter", "-v", plugins=("bdd",))
    assert result.counts == {"passed": 6, "failed": 4}
    assert "Scenario: Failing FAILED" in " ".join(result.output.split())
    args = ("--gherkin-terminal-reporter", "-v", "-n", "2", "--start-method", method)
    result = features.run(*args, plugins=("bdd",))
    assert result.counts == {"passed": 6, "failed": 4}, result.output
    assert re.search(r"^\[gw\d\] \[100%\] (PASSED|FAILED) test_", result.stdout, re.MULTILINE)
    assert "Scenario:" not in result.stdout
