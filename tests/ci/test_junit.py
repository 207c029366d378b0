"""Properties in the junit file, where a CI system shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest

if TYPE_CHECKING:
    from processes.harness import Suite

FLAKY = """
    import os, pathlib

    def attempt(name):
        path = pathlib.Path(f"{name}.{os.environ['ROUND']}")
        is_first = not path.exists()
        path.touch()
        return is_first

    def test_flaky(record_property):
        record_property("mine", "kept")
        assert not attempt("flaky")
    def test_steady(): pass
    def test_fails(): assert 1 == 2
"""


def properties(suite: Suite) -> dict[str, list[dict[str, str]]]:
    """By the name of a test, the properties of each of its entries: there is one for each time that it has run."""
    found: dict[str, list[dict[str, str]]] = {}
    for case in ElementTree.parse(suite.root / "junit.xml").getroot().iter("testcase"):
        entry = {one.attrib["name"]: one.attrib["value"] for one in case.findall("properties/property")}
        found.setdefault(case.attrib["name"], []).append(entry)
    return found


def run(suite: Suite, *args: str, number: int = 0) -> None:
    more = ("--junitxml=junit.xml", "--reruns=1", "-o", "junit_family=xunit1")
    result = suite.run(*args, *more, plugins=("rerunfailures",), env={"ROUND": str(number), "GITHUB_ACTIONS": "true"})
    assert result.counts == {"passed": 2, "failed": 1, "rerun": 2}, result.output


def test_workers_and_flaky_tests(suite: Suite) -> None:
    suite.write(test_flaky=FLAKY)
    run(suite, "-n", "2")
    found = properties(suite)
    workers = {entry.pop("worker") for entries in found.values() for entry in entries}
    assert workers <= {"gw0", "gw1"}
    assert found == {
        "test_flaky": [{"mine": "kept"}, {"mine": "kept", "flaky": "true"}],
        "test_steady": [{}],
        "test_fails": [{}, {}],
    }


@pytest.mark.parametrize(
    ("args", "flaky"), [(("-n", "2", "--ci=off"), {}), ((), {}), (("--ci=gitlab",), {"flaky": "true"})], ids=str
)
def test_without(suite: Suite, args: tuple[str, ...], flaky: dict[str, str]) -> None:
    suite.write(test_flaky=FLAKY)
    run(suite, *args)
    found = properties(suite)
    assert found["test_flaky"] == [{"mine": "kept"}, {"mine": "kept", **flaky}]
    assert found["test_steady"] == [{}]
    assert found["test_fails"] == [{}, {}]


def test_a_test_that_crashes_only_in_company(suite: Suite) -> None:
    suite.write(
        test_dies="""
            import os, pathlib
            def test_dies():
                once = pathlib.Path("once")
                if not once.exists():
                    once.touch()
                    os._exit(3)
            def test_lives(): pass
        """
    )
    result = suite.run("-n", "2", "--retry-crashed=1", "--junitxml=junit.xml", "--ci=gitlab")
    assert result.counts == {"passed": 2, "rerun": 1}, result.output
    found = properties(suite)
    assert found["test_dies"] in ([{"worker": worker, "flaky": "true"}] for worker in ("gw2", "gw3"))
    assert [list(entry) for entry in found["test_lives"]] == [["worker"]]
