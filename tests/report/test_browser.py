"""The report in a real browser: Debian's Chromium, which `chromium.sh` installs."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING, Any

import pytest
from processes.harness import PLUGINS, Suite, wait_until

from pytest_fastest import _core

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium; tests/report/chromium.sh installs it")

TESTS = r"""
    import os, pytest, time

    @pytest.mark.parametrize("number", range(300))
    def test_passes(number): pass
    @pytest.mark.parametrize("number", range(2))
    def test_sleeps(number): time.sleep(0.1)
    def test_fails():
        print("printed </pre><script>window.broken = 1</script>")
        assert 0
    def test_kills(): os._exit(1)
    @pytest.mark.parametrize("text", ["</script><img src=x onerror=window.broken=1>", "\udc80", "\x00"], ids=str)
    def test_odd(text): assert text.isalpha()
"""
ESCAPING = "disable_test_id_escaping_and_forfeit_all_rights_to_community_support = true\n"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    sys.path.append(str(PLUGINS / "playwright"))
    try:
        from playwright.sync_api import sync_playwright

        with sync_playwright() as playwright:
            # Root has no sandbox; the pages are our own.
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            yield browser
            browser.close()
    finally:
        sys.path.remove(str(PLUGINS / "playwright"))


@pytest.fixture
def visit(chromium: Any) -> Iterator[Callable[..., Any]]:
    """Opens a file; whatever goes wrong in it, or is asked of a network, fails the test at its end."""
    wrong: list[str] = []
    pages = []

    def visit(path: Path, **options: Any) -> Any:
        page = chromium.new_page(**options)
        pages.append(page)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda message: wrong.append(message.text))
        page.on("request", lambda request: wrong.append(request.url) if request.url != path.as_uri() else None)
        page.goto(path.as_uri())
        return page

    yield visit
    for page in pages:
        page.close()
    assert wrong == []


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a run with failures, a crash and hostile names."""
    suite = Suite(tmp_path_factory.mktemp("browser") / "suite")
    suite.write(test_a=TESTS, ini=ESCAPING)
    suite.run("-n", "2", "-p", "no:cacheprovider", "--no-summary", "--fastest-report", "r.html")
    return suite.root / "r.html"


def until(condition: Callable[[], bool]) -> None:
    """Playwright's own way to wait needs `eval`, which the page forbids."""
    wait_until(condition, 6.0, "the page's answer")


def last_run(page: Any) -> tuple[tuple[float, float], str]:
    """Where on the screen the last test of the first worker is, and its name."""
    page.locator("#timeline").scroll_into_view_if_needed()
    place, lanes, name = page.evaluate("""() => {
        const run = spans[0][1] - 1;
        const place = (data.runs.began[run] + data.runs.total[run] / 2) / SECOND;
        return [plots[0].valToPos(place, "x"), data.lanes.length, data.nodeids[data.runs.item[run]]];
    }""")
    box = page.locator("#timeline .u-over").bounding_box()
    return (box["x"] + place, box["y"] + box["height"] / lanes / 2), name


def shown(page: Any) -> list[str]:
    """The names in the table of tests."""
    names: list[str] = page.locator("#tests tbody tr td:first-child").all_inner_texts()
    return names


def test_the_parts_are_there(report: Path, visit: Callable[..., Any]) -> None:
    page = visit(report)
    for heading in ("What limited the run", "Failures", "Timeline", "Critical path", "Tests", "Slowest modules"):
        assert page.get_by_role("heading", name=heading).is_visible(), heading
    assert page.locator("#timeline canvas").count() == page.locator("#busy canvas").count() == 1
    assert len(shown(page)) == 100
    assert page.evaluate("window.broken") is None
    assert page.locator("img").count() == 0


def test_tests_are_searched_filtered_and_sorted(report: Path, visit: Callable[..., Any]) -> None:
    page = visit(report)
    page.get_by_role("searchbox", name="Search tests").fill("PASSES 29")
    until(lambda: page.locator("#tests-count").inner_text().startswith("13 "))
    assert sorted(shown(page))[:2] == ["test_a.py::test_passes[129]", "test_a.py::test_passes[229]"]
    page.get_by_role("button", name="test", exact=True).click()
    assert shown(page) == sorted(shown(page))
    page.get_by_role("searchbox", name="Search tests").fill("")
    page.get_by_label("Outcome").select_option("crashed")
    assert shown(page) == ["test_a.py::test_kills"]
    page.get_by_label("Outcome").select_option("failed")
    assert len(shown(page)) == 4
    page.get_by_label("Outcome").select_option("")
    page.get_by_role("button", name="Show 207 more").click()
    assert len(shown(page)) == 307


