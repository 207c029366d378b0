"""`--memory-limit`, and a machine that has hardly any memory left."""

from __future__ import annotations

import re
import sys
import uuid
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from processes.harness import METHODS, Result, Suite

if TYPE_CHECKING:
    from collections.abc import Iterator

GREEDY = """
import os, time
import pytest
from witness import mark

KEPT = []

@pytest.fixture(scope="session", autouse=True)
def session():
    mark("session begins")
    yield
    mark("session ends")

@pytest.mark.parametrize("number", range(30))
def test_keeps(number):
    mark(f"ran {__name__}.{number}")
    if number % 3 == 0:
        KEPT.append(b"x" * (25 << 20))
"""
# More than an interpreter with pytest holds, less than that and four of what a test keeps.
LIMIT = ("--memory-limit", "100M")


def assert_complete(suite: Suite, result: Result, modules: str) -> None:
    assert result.returncode == 0, result.output
    assert result.counts == {"passed": 30 * len(modules)}
    ran = Counter(mark.name for mark in suite.marks("ran "))
    assert ran == {f"ran test_{module}.{number}": 1 for module in modules for number in range(30)}


def summary(result: Result) -> str:
    found = re.search(r"=+ memory =+\n(.*?)\n=+", result.stdout, re.DOTALL)
    assert found, result.output
    return found[1]


@pytest.mark.parametrize("method", METHODS)
def test_who_holds_too_much_is_replaced_and_the_tests_are_named(suite: Suite, method: str) -> None:
    suite.write(test_a=GREEDY, test_b=GREEDY)
    result = suite.run("-n", "2", "--start-method", method, *LIMIT)
    assert_complete(suite, result, "ab")
    text = summary(result)
    left = re.findall(
        r"^gw(\d+) leaves: it holds 1\d\d MiB \(--memory-limit 100 MiB\), grown most by$", text, re.MULTILINE
    )
    # In each module ten tests keep something: a worker that has run three of them may hold one more.
    assert len(left) >= 4, text
    named = re.findall(r"^  2\d(?:\.\d)? MiB in test_[ab]\.py::test_keeps\[(\d+)\]$", text, re.MULTILINE)
    assert len(named) >= 2 * len(left)
    assert {int(number) % 3 for number in named} == {0}
    for worker in left:
        # Before its successor begins, it has torn everything down.
        marks = [mark.name for mark in suite.marks() if mark.worker == f"gw{worker}"]
        assert marks[0] == "session begins"
        assert marks[-1] == "session ends"
        assert f"replacing gw{worker}\n" in result.stdout or worker == left[-1] or worker == left[-2]
    assert "crashed" not in result.output


def test_nobody_is_lost_in_a_lane(suite: Suite) -> None:
    suite.write(test_a=GREEDY)
    result = suite.run("-n", "2", "--dist", "each", *LIMIT)
    assert result.returncode == 0, result.output
    assert result.counts == {"passed": 60}
    assert set(Counter(mark.name for mark in suite.marks("ran ")).values()) == {2}


def test_garbage_and_memory_that_was_freed_do_not_count(suite: Suite) -> None:
    source = """
        import gc
        import pytest

        @pytest.fixture(autouse=True, scope="session")
        def no_collector():
            gc.disable()

        @pytest.mark.parametrize("number", range(12))
        def test_cycle(number):
            cycle = [b"x" * (25 << 20)]
            cycle.append(cycle)
    """
    suite.write(test_a=source)
    result = suite.run("-n", "1", *LIMIT)
    assert result.counts == {"passed": 12}, result.output
    assert "leaves" not in result.output


def test_it_is_said_in_advance_that_a_limit_is_too_small(suite: Suite) -> None:
    suite.write(test_a=GREEDY)
    result = suite.run("-n", "2", "--memory-limit", "5M")
    assert result.returncode == 4, result.output
    error = (
        r"ERROR: --memory-limit 5 MiB: too little for this suite, whose workers hold [\d.]+ MiB before their first test"
    )
    assert re.search(error, result.stderr)
    assert not suite.marks()


@pytest.mark.parametrize("value", ["100", "x", "-1M", "0M", "0%", "101%", "1.5", "5Mib/s"])
def test_an_amount_that_is_none(suite: Suite, value: str) -> None:
    suite.write(test_a=GREEDY)
    result = suite.run("-n", "2", f"--memory-limit={value}")
    assert result.returncode == 4
    assert f"argument --memory-limit: '{value}' is not an amount of memory; allowed: as 800M, 1.5G" in result.stderr


