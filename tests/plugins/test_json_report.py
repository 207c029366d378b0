"""pytest-json-report: one file with all tests, whoever ran them."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from processes.harness import METHODS, Suite

pytestmark = pytest.mark.parametrize("method", METHODS)

PLAIN = ("-p", "no:fastest")
TESTS = """
    import logging, warnings
    import pytest

    @pytest.mark.parametrize("number", range(4))
    def test_passes(number, json_metadata):
        print(f"output {number}")
        logging.getLogger().warning("record %s", number)
        json_metadata["number"] = number

    def test_fails(): assert 1 == 2
    def test_is_skipped(): pytest.skip("no reason")
    def test_warns(): warnings.warn("a warning")

    @pytest.fixture
    def broken(): raise OSError

    def test_has_an_error(broken): pass
"""


def run(suite: Suite, *args: str) -> dict[str, Any]:
    arguments = ("--json-report", "--json-report-file=report.json")
    suite.run(*args, *arguments, plugins=("json_report",))
    return json.loads((suite.root / "report.json").read_text("utf-8"))


def details(data: dict[str, Any]) -> dict[str, Any]:
    """What is said about each test, but for what differs between two runs of plain pytest."""
    found = {}
    for test in data["tests"]:
        for phase in ("setup", "call", "teardown"):
            if phase in test:
                del test[phase]["duration"]
                # pytest puts a line about the worker above every text, and makes one where there was none.
                text = re.sub(r"^\[gw\d+\] .*\n?\n?", "", test[phase].pop("longrepr", "")).strip()
                test[phase]["text"] = text
                for record in test[phase].get("log", ()):
                    for key in ("created", "msecs", "relativeCreated", "thread", "process"):
                        del record[key]
        found[test["nodeid"]] = test
    assert len(found) == len(data["tests"])
    return found


def test_what_is_said_is_what_plain_pytest_says(suite: Suite, method: str) -> None:
    suite.write(test_a=TESTS, test_b=TESTS)
    plain = run(suite, *PLAIN)
    assert plain["summary"] == {"passed": 10, "failed": 2, "skipped": 2, "error": 2, "total": 16, "collected": 16}
    data = run(suite, "-n", "2", "--start-method", method)
    assert data["summary"] == plain["summary"]
    assert data["exitcode"] == plain["exitcode"] == 1
    assert data["root"] == plain["root"]
    assert sorted(warning["message"] for warning in data["warnings"]) == ["a warning"] * 2
    assert details(data) == details(plain)


def test_hooks_of_a_conftest(suite: Suite, method: str) -> None:
    suite.write(
        conftest="""
            def pytest_json_runtest_metadata(item, call):
                return {f"{call.when} by hook": item.name}

            def pytest_json_modifyreport(json_report):
                json_report["modified"] = len(json_report["tests"])
        """,
        test_one="def test_one(): pass\ndef test_two(): pass",
    )
    data = run(suite, "-n", "2", "--start-method", method)
    assert data["modified"] == 2
    found = details(data)["test_one.py::test_two"]["metadata"]
    assert found == {f"{when} by hook": "test_two" for when in ("setup", "call", "teardown")}


@pytest.mark.differs_under_xdist("a crashed test has no text")
def test_a_crash(suite: Suite, method: str) -> None:
    suite.write(test_crash="import os\ndef test_crash(): os._exit(3)\ndef test_other(): pass")
    data = run(suite, "-n", "1", "--start-method", method)
    assert data["summary"] == {"passed": 1, "failed": 1, "total": 2, "collected": 2}
    assert "crashed while running 'test_crash.py::test_crash'" in str(
        details(data)["test_crash.py::test_crash"]["call"]["text"]
    )
