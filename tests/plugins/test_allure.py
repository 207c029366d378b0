"""allure-pytest: one result for each test, whoever ran it, and none is deleted when the folder is cleaned."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from typing import Any

import pytest
from processes.harness import METHODS, Suite

MODULE = """
    import os, allure, pytest
    from witness import meet

    @pytest.fixture(scope="module")
    def module_fixture():
        yield

    @allure.feature("numbers")
    @pytest.mark.parametrize("number", range(4))
    def test_many(module_fixture, number):
        with allure.step("a step"):
            allure.attach(f"text {number}", name="the text", attachment_type=allure.attachment_type.TEXT)
        meet(int(os.environ.get("MEETING", 1)))

    def test_fails():
        assert 0, "on purpose"

    def test_skipped(): pytest.skip("not now")
"""
PLAIN = ("-p", "no:fastest")


@pytest.fixture
def modules(suite: Suite) -> Suite:
    suite.write(test_a=MODULE, test_b=MODULE)
    return suite


def results(suite: Suite, kind: str = "result") -> list[dict[str, Any]]:
    return [json.loads(file.read_text("utf-8")) for file in (suite.root / "report").glob(f"*-{kind}.json")]


def attachments(suite: Suite) -> list[str]:
    return sorted(file.read_text("utf-8") for file in (suite.root / "report").glob("*-attachment.txt"))


def described(result: dict[str, Any]) -> tuple[object, ...]:
    """What a result says, without times, and without the names of files and processes."""
    labels = {label["name"]: label["value"] for label in result["labels"] if label["name"] not in ("thread", "host")}
    steps = [(step["name"], step["status"], len(step.get("attachments", ()))) for step in result.get("steps", ())]
    message = result.get("statusDetails", {}).get("message")
    return result["fullName"], result["name"], result["status"], message, str(sorted(labels.items())), str(steps)


def threads(suite: Suite) -> set[str]:
    """Which lanes the results have in allure's timeline."""
    return {label["value"] for result in results(suite) for label in result["labels"] if label["name"] == "thread"}


@pytest.mark.parametrize("method", METHODS)
def test_the_results_are_those_of_one_process(modules: Suite, method: str) -> None:
    plain = modules.run(*PLAIN, "--alluredir", "report", plugins=("allure",))
    assert plain.counts == {"passed": 8, "failed": 2, "skipped": 2}
    expected = Counter(map(described, results(modules)))
    assert len(expected) == 12
    texts = attachments(modules)
    assert len(texts) == 8
    shutil.rmtree(modules.root / "report")
    modules.forget_marks()
    args = ("--alluredir", "report", "-n", "2", "--start-method", method)
    result = modules.run(*args, plugins=("allure",), env={"MEETING": "2"})
    assert result.counts == plain.counts, result.output
    assert {report.worker for report in result.reports} == {"gw0", "gw1"}
    assert Counter(map(described, results(modules))) == expected
    assert attachments(modules) == texts


@pytest.mark.parametrize("method", METHODS)
def test_those_of_the_run_before_are_deleted(modules: Suite, method: str) -> None:
    args = ("--alluredir", "report", "-n", "1", "--start-method", method)
    for _ in range(2):
        modules.run(*args, "--clean-alluredir", plugins=("allure",))
        assert len(results(modules)) == 12
    modules.run(*args, plugins=("allure",))
    assert len(results(modules)) == 24


@pytest.mark.parametrize("method", METHODS)
def test_fixtures_belong_to_their_tests(modules: Suite, method: str) -> None:
    args = ("--alluredir", "report", "-n", "2", "--start-method", method)
    modules.run(*args, plugins=("allure",), env={"MEETING": "2"})
    wanted = {result["uuid"] for result in results(modules) if "test_many" in result["name"]}
    children = [
        child
        for container in results(modules, "container")
        if any("module_fixture" in fixture["name"] for fixture in container.get("befores", ()))
        for child in container["children"]
    ]
    assert wanted
    assert set(children) == wanted


@pytest.mark.parametrize("method", METHODS)
def test_workers_have_lanes_of_their_own(modules: Suite, method: str) -> None:
    args = ("--alluredir", "report", "-n", "2", "--start-method", method)
    modules.run(*args, plugins=("allure",), env={"MEETING": "2"})
    assert len(threads(modules)) == 2


LATE = """
    import time
    import pytest

    # Before allure's own, which cleans the folder.
    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(config):
        if getattr(config, "workerinput", {}).get("workerid") == "gw3":
            # Long enough for others to run tests, if anybody lets them.
            time.sleep(1)
"""


@pytest.mark.parametrize("method", METHODS)
def test_a_late_worker_deletes_nothing(suite: Suite, method: str) -> None:
    many = MODULE.replace("range(4)", "range(20)")
    suite.write(conftest=LATE, test_a=many, test_b=many)
    args = ("--alluredir", "report", "--clean-alluredir", "-n", "4", "--start-method", method)
    result = suite.run(*args, plugins=("allure",))
    assert result.counts == {"passed": 40, "failed": 2, "skipped": 2}, result.output
    assert len(results(suite)) == 44
    assert set(Counter(map(described, results(suite))).values()) == {1}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.differs_under_xdist("a replacement deletes the results of other workers")
def test_a_replacement_deletes_nothing(suite: Suite, method: str) -> None:
    suite.write(test_a=MODULE + "\n    def test_crash(): os._exit(3)\n    def test_last(): pass\n")
    args = ("--alluredir", "report", "--clean-alluredir", "-n", "1", "--start-method", method)
    result = suite.run(*args, plugins=("allure",))
    assert result.counts == {"passed": 5, "failed": 2, "skipped": 1}, result.output
    names = Counter(found["fullName"].split("#")[1] for found in results(suite))
    assert names == {"test_many": 4, "test_fails": 1, "test_skipped": 1, "test_last": 1}
