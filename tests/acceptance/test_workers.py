"""Which worker runs what, and how often fixtures are set up."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import pytest
from parity import ALL, Parity
from processes.harness import METHODS

if TYPE_CHECKING:
    from pathlib import Path

COUNTING = """
    import os
    import pytest
    from pathlib import Path

    def note(what):
        with (Path(os.environ["NOTES"]) / "notes").open("a") as file:
            file.write(f"{what} {os.environ['PYTEST_XDIST_WORKER']}\\n")

    @pytest.fixture(scope="module", autouse=True)
    def module(request):
        note(f"module {request.node.name}")
        yield
        note(f"end {request.node.name}")

    @pytest.fixture(scope="class")
    def klass(request): note(f"class {request.node.nodeid}")

    class TestOne:
        @pytest.mark.parametrize("n", range(3))
        def test_it(self, klass, n): pass

    class TestTwo:
        @pytest.mark.parametrize("n", range(3))
        def test_it(self, klass, n): pass
"""
TIMED = """
    import json, os, time
    import pytest
    from pathlib import Path

    @pytest.fixture(autouse=True)
    def timed(request, worker_id):
        begin = time.monotonic()
        yield
        entry = {"name": request.node.nodeid, "worker": worker_id, "begin": begin, "end": time.monotonic()}
        with (Path(os.environ["NOTES"]) / "notes").open("a") as file:
            file.write(json.dumps(entry) + "\\n")
