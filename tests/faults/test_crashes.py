"""Every kind of death in every place: the test is named, its last words are shown, and nothing else is lost."""

from __future__ import annotations

import re
from collections import Counter
from textwrap import dedent

import pytest
from processes.harness import METHODS, Result, Suite

each_method = pytest.mark.parametrize("method", METHODS)

# What kills, what the report says, and whether the fault handler sees it.
WAYS = {
    "segfault": ("ctypes.string_at(0)", "was killed by SIGSEGV", True),
    "abort": ("os.abort()", "was killed by SIGABRT", True),
    # In C, on a stack that has not much room: Python's own limits are of no use there.
    "overflow": ("resource.setrlimit(resource.RLIMIT_STACK, (1 << 19, -1)); deep()", "was killed by SIGSEGV", True),
    "exit": ("os._exit(0)", "left with exit status 0", False),
    "kill": ("os.kill(os.getpid(), signal.SIGKILL)", "was killed by SIGKILL", False),
}
HEAD = """
import ctypes, os, resource, signal, sys
import pytest
from witness import mark, meet

def deep():
    sys.setrecursionlimit(1 << 30)
    sorted([1], key=lambda _: deep())

def die():
    print("said before")
    os.write(2, b"and on the other stream")
    {way}
"""
PLACES = {
    "setup": ("", "die()\n        yield"),
    "body": ("die()", "yield"),
    "teardown": ("", "yield\n        die()"),
    "module": ("", "yield"),
}
# A class is not split, so that the death is behind the first test; nothing comes behind the end of a module.
BODY = """
@pytest.fixture(scope="module")
def of_the_module():
    yield
    {of_the_module}

class TestIt:
    @pytest.fixture
    def resource(self, of_the_module):
        {resource}

    def test_before(self, of_the_module): mark("ran")

    def test_dies(self, resource):
        mark("ran")
        {body}
"""
AFTER = """
    def test_after(self): mark("ran")
"""
OTHERS = "from witness import mark\ndef test_1(): mark('ran')\ndef test_2(): mark('ran')"


def deadly(way: str, place: str) -> str:
    body, resource = PLACES[place]
    source = BODY.format(body=body or "pass", resource=resource, of_the_module="die()" if place == "module" else "pass")
    return HEAD.format(way=WAYS[way][0]) + source + ("" if place == "module" else AFTER)


def failures_by_file(result: Result) -> dict[str, list[str]]:
    """The texts of all failures, with their sections, by the file of the test."""
    found: dict[str, list[str]] = {}
    for report in result.failures:
        sections = [f"{title}\n{text}" for title, text in report.sections]
        found.setdefault(report.nodeid.partition("::")[0], []).append("\n".join([report.text, *sections]))
    return found


@each_method
def test_every_death_in_every_place(suite: Suite, method: str) -> None:
    cases = [(way, place) for way in WAYS for place in PLACES]
    suite.write(**{f"test_{way}_{place}": deadly(way, place) for way, place in cases}, test_others=OTHERS)
    result = suite.run("-n", "2", "--start-method", method, "--max-worker-restart", str(len(cases)))
    assert result.returncode == 1
    failures = failures_by_file(result)
    assert sorted(failures) == sorted(f"test_{way}_{place}.py" for way, place in cases)
    for way, place in cases:
        [text] = failures[f"test_{way}_{place}.py"]
        _, ending, is_seen = WAYS[way]
        name = f"test_{way}_{place}.py::TestIt::test_dies"
        assert re.search(rf"^worker 'gw\d+' crashed while running '{name}': it {ending}$", text, re.MULTILINE), text
        assert "Captured stdout\nsaid before" in text, text
        assert "Captured stderr\nand on the other stream" in text, text
        frame = rf'test_{way}_{place}\.py", line \d+ in (die|deep)'
        assert (re.search(frame, text) is not None) == is_seen, text
    # All others have passed, once. What a body has reported right before the death is not there yet.
    passed = result.nodeids("passed")
    others = {nodeid: count for nodeid, count in passed.items() if not nodeid.endswith("::test_dies")}
    assert set(others.values()) == {1}
    assert len(others) == len(cases) + sum(place != "module" for _, place in cases) + 2
    # Nothing has run twice, and those that die in their set-up don't come to their body.
    assert len(suite.marks("ran")) == len(others) + sum(place != "setup" for _, place in cases)


