"""`--fastest-report`: what is in the page."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from processes.harness import METHODS

from report.page import Page

if TYPE_CHECKING:
    from processes.harness import Result, Suite

ROOT = Path(__file__).parents[2]
TESTS = """
    import os, pytest, time

    @pytest.fixture(scope="session")
    def database(): time.sleep(0.05)

    @pytest.fixture
    def broken(): raise RuntimeError("in the fixture")

    @pytest.mark.parametrize("number", range(6))
    def test_passes(number): time.sleep(0.01)
    def test_fails(database):
        print("this was printed")
        assert [1, 2] == [1, 3]
    def test_error(broken): pass
    @pytest.mark.skip
    def test_skipped(): pass
    @pytest.mark.xfail
    def test_xfails(): assert 0
"""
OUTCOMES = {
    **{f"test_a.py::test_passes[{number}]": "passed" for number in range(6)},
    "test_a.py::test_fails": "failed",
    "test_a.py::test_error": "error",
    "test_a.py::test_skipped": "skipped",
    "test_a.py::test_xfails": "xfailed",
}
# Ids that try to become a part of the page, and some that are no text.
HOSTILE = r"""
    import pytest

    IDS = ["</script><img src=x onerror=alert(1)>", "<!--<script>", "\udc80", "\x00\x1b[31m\x07", "{{ 7*7 }}", "\u2028"]

    @pytest.mark.parametrize("text", IDS, ids=str)
    def test_odd(text): assert not text, text
