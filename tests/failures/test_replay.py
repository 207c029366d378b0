"""`--replay`: what a worker had run before a test failed in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from processes.harness import METHODS

if TYPE_CHECKING:
    from pathlib import Path

    from processes.harness import Result, Suite

# Fails in whatever worker something has run before it, and passes alone.
POLLUTED = """
    import os
    import pytest
    from witness import mark, meet
    import shared

    @pytest.fixture(autouse=True)
    def marked(request):
        mark(f"ran {request.node.nodeid}")

    @pytest.mark.parametrize("number", range(20))
    def test_many(number):
        if number < 2 and "PYTEST_XDIST_WORKER" in os.environ:
            # So that both workers have run something.
            meet(2)
        shared.seen.append(number)

    @pytest.mark.serial
    def test_victim():
        assert not shared.seen
"""


@pytest.fixture
def polluted(suite: Suite) -> Suite:
    suite.write(test_polluted=POLLUTED, shared="seen = []", test_other="import shared\ndef test_other(): pass")
    return suite


def ran(suite: Suite, *, until: str) -> list[str]:
    """The tests that ran in the process in which this one did, in order, up to it."""
    marks = suite.marks("ran ")
    pid = next(mark.pid for mark in marks if mark.name.endswith(until))
    names = [mark.name.removeprefix("ran ") for mark in marks if mark.pid == pid]
    return names[: names.index(f"test_polluted.py::{until}") + 1]


def runs_of(suite: Suite) -> list[Path]:
    return sorted(suite.root.glob(".pytest_cache/d/fastest/runs/*"))


def replay(suite: Suite, *args: str) -> Result:
    suite.forget_marks()
    return suite.run(*args)


@pytest.mark.parametrize("method", METHODS)
def test_the_order_of_the_worker_comes_back(polluted: Suite, method: str) -> None:
    parallel = polluted.run("-n", "2", "--start-method", method)
    assert parallel.counts == {"passed": 21, "failed": 1}, parallel.output
    order = [name for name in ran(polluted, until="test_victim") if "polluted" in name]
    alone = replay(polluted, "test_polluted.py::test_victim")
    assert alone.counts == {"passed": 1}
    again = replay(polluted, "--replay")
    assert again.counts["failed"] == 1, again.output
    assert again.returncode == 1
    assert "fastest: replay of test_polluted.py::test_victim" in again.stdout
    assert "it failed again" in again.stdout
    assert [name for name in ran(polluted, until="test_victim") if "polluted" in name] == order
    assert len({mark.pid for mark in polluted.marks()}) == 1


def test_a_failure_is_chosen(suite: Suite) -> None:
    suite.write(test_two="def test_1(): assert 1 == 2\ndef test_2(): pass\ndef test_3(): assert 3 == 4")
    suite.run("-n", "1")
    result = suite.run("--replay", "test_two.py::test_1", "-n", "2")
    assert result.counts == {"failed": 1, "deselected": 2}
    assert "fastest: replay: test_two.py::test_1" in result.stdout
    assert "fastest: no workers: --replay" in result.stdout
    result = suite.run("--replay=test_two.py::test_3")
    assert result.counts == {"failed": 2, "passed": 1}
    assert "fastest: replay: the 2 tests that gw0 had run, then test_two.py::test_3" in result.stdout
    assert suite.run("--replay").stdout.count("fastest: replay of test_two.py::test_3") == 1


def test_a_crash_is_replayed(suite: Suite) -> None:
    suite.write(
        test_dies="""
            import os
            alive = []
            def test_1(): alive.append(1)
            def test_2(): assert 1 == 2
            def test_3():
                if alive: os._exit(3)
        """
    )
    result = suite.run("-n", "1")
    assert result.counts == {"passed": 1, "failed": 2}, result.output
    replayed = suite.run("--replay=test_dies.py::test_3")
    assert replayed.returncode == 3
    assert "then test_dies.py::test_3, which has crashed its worker, and may end this process" in replayed.stdout


@pytest.mark.parametrize("option", ["-x", "--maxfail=1", "--sw", "--fail-fast"])
def test_it_comes_as_far_as_the_test(suite: Suite, option: str) -> None:
    suite.write(test_two="def test_1(): assert 1 == 2\ndef test_2(): pass\ndef test_3(): assert 3 == 4")
    suite.run("-n", "1")
    result = suite.run("-q", "--replay", env={"PYTEST_ADDOPTS": option})
    assert result.counts == {"failed": 2, "passed": 1}, result.output
    assert "fastest: replay of test_two.py::test_3" in result.stdout
    assert "it failed again" in result.stdout


@pytest.mark.parametrize("name", ["absolute", "relative"])
def test_it_is_named_as_pytest_names_it(suite: Suite, name: str) -> None:
    folder = suite.root / "sub"
    folder.mkdir()
    (folder / "test_one.py").write_text("def test_1(): assert 1 == 2")
    suite.run("-n", "1")
    file = str(folder / "test_one.py") if name == "absolute" else "sub/test_one.py"
    assert suite.run(f"--replay={file}::test_1").counts == {"failed": 1}


def test_it_passes_where_its_order_is_not_to_blame(suite: Suite) -> None:
    suite.write(
        test_flaky="""
            import pathlib
            def test_1(): pass
            def test_2(): assert pathlib.Path("there").exists()
        """
    )
    suite.run("-n", "1")
    (suite.root / "there").touch()
    result = suite.run("--replay")
    assert result.counts == {"passed": 2}
    assert result.returncode == 0
    assert "it did not fail: what ran beside it in other workers" in result.stdout


def test_what_was_collected_is_collected_again(polluted: Suite) -> None:
    inner = polluted.root / "inner"
    inner.mkdir()
    (inner / "test_in.py").write_text("def test_in(): assert 1 == 2")
    polluted.run("-n", "2", "inner/test_in.py", "test_other.py")
    result = polluted.run("--replay")
    assert "collected 2 items" in result.stdout
    assert result.counts["failed"] == 1


def test_a_package_that_was_named(suite: Suite) -> None:
    package = suite.helpers / "somewhere" / "tests"
    package.mkdir(parents=True)
    for directory in (package, package.parent):
        (directory / "__init__.py").touch()
    (package / "test_in.py").write_text("def test_1(): pass\ndef test_2(): assert 1 == 2")
    suite.run("-n", "1", "--pyargs", "somewhere")
    assert suite.run("--replay").counts == {"passed": 1, "failed": 1}


def test_earlier_failures_are_kept_for_a_while(suite: Suite) -> None:
    suite.write(test_one="import os\ndef test_a(): assert os.environ.get('FAILS') != 'a'\n"
                         "def test_b(): assert os.environ.get('FAILS') != 'b'")  # fmt: skip
    suite.run("-n", "1", env={"FAILS": "a"})
    # Runs in which nothing fails take other places.
    for fails in ("", "b", "", "b", "", ""):
        suite.run("-n", "1", env={"FAILS": fails})
    assert "replay of test_one.py::test_a" in suite.run("--replay=test_one.py::test_a").stdout
    suite.run("-n", "1", env={"FAILS": "b"})
    result = suite.run("--replay=test_one.py::test_a")
    assert result.returncode == 4
    assert "--replay: no failure of test_one.py::test_a in a run with workers is kept, but of " in result.stderr


@pytest.mark.parametrize("content", [b"", b"fastest run 1\n", b"fastest run 2\n", b"{}"])
def test_files_of_somebody_else_are_passed_over(suite: Suite, content: bytes) -> None:
    suite.write(test_one="def test_one(): assert 1 == 2")
    suite.run("-n", "1")
    (run,) = runs_of(suite)
    run.with_name("99999999999999-other-failed.run").write_bytes(content)
    run.with_name("notes").write_bytes(content)
    assert suite.run("--replay").counts == {"failed": 1}
    run.unlink()
    result = suite.run("--replay")
    assert result.returncode == 4
    assert "--replay: no failure of a run with workers is kept in " in result.stderr


def test_tests_that_are_gone(suite: Suite) -> None:
    suite.write(test_one="def test_1(): pass\ndef test_2(): assert 1 == 2")
    suite.run("-n", "1", "-vv")
    result = suite.run("--replay", "-k", "test_2")
    assert result.returncode == 4
    assert (
        "--replay: 1 of the 2 tests are not collected: test_one.py::test_1; that run was started by: "
        "pytest -p recorder_of_reports -n 1 -vv"
    ) in re.sub(r"pytest .*recorder", "pytest -p recorder", result.output)
    assert "fastest: replay of" not in result.stdout


def test_without_a_cache(suite: Suite) -> None:
    suite.write(test_one="def test_1(): assert 1 == 2")
    assert suite.run("-n", "1", "-p", "no:cacheprovider").counts == {"failed": 1}
    assert runs_of(suite) == []
    result = suite.run("--replay", "-p", "no:cacheprovider")
    assert result.returncode == 4
    assert "which this run has not (-p no:cacheprovider)" in result.stderr


def test_a_place_that_can_not_be_written(suite: Suite) -> None:
    suite.write(test_one="def test_1(): assert 1 == 2\ndef test_2(): pass")
    place = suite.root / ".pytest_cache/d/fastest"
    place.mkdir(parents=True)
    (place / "runs").write_text("not a directory")
    result = suite.run("-n", "1")
    assert result.returncode == 1
    assert result.counts == {"passed": 1, "failed": 1}
    assert "the record of the run can't be kept, for --replay and reports: " in result.stdout
    assert "can't be kept" not in suite.run("-n", "1", "-k", "test_2").stdout


def test_every_worker_runs_everything(suite: Suite) -> None:
    suite.write(test_one="def test_1(): pass\ndef test_2(worker_id): assert worker_id in ('gw0', 'master')")
    assert suite.run("-n", "2", "--dist", "each").counts == {"passed": 3, "failed": 1}
    result = suite.run("--replay")
    assert result.counts == {"passed": 2}
    assert "the 1 test that gw1 had run, then test_one.py::test_2" in result.stdout