"""


@pytest.mark.parametrize("how", ALL, ids=METHODS)
def test_module_and_class_fixtures_are_set_up_once(parity: Parity, tmp_path: Path, how: tuple[str, ...]) -> None:
    parity.write({f"test_{number}.py": COUNTING for number in range(8)})
    run = parity.run(how=how, environment={"NOTES": str(tmp_path)})
    assert run.returncode == 0
    notes = Counter(line.rpartition(" ")[0] for line in (tmp_path / "notes").read_text("utf-8").splitlines())
    modules = {what: count for what, count in notes.items() if what.startswith("module")}
    # Only the last module may have been split between the two workers.
    assert len(modules) == 8
    assert sum(modules.values()) <= 9
    assert {what: count for what, count in notes.items() if what.startswith("class")} == {
        f"class test_{number}.py::{name}": 1 for number in range(8) for name in ("TestOne", "TestTwo")
    }
    assert sum(count for what, count in notes.items() if what.startswith("end")) == sum(modules.values())


@pytest.mark.parametrize("how", ALL, ids=METHODS)
def test_serial_tests_run_when_nothing_else_runs(parity: Parity, tmp_path: Path, how: tuple[str, ...]) -> None:
    text = """
        import time
        import pytest

        @pytest.mark.parametrize("n", range(6))
        def test_usual(n): time.sleep(0.01)

        @pytest.mark.serial
        def test_alone(): time.sleep(0.03)
    """
    parity.write({"conftest.py": TIMED, **{f"test_{name}.py": text for name in "abcd"}})
    entries = _timed(parity, tmp_path, how)
    alone = [entry for entry in entries if "test_alone" in entry["name"]]
    assert len(alone) == 4
    assert len({entry["worker"] for entry in entries}) == 2
    for serial in alone:
        beside = [
            entry["name"]
            for entry in entries
            if entry is not serial and entry["begin"] < serial["end"] and serial["begin"] < entry["end"]
        ]
        assert beside == []


@pytest.mark.parametrize("how", ALL, ids=METHODS)
def test_parallel_safe_tests_of_one_class_run_in_both_workers(
    parity: Parity, tmp_path: Path, how: tuple[str, ...]
) -> None:
    text = """
        import time
        import pytest

        @pytest.mark.parallel_safe
        class TestIt:
            @pytest.mark.parametrize("n", range(20))
            def test_it(self, n): time.sleep(0.02)
    """
    parity.write({"conftest.py": TIMED, "test_a.py": text})
    assert {entry["worker"] for entry in _timed(parity, tmp_path, how)} == {"gw0", "gw1"}


@pytest.mark.parametrize("how", ALL, ids=METHODS)
def test_groups_stay_in_one_worker_and_in_order(parity: Parity, tmp_path: Path, how: tuple[str, ...]) -> None:
    text = """
        import time
        import pytest

        @pytest.mark.xdist_group("first")
        @pytest.mark.parametrize("n", range(3))
        def test_first(n): time.sleep(0.005)

        @pytest.mark.xdist_group(name="second")
        @pytest.mark.parametrize("n", range(3))
        def test_second(n): time.sleep(0.005)

        @pytest.mark.parametrize("n", range(3))
        def test_loose(n): time.sleep(0.005)
    """
    parity.write({"conftest.py": TIMED, **{f"test_{name}.py": text for name in "abcd"}})
    groups = defaultdict(list)
    for entry in sorted(_timed(parity, tmp_path, how), key=lambda entry: entry["begin"]):
        for name in ("test_first", "test_second"):
            if name in entry["name"]:
                groups[name].append(entry)
    for entries in groups.values():
        assert len({entry["worker"] for entry in entries}) == 1
        names = [entry["name"] for entry in entries]
        assert names == sorted(names)


def test_markers_are_known(parity: Parity) -> None:
    text = """
        import pytest
        from fastest import mark

        @mark.serial
        def test_a(): pass
        @mark.parallel_safe
        def test_b(): pass
        @pytest.mark.xdist_group("name")
        def test_c(): pass
        @pytest.mark.serial
        @pytest.mark.parallel_safe
        def test_d(): assert 0
    """
    parity.write({"test_a.py": text, "test_b.py": text})
    plain, *_ = parity.check("--strict-markers", "-W", "error", plain=("-n", "no"), hows=ALL)
    assert plain.returncode == pytest.ExitCode.TESTS_FAILED


def test_session_fixtures_are_set_up_and_torn_down_once_per_worker(parity: Parity, tmp_path: Path) -> None:
    conftest = """
        import os, time
        from pathlib import Path
        import pytest

        @pytest.fixture(scope="session", autouse=True)
        def whole(worker_id):
            with (Path(os.environ["NOTES"]) / "notes").open("a") as file: file.write(f"begin {worker_id}\\n")
            yield
            with (Path(os.environ["NOTES"]) / "notes").open("a") as file: file.write(f"end {worker_id}\\n")
    """
    test = "import time\n" + "\n".join(f"def test_{number}(): time.sleep(0.02)" for number in range(5))
    parity.write({"conftest.py": conftest, "test_a.py": test, "test_b.py": test})
    for how in ALL:
        run = parity.run(how=how, environment={"NOTES": str(tmp_path)})
        assert run.returncode == 0
        notes = tmp_path / "notes"
        assert sorted(notes.read_text("utf-8").splitlines()) == ["begin gw0", "begin gw1", "end gw0", "end gw1"]
        notes.unlink()


def test_workers_are_known_to_tests(parity: Parity) -> None:
    text = """
        import os

        def test_identity(request, worker_id, testrun_uid):
            given = request.config.workerinput
            assert given["workerid"] == worker_id == os.environ["PYTEST_XDIST_WORKER"]
            assert worker_id in ("gw0", "gw1")
            assert given["workercount"] == 2 == int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
            assert given["testrunuid"] == testrun_uid == os.environ["PYTEST_XDIST_TESTRUNUID"]
            assert request.config.getoption("numprocesses") is None
    """
    parity.write({"test_a.py": text, "test_b.py": text})
    for how in ALL:
        run = parity.run(how=how)
        assert run.returncode == 0, run.stdout


def test_many_small_modules_all_run_once(parity: Parity) -> None:
    parity.write(
        {f"sub{number % 7}/test_{number}.py": "def test_a(): pass\ndef test_b(): pass" for number in range(150)}
    )
    plain, *_ = parity.check()
    assert len(plain.outcomes) == 900


def test_higher_scoped_parameters_keep_their_order(parity: Parity) -> None:
    text = """
        import pytest

        @pytest.fixture(scope="module", params=["x", "y"])
        def module(request): yield request.param

        @pytest.fixture(scope="session", params=[1, 2])
        def session(request): yield request.param

        def test_one(module): assert module
        def test_two(module, session): assert (module, session) != ("y", 2)
        class TestIt:
            def test_three(self, session, module): assert session
    """
    parity.write({f"test_{name}.py": text for name in "abc"})
    parity.check(hows=ALL)


def _timed(parity: Parity, folder: Path, how: tuple[str, ...]) -> list[dict[str, Any]]:
    run = parity.run(how=how, environment={"NOTES": str(folder)})
    assert run.returncode == 0, run.stdout
    return [json.loads(line) for line in (folder / "notes").read_text("utf-8").splitlines()]
