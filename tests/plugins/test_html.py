"""pytest-html: one file with all tests, whoever ran them."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest
from processes.harness import METHODS, Result, Suite

pytestmark = pytest.mark.parametrize("method", METHODS)

PLAIN = ("-p", "no:fastest")
TESTS = """
    import pytest
    from witness import mark

    @pytest.mark.parametrize("number", range(4))
    def test_passes(number): print(f"output {number}")

    def test_fails(): assert 1 == 2
    def test_is_skipped(): pytest.skip("no reason")

    @pytest.mark.xfail
    def test_is_expected_to_fail(): assert 0

    @pytest.mark.xfail
    def test_passes_unexpectedly(): pass

    @pytest.fixture
    def broken(): raise OSError

    def test_has_an_error(broken): pass

    def test_has_extras(extras):
        import pytest_html
        extras.append(pytest_html.extras.text("text of an extra"))
        extras.append(pytest_html.extras.url("https://example.org/"))
"""


def run(suite: Suite, *args: str) -> tuple[Result, str, dict[str, Any]]:
    """Runs, and returns the text of the report and the data in it."""
    result = suite.run(*args, "--html=report.html", "--self-contained-html", plugins=("html",))
    assert [path.name for path in suite.root.iterdir() if path.suffix in (".html", ".css")] == ["report.html"]
    assert not (suite.root / "assets").exists()
    text = (suite.root / "report.html").read_text("utf-8")
    (blob,) = re.findall(r'data-jsonblob="([^"]*)"', text)
    return result, text, json.loads(html.unescape(blob))


def rows(data: dict[str, Any]) -> dict[str, list[tuple[str, list[str]]]]:
    """The rows of the report's table: result and the contents of extras."""
    return {
        nodeid: sorted((row["result"], [extra["content"] for extra in row["extras"]]) for row in found)
        for nodeid, found in data["tests"].items()
    }


def counts(text: str) -> dict[str, str]:
    """The numbers above the table."""
    numbers = re.findall(r'<span class="(\w+)">(\d+) \w+', text)
    return {name: number for name, number in numbers if number != "0"}


def test_all_tests_are_in_one_report(suite: Suite, method: str) -> None:
    suite.write(test_a=TESTS, test_b=TESTS)
    _, text, plain = run(suite, *PLAIN)
    expected = counts(text)
    assert expected == {"passed": "10", "failed": "2", "skipped": "2", "xfailed": "2", "xpassed": "2", "error": "2"}
    result, text, data = run(suite, "-n", "2", "--start-method", method)
    assert "Generated html report" in result.stdout
    assert counts(text) == expected
    assert rows(data) == rows(plain)
    assert "https://example.org/" in rows(data)["test_a.py::test_has_extras"][0][1]
    assert "output 3" in data["tests"]["test_a.py::test_passes[3]"][0]["log"]
    assert "assert 1 == 2" in data["tests"]["test_b.py::test_fails"][0]["log"]
    assert set(data["environment"]) == set(plain["environment"])


@pytest.mark.differs_under_xdist("no row for a test that crashed its worker")
def test_a_crash(suite: Suite, method: str) -> None:
    suite.write(test_crash="import os\ndef test_crash(): os._exit(3)\ndef test_other(): pass")
    _, text, data = run(suite, "-n", "1", "--start-method", method)
    assert counts(text) == {"passed": "1", "failed": "1"}
    assert "crashed while running" in data["tests"]["test_crash.py::test_crash"][0]["log"]


def test_hooks_of_a_conftest(suite: Suite, method: str) -> None:
    suite.write(
        conftest="""
            def pytest_html_report_title(report): report.title = "another title"
            def pytest_html_results_summary(prefix): prefix.append("<p>above the summary</p>")
            def pytest_html_results_table_row(report, cells): cells.append(f"<td>by {report.worker_id}</td>")
            def pytest_html_results_table_header(cells): cells.append("<th>Worker</th>")
        """,
        test_one="def test_one(): pass\ndef test_two(): pass",
    )
    _, text, data = run(suite, "-n", "2", "--start-method", method)
    assert "another title" in text
    assert "above the summary" in text
    for name in ("one", "two"):
        (row,) = data["tests"][f"test_one.py::test_{name}"]
        assert re.fullmatch("<td>by gw[01]</td>", row["resultsTableRow"][-1])