"""
ESCAPING = "disable_test_id_escaping_and_forfeit_all_rights_to_community_support = true\n"


def report(suite: Suite, *args: str) -> tuple[Result, Page]:
    result = suite.run(*args, "--fastest-report", "out/report.html")
    return result, Page(suite.root / "out" / "report.html")


@pytest.mark.parametrize("workers", [*METHODS, None])
def test_it_knows_what_became_of_every_test(suite: Suite, workers: str | None) -> None:
    suite.write(test_a=TESTS)
    options = ("-n", "no") if workers is None else ("-n", "2", "--start-method", workers)
    result, page = report(suite, *options)
    assert result.returncode == 1
    assert f"generated report: {suite.root / 'out' / 'report.html'}" in result.stdout
    assert page.outcomes() == OUTCOMES
    assert sorted(nodeid for nodeid, _ in page.ran()) == sorted(OUTCOMES)
    assert {worker for _, worker in page.ran()} <= ({"pytest"} if workers is None else {"gw0", "gw1"})
    failures = {failure["nodeid"]: failure for failure in page.data["failures"]}
    assert set(failures) == {"test_a.py::test_fails", "test_a.py::test_error"}
    assert "assert [1, 2] == [1, 3]" in failures["test_a.py::test_fails"]["text"]
    assert failures["test_a.py::test_fails"]["sections"] == [["Captured stdout call", "this was printed\n"]]
    assert (failures["test_a.py::test_error"]["when"], failures["test_a.py::test_fails"]["when"]) == ("setup", "call")
    assert "10 tests" in page.text
    assert page.fixtures()["test_a.py::database"].startswith("session, set up 1 time, longest ")
    assert page.fixtures()["test_a.py::broken"].startswith("function, set up 1 time, longest ")


def test_fixtures_of_every_scope_are_summed_up(suite: Suite) -> None:
    suite.write(
        test_a="""
            import pytest
            @pytest.fixture
            def each(): pass
            @pytest.fixture(scope="class")
            def of_class(): pass
            @pytest.fixture(scope="module")
            def of_module(): pass
            class TestMany:
                @pytest.mark.parametrize("number", range(5))
                def test_a(self, each, of_class, number): pass
            def test_b(each, request): request.getfixturevalue("of_module")
        """
    )
    _, page = report(suite, "-n", "2", "--dist", "loadfile")
    fixtures = {name: " ".join(details.split()[:5]) for name, details in page.fixtures().items()}
    assert fixtures == {
        "test_a.py::each": "function, set up 6 times,",
        "test_a.py::of_class": "class, set up 1 time,",
        "test_a.py::of_module": "module, set up 1 time,",
    }


def test_times_are_those_of_the_tests(suite: Suite) -> None:
    suite.write(test_a="import time\ndef test_a(): time.sleep(0.3)\ndef test_b(): time.sleep(0.1)")
    _, page = report(suite, "-n", "2")
    runs, lanes = page.data["runs"], page.data["lanes"]
    called = dict(zip(runs["item"], runs["call"], strict=True))
    assert called[0] >= 300_000
    assert called[1] >= 100_000
    for place, began in enumerate(runs["began"]):
        lane = lanes[runs["lane"][place]]
        ended = began + runs["total"][place]
        assert 0 < lane["started"] < lane["ready"] <= began < ended <= page.data["end"], (lane, began, ended)


def test_crashes_and_replacements(suite: Suite) -> None:
    suite.write(
        test_a="import os, time\ndef test_kills(): os._exit(7)\ndef test_a(): time.sleep(0.05)\ndef test_b(): pass"
    )
    result, page = report(suite, "-n", "1")
    assert result.returncode == 1
    assert page.outcomes() == {
        "test_a.py::test_kills": "failed",
        "test_a.py::test_a": "passed",
        "test_a.py::test_b": "passed",
    }
    assert [lane["died"] for lane in page.data["lanes"]] == [True, False]
    assert "in the place of gw0" in page.data["lanes"][1]["note"]
    assert [(mark["kind"], mark["text"]) for mark in page.data["marks"]] == [
        ("crash", "crashed in test_a.py::test_kills")
    ]
    assert page.data["runs"]["died"] == [0]
    assert "left with exit status 7" in page.data["failures"][0]["text"]
    assert "A worker crashed." in page.text


def test_a_hang_is_told_from_a_crash(suite: Suite) -> None:
    suite.write(
        test_a="""
            import time
            def test_hangs(): time.sleep(60)
            def test_b(): pass
        """
    )
    _, page = report(suite, "-n", "1", "--hang-timeout", "0.5", "--max-worker-restart", "1")
    assert page.data["runs"]["died"] == page.data["runs"]["hung"] == [0]
    assert [mark["text"] for mark in page.data["marks"]] == ["hung, and was killed, in test_a.py::test_hangs"]
    assert "A worker hung, and was killed." in page.text
    assert "crashed" not in page.text
    assert "test_a.py 2 tests, 2 workers" in page.text


def test_why_a_worker_was_late(suite: Suite) -> None:
    suite.write(
        test_a="""
            import threading, time
            from witness import meet

            threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
            time.sleep(0.5)
            def test_a(): meet(2)
        """,
        test_b="""
            from witness import meet
            def test_b(): meet(2)
        """,
    )
    result, page = report(suite, "-n", "2")
    assert result.returncode == 0, result.output
    reason = next(line for line in result.stdout.splitlines() if line.startswith("fastest: 2 workers"))
    reason = reason.partition("forkserver")[2]
    assert reason.startswith(": ")
    late = re.search(r"gw1 was ready (.*?) later than gw0, because each worker collects for itself (.*?)\.", page.text)
    assert late is not None, page.text
    assert late[2].startswith("(forkserver: "), late[0]
    assert f"(forkserver{reason})." in page.text
    assert re.search(r"busy \d+ % of the time; \d+ % from when each was ready", page.text)


def test_work_that_was_taken_is_marked(suite: Suite) -> None:
    suite.write(
        test_a="""
            import pytest
            from witness import meet

            @pytest.mark.parametrize("number", range(8))
            def test_a(number): meet(2)
        """
    )
    # There is one module, so that the second worker comes to its tests in no other way. Who is ready first may be one
    # that was not dealt it.
    _, page = report(suite, "-n", "2")
    assert {"split"} <= {mark["kind"] for mark in page.data["marks"]} <= {"split", "steal"}


def test_every_worker_runs_everything(suite: Suite) -> None:
    suite.write(test_a="def test_a(): pass\ndef test_b(): pass")
    _, page = report(suite, "-n", "2", "--dist", "each")
    names = ["test_a.py::test_a", "test_a.py::test_b"]
    assert sorted(page.ran()) == [(name, worker) for name in names for worker in ("gw0", "gw1")]


@pytest.mark.parametrize("workers", ["2", "no"])
def test_hostile_ids_stay_text(suite: Suite, workers: str) -> None:
    suite.write(test_a=HOSTILE, ini=ESCAPING)
    # What pytest itself can't write: cached node ids, and names in its summary.
    result, page = report(suite, "-n", workers, "-p", "no:cacheprovider", "--no-summary", "-k", "not nothing")
    assert result.returncode == 1, result.output
    assert page.elements.count("script") == 2
    assert "img" not in page.elements
    assert "test_a.py::test_odd[</script><img src=x onerror=alert(1)>]" in page.data["nodeids"]
    assert r"test_a.py::test_odd[\udc80]" in page.data["nodeids"]
    assert set(page.outcomes().values()) == {"failed"}
    assert len(page.data["failures"]) == 6


def test_a_run_that_is_stopped(suite: Suite) -> None:
    suite.write(test_a="def test_a(): assert 0\n" + "\n".join(f"def test_{n}(): pass" for n in range(20)))
    result, page = report(suite, "-n", "1", "-x")
    assert result.returncode == 1
    assert list(page.outcomes().values()).count("not run") >= 10


def test_a_module_that_can_not_be_imported(suite: Suite) -> None:
    suite.write(test_a="def test_a(): pass", test_b="1 / 0")
    result, page = report(suite, "-n", "1", "--continue-on-collection-errors")
    assert result.returncode == 1
    failure = page.data["failures"][0]
    assert (failure["nodeid"], failure["when"], failure["item"]) == ("test_b.py", "collect", None)
    assert "ZeroDivisionError" in failure["text"]


@pytest.mark.parametrize("workers", ["1", "no"])
def test_a_run_that_ends_with_the_collection(suite: Suite, workers: str) -> None:
    suite.write(test_a="import time\ntime.sleep(0.5)\ndef test_a(): pass", test_b="1 / 0")
    result, page = report(suite, "-n", workers)
    assert result.returncode == 2
    around = re.search(r"100 % of the run is around the tests: (\d+ ms|\d\.\d s) to start and collect, \d", page.text)
    assert around is not None, page.text
    assert around[1] >= "500 ms" or around[1].endswith(" s")
    assert "to start the first worker" not in page.text


def test_without_workers_none_starts(suite: Suite) -> None:
    suite.write(test_a="import time\ntime.sleep(0.2)\ndef test_a(): pass")
    _, page = report(suite, "-n", "no")
    assert "start and collection" in page.text
    assert "pytest starts" not in page.text
    assert "to start the first worker" not in page.text


def test_without_tests_there_is_nothing_to_report(suite: Suite) -> None:
    result = suite.run("-n", "1", "--fastest-report", "r.html")
    assert result.returncode == 5
    assert not (suite.root / "r.html").exists()
    assert "r.html" not in result.stdout


def test_nothing_else_is_printed(suite: Suite) -> None:
    suite.write(test_a="def test_a(): pass")
    plain, quiet = suite.run("-n", "1"), suite.run("-n", "1", "-q", "--fastest-report", "r.html")
    assert "generated" not in plain.stdout + quiet.stdout
    assert (suite.root / "r.html").exists()


def test_what_is_vendored_is_what_was_published() -> None:
    folder = ROOT / "rust/report/page/vendor"
    readme = (folder / "README.md").read_text("utf-8")
    listed = dict(reversed(line.split()) for line in readme.splitlines() if line.count("  uplot/") == 1)
    files = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    del files["README.md"]
    assert {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()} == listed