@each_method
@pytest.mark.parametrize("way", ["segfault", "exit"])
def test_the_end_of_a_session_fixture(suite: Suite, method: str, way: str) -> None:
    fixture = '@pytest.fixture(scope="session", autouse=True)\ndef of_the_session():\n    yield\n    die()\n'
    suite.write(conftest=HEAD.format(way=WAYS[way][0]) + fixture, test_a=OTHERS)
    result = suite.run("-n", "1", "--start-method", method)
    assert result.returncode == 1, result.output
    [failure] = result.failures
    assert failure.nodeid == "test_a.py::test_2"
    assert WAYS[way][1] in failure.text
    assert dict(failure.sections)["Captured stdout"] == "said before"
    assert result.nodeids("passed") == Counter(["test_a.py::test_1"])


@each_method
def test_two_at_once(suite: Suite, method: str) -> None:
    source = HEAD.format(way="os.kill(os.getpid(), signal.SIGKILL)")
    source += "\ndef test_dies():\n    meet(2)\n    die()\n\ndef test_after(): pass\n"
    suite.write(test_a=source, test_b=source)
    result = suite.run("-n", "2", "--start-method", method)
    assert result.counts == {"failed": 2, "passed": 2}, result.output
    assert sorted(failure.nodeid for failure in result.failures) == ["test_a.py::test_dies", "test_b.py::test_dies"]
    assert len({failure.worker for failure in result.failures}) == 2


@each_method
def test_what_is_not_captured_by_descriptor_is_lost(suite: Suite, method: str) -> None:
    suite.write(test_a=HEAD.format(way="os._exit(0)") + "\ndef test_dies(): die()\n")
    result = suite.run("-n", "2", "--start-method", method, "--capture=sys")
    [failure] = result.failures
    assert "exit status 0" in failure.text
    assert failure.sections == []


@each_method
@pytest.mark.parametrize("way", ["segfault", "exit", "descriptors"])
def test_a_file_that_kills_whoever_imports_it(suite: Suite, method: str, way: str) -> None:
    (suite.root / "sub").mkdir()
    # Who closes all descriptors dies when its connection is missed.
    code, ending, _ = WAYS.get(way, ("os.closerange(3, 100)", "left with exit status 1", False))
    (suite.root / "sub" / "test_deadly.py").write_text(HEAD.format(way=code) + "\ndie()\n", "utf-8")
    suite.write(test_others=OTHERS)
    result = suite.run("-n", "2", "--start-method", method)
    assert result.returncode == 3, result.output
    assert f"the process that collects {ending} while it collected sub/test_deadly.py" in result.stdout
    assert not suite.marks("ran")


@each_method
def test_a_folder_s_conftest_kills_whoever_imports_it(suite: Suite, method: str) -> None:
    (suite.root / "sub").mkdir()
    (suite.root / "sub" / "conftest.py").write_text("import os\nos._exit(7)", "utf-8")
    (suite.root / "sub" / "test_a.py").write_text("def test_a(): pass", "utf-8")
    result = suite.run("-n", "2", "--start-method", method, ".")
    assert result.returncode == 3, result.output
    assert "the process that collects left with exit status 7 while it collected sub\n" in result.stdout


@pytest.mark.parametrize("method", METHODS[1:])
def test_a_file_that_kills_the_second_worker(suite: Suite, method: str) -> None:
    source = """
        import os
        if os.environ["PYTEST_XDIST_WORKER"] == "gw1":
            os._exit(7)
        import time
        def test_1(): time.sleep(0.5)
        def test_2(): pass
    """
    suite.write(test_deadly=dedent(source), test_others=OTHERS)
    result = suite.run("-n", "2", "--start-method", method)
    assert result.returncode == 1, result.output
    assert result.counts == {"passed": 4}
    assert "worker 'gw1' left with exit status 7 while it collected test_deadly.py\n" in result.stdout