def memory_cgroup() -> Path | None:
    """Where this process may make a group with a limit of memory, if it may."""
    try:
        lines = Path("/proc/self/cgroup").read_text("ascii").splitlines()
    except OSError:
        return None
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "memory":
            return Path("/sys/fs/cgroup/memory", path.lstrip("/"))
        if not controllers and "memory" in _read(Path("/sys/fs/cgroup", path.lstrip("/"), "cgroup.subtree_control")):
            return Path("/sys/fs/cgroup", path.lstrip("/"))
    return None


def _read(file: Path) -> str:
    try:
        return file.read_text("ascii")
    except OSError:
        return ""


@pytest.fixture
def cgroup() -> Iterator[Path]:
    """A group of processes that may use 200 MiB together."""
    parent = memory_cgroup()
    if parent is None:
        pytest.skip("no group with a limit of memory can be made here")
    group = parent / f"fastest-{uuid.uuid4().hex}"
    try:
        group.mkdir()
        limit = next(file for name in ("memory.max", "memory.limit_in_bytes") if (file := group / name).exists())
        limit.write_text(str(200 << 20), "ascii")
    except (OSError, StopIteration):
        pytest.skip("no group with a limit of memory can be made here")
    yield group
    group.rmdir()


ENTER = """
import os, sys
with open(sys.argv[1] + "/cgroup.procs", "w") as group:
    group.write(str(os.getpid()))
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""


def within(group: Path) -> list[str]:
    """The beginning of a command that runs Python in the group."""
    return [sys.executable, "-c", ENTER, str(group), "-m", "pytest", "-p", "recorder_of_reports"]


def test_idle_workers_leave_when_memory_is_short(suite: Suite, cgroup: Path) -> None:
    """And whoever dies is replaced only when there is memory again."""
    conftest = """
        from witness import mark

        def pytest_sessionfinish(session):
            if hasattr(session.config, "workerinput"):
                mark("left")
    """
    greedy = """
        import os, signal, time
        import pytest
        from witness import mark

        def has(what): return f"{what}\\t" in open(os.environ["WITNESS"]).read()

        def used():
            for name, key in (("memory.stat", "total_rss "), ("memory.stat", "anon ")):
                for line in open(os.path.join(os.environ["GROUP"], name)):
                    if line.startswith(key):
                        return int(line.split()[1])

        @pytest.mark.xdist_group("greedy")
        def test_greedy():
            mark("begun")
            kept = []
            deadline = time.monotonic() + 20
            while not has("dies") and time.monotonic() < deadline:
                # A twentieth is short.
                if used() < 194 << 20:
                    kept.append(b"x" * (1 << 20))
                else:
                    time.sleep(0.01)
            assert has("left") and has("dies")
            # Until that is noticed.
            time.sleep(0.5)

        @pytest.mark.xdist_group("greedy")
        def test_modest(): mark("modest")
    """
    dying = """
        import os, time
        from witness import mark

        class TestTogether:
            def test_dies(self):
                mark("begun")
                # One of the two that are not idle when memory becomes short.
                while "left\\t" not in open(os.environ["WITNESS"]).read():
                    time.sleep(0.01)
                mark("dies")
                os._exit(3)

            def test_1(self): pass
            def test_2(self): pass
    """
    suite.write(conftest=conftest, test_a=greedy, test_b=dying, test_c="def test_other(): pass")
    result = suite.run("-n", "3", command=within(cgroup), env={"GROUP": str(cgroup)})
    assert result.returncode == 1, result.output
    assert result.counts == {"passed": 5, "failed": 1}, result.output
    text = summary(result)
    short = r"memory is short \([\d.]+ [KM]iB of 200 MiB left\): "
    assert re.search(short + r"without work leave: gw\d$", text, re.MULTILINE), text
    assert re.search(short + r"replaced later: gw\d$", text, re.MULTILINE), text


def test_a_share_is_one_of_what_the_group_may_use(suite: Suite, cgroup: Path) -> None:
    suite.write(test_a=GREEDY)
    result = suite.run("-n", "1", "--memory-limit", "50%", command=within(cgroup))
    assert_complete(suite, result, "a")
    assert "(--memory-limit 100 MiB)" in summary(result)
