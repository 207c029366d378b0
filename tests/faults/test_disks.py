"""Disks that are full or read-only, before a run or in the midst of it, and a directory that a test takes away."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from processes.harness import METHODS, Suite

from faults.somebody import Somebody, somebody
from faults.system import mounted

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS = "import pytest\n@pytest.mark.parametrize('number', range(20))\ndef test_it(number): pass"
FILL = """
import os

def fill():
    path = os.path.join(os.environ["TMPDIR"], f"filling-{os.getpid()}")
    with open(path, "wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                pass
"""
# Both workers run by then, so that each has what it needs.
FULL = """
    import os, time
    import pytest
    from conftest import fill
    from witness import meet

    def test_full():
        meet(2)
        fill()

    @pytest.mark.parametrize("number", range(50))
    def test_first(number): pass

    def test_crash(): os._exit(9)

    @pytest.mark.parametrize("number", range(50))
    def test_second(number): pass
"""
MEET = """
    import pytest
    from witness import meet

    def test_meet(): meet(2)

    @pytest.mark.parametrize("number", range(50))
    def test_other(number): pass
"""
GONE = """
    import os, pathlib, shutil
    from witness import meet

    def test_gone():
        meet(2)
        shutil.rmtree(os.environ["TMPDIR"])

    def test_crash():
        pathlib.Path("crashes").write_text(str(os.getpid()))
        os._exit(9)
"""
# The other worker has enough to do until it is known that this one has crashed.
BUSY = """
    import pathlib
    import time
    import pytest
    from witness import meet

    def test_meet(): meet(2)

    def test_wait():
        pid = pathlib.Path("crashes")
        while not pid.exists() or pathlib.Path("/proc", pid.read_text()).exists():
            time.sleep(0.01)

    @pytest.mark.parametrize("number", range(49))
    def test_other(number): time.sleep(0.01)
"""
# It waits for all others.
LATER = "import pytest\n@pytest.mark.serial\ndef test_later(): pass"


@pytest.fixture
def user(suite: Suite) -> Iterator[Somebody]:
    with somebody(suite) as user:
        yield user


@pytest.mark.parametrize("method", METHODS)
def test_a_root_that_can_t_be_written_to(suite: Suite, user: Somebody, method: str) -> None:
    """There is no cache then, and of that pytest itself warns."""
    suite.write(test_a=TESTS)
    suite.root.chmod(0o555)
    result = suite.run("-n", "2", "--start-method", method, command=user.command(), tmpdir=user.temporary)
    assert result.returncode == 0, result.output
    assert result.counts == {"passed": 20, "warnings": 1}
    assert "could not create cache path" in result.stdout


@pytest.mark.parametrize("arguments", [("-p", "no:fastest"), ("-n", "2")])
def test_a_junit_file_that_can_t_be_written(suite: Suite, user: Somebody, arguments: tuple[str, ...]) -> None:
    suite.write(test_a=TESTS)
    suite.root.chmod(0o555)
    result = suite.run(*arguments, "--junitxml=junit.xml", command=user.command(), tmpdir=user.temporary)
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1].startswith("PermissionError: "), result.output
    assert user.has_left_nothing()


@pytest.mark.parametrize("method", METHODS)
def test_a_temporary_directory_that_can_t_be_written_to(suite: Suite, user: Somebody, method: str) -> None:
    suite.write(test_a="def test_it(tmp_path): pass")
    user.temporary.chmod(0o555)
    arguments = ["-n", "2", "--start-method", method, "--basetemp", "temporary"]
    result = suite.run(*arguments, command=user.command(), tmpdir=user.temporary)
    assert result.returncode == 0, result.output
    assert result.counts == {"passed": 1}
    assert user.has_left_nothing()


@pytest.mark.parametrize("method", METHODS)
def test_nowhere_for_temporary_directories_of_tests(suite: Suite, method: str) -> None:
    """Only those fail that ask for one, as in plain pytest."""
    suite.write(test_a=TESTS, test_b="def test_asks(tmp_path): pass")
    result = suite.run("-n", "2", "--start-method", method, env={"PYTEST_DEBUG_TEMPROOT": "/dev/null"})
    assert result.returncode == 1
    assert result.counts == {"passed": 20, "errors": 1}, result.output
    assert result.failures[0].nodeid == "test_b.py::test_asks"


@pytest.mark.parametrize("method", METHODS)
def test_a_disk_that_is_full_after_collection(suite: Suite, method: str) -> None:
    suite.write(test_a=TESTS, conftest=FILL + "def pytest_collection_finish(): fill()")
    command = mounted("-t tmpfs -o size=2m none $TMPDIR")
    result = suite.run("-n", "2", "--start-method", method, command=command)
    assert result.returncode == 4, result.output
    assert "No space left on device" in result.stderr
    assert "let TMPDIR name a directory with room, or use -n no" in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize("method", METHODS)
def test_a_disk_that_gets_full(suite: Suite, method: str) -> None:
    """What is shared is there already: nobody dies of a page that has no room."""
    suite.write(test_a=FULL, test_b=MEET, conftest=FILL)
    command = mounted("-t tmpfs -o size=2m none $TMPDIR")
    result = suite.run("-n", "2", "--start-method", method, "-rA", command=command)
    assert result.returncode == 1, result.output
    assert result.counts == {"passed": 152, "failed": 1}, result.output
    assert re.findall(r"crashed while running '(.*)'", result.stdout)[0] == "test_a.py::test_crash"


@pytest.mark.parametrize("method", METHODS)
def test_a_temporary_directory_that_a_test_removes(suite: Suite, method: str) -> None:
    """Who runs goes on, nobody new can come."""
    suite.write(test_a=GONE, test_b=BUSY, test_c=LATER)
    result = suite.run("-n", "2", "--start-method", method)
    assert result.returncode == 1, result.output
    assert result.counts == {"passed": 53, "failed": 1, "warnings": 1}, result.output
    assert "gw2 can't be started: the run's directory is gone; let no test remove it" in result.stdout