def test_failures_are_opened_and_searched(report: Path, visit: Callable[..., Any]) -> None:
    page = visit(report)
    failures = page.locator("#failures details")
    assert failures.count() == 5
    page.locator("#failures summary", has_text="test_a.py::test_fails").click()
    opened = page.locator("#failures details[open]")
    opened.locator("pre").nth(1).wait_for()
    assert "assert 0" in opened.inner_text()
    assert "printed </pre><script>window.broken = 1</script>" in opened.inner_text()
    page.get_by_role("searchbox", name="Search failures").fill("window.broken = 1")
    until(lambda: failures.count() == 1)
    page.get_by_role("searchbox", name="Search failures").fill("")
    until(lambda: failures.count() == 5)
    page.get_by_role("button", name="Open all").click()
    until(lambda: page.locator("#failures pre").count() >= 5)
    assert page.evaluate("window.broken") is None


def test_the_timeline_tells_and_zooms(report: Path, visit: Callable[..., Any]) -> None:
    page = visit(report)
    at, name = last_run(page)
    page.mouse.move(*at)
    tip = page.locator("#timeline .tip")
    assert name in tip.inner_text()
    box = page.locator("#timeline .u-over").bounding_box()
    page.mouse.move(box["x"] + 5, box["y"] + box["height"] - 5)
    assert "test_a.py" not in tip.inner_text(), "nothing ran yet"
    whole = page.evaluate("plots.map((plot) => plot.scales.x.max)")
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 5, steps=3)
    page.mouse.up()
    zoomed = page.evaluate("plots.map((plot) => plot.scales.x.max)")
    assert zoomed[0] == pytest.approx(zoomed[1], rel=0.02)
    assert zoomed[0] < 0.6 * whole[0]
    page.mouse.dblclick(box["x"] + box["width"] / 2, box["y"] + 5)
    until(lambda: page.evaluate("plots.map((plot) => plot.scales.x.max)") == whole)


def test_a_test_that_is_clicked_is_found(report: Path, visit: Callable[..., Any]) -> None:
    page = visit(report)
    at, name = last_run(page)
    page.mouse.click(*at)
    assert page.locator("#tests tr.found-row td").first.inner_text(timeout=6_000) == name


def test_dark_and_light(report: Path, visit: Callable[..., Any]) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    light, dark = visit(report, color_scheme="light"), visit(report, color_scheme="dark")
    bright, dim = light.evaluate(ground), dark.evaluate(ground)
    assert bright != dim
    dark.get_by_title("Light or dark").click()
    assert dark.evaluate(ground) == bright


def test_narrow_screens_do_not_scroll_sideways(report: Path, visit: Callable[..., Any]) -> None:
    page = visit(report, viewport={"width": 360, "height": 700})
    until(lambda: page.locator("canvas").count() == 2)
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_on_paper_failures_are_open_and_nothing_is_dark(report: Path, visit: Callable[..., Any]) -> None:
    page = visit(report, color_scheme="dark")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.locator("#failures details[open] pre").count() >= 5
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    assert not page.locator("#tests-search").is_visible()
    headings = page.locator("#tests th button").all()
    assert len(headings) == 9
    assert all(heading.is_visible() for heading in headings), "they are buttons on the screen"
    assert page.pdf().startswith(b"%PDF")


def test_twenty_thousand_tests_open_and_answer_soon(tmp_path: Path, visit: Callable[..., Any]) -> None:
    nodeids = [f"package/test_module_{number // 100}.py::test_of_a_usual_length[{number}]" for number in range(20_000)]
    record = _core.Record.of_reports(
        ("many", [], [], False, [], "", None, 0, 0),
        nodeids,
        started=1e9,
        seconds=101.0,
        collected=1.0,
        set_ups=[],
        ran=[(item, 1.005 + item / 200, 0.005, 0.004, 0.001, 0.003, 0.001) for item in range(20_000)],
        outcomes=[(item, "failed") for item in range(0, 20_000, 5000)],
        failures=[(item, nodeids[item], "call", "", "E  assert 0", []) for item in range(0, 20_000, 5000)],
    )
    record.write_page(tmp_path / "r.html")
    page = visit(tmp_path / "r.html")
    # On a quiet machine 0.4 s; what is promised is 2 s, and others may be at work here.
    assert page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd") < 6_000
    page.get_by_role("searchbox", name="Search tests").fill("length[19999")
    until(lambda: page.locator("#tests-count").inner_text() == "1 of 20000")
    assert page.locator("#failures details").count() == 4
