"""Runs that get no workers, by themselves or because they were asked for something that workers can't do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from processes.harness import Suite

NOT_LOADED = """
    import os, sys

    def test_here(worker_id):
        assert worker_id == "master"
        assert "pytest_fastest._core" not in sys.modules
        assert not any(name.startswith(("pytest_fastest.worker", "pytest_fastest.controller")) for name in sys.modules)
        assert "PYTEST_XDIST_WORKER" not in os.environ
        assert os.getppid() == int(os.environ["RECORD_PARENT"])
"""


@pytest.fixture
def two(suite: Suite) -> Suite:
    suite.write(test_two="def test_1(worker_id): assert worker_id == 'master'\ndef test_2(): pass")
    return suite


@pytest.mark.parametrize(
    ("args", "environment"),
    [
        pytest.param((), {}, id="nothing said"),
        pytest.param(("-n", "no"), {}, id="-n no"),
        pytest.param((), {"FASTEST_WORKERS": "1"}, id="FASTEST_WORKERS=1"),
        pytest.param((), {"FASTEST_WORKERS": "no"}, id="FASTEST_WORKERS=no"),
        pytest.param(("--start-method", "spawn"), {}, id="only a start method"),
    ],
)
def test_nothing_native_is_loaded(suite: Suite, args: tuple[str, ...], environment: dict[str, str]) -> None:
    suite.write(test_here=NOT_LOADED)
    result = suite.run(*args, env=environment)
    assert result.returncode == 0, result.output
    assert result.header is None


@pytest.mark.parametrize("args", [(), ("-n", "2"), ("-n", "2", "--start-method", "spawn")], ids=str)
def test_our_modules_are_imported_as_usual(suite: Suite, args: tuple[str, ...]) -> None:
    """pytest's loader is slower, and writes no bytecode that the installation could have brought."""
    suite.write(
        test_loaders="""
            import sys

            def test_loaders():
                ours = [name for name in sys.modules if name.startswith("pytest_fastest.")]
                ours.remove("pytest_fastest.plugin")  # In a spawned process it comes too early.
                assert len(ours) > 3
                assert not [name for name in ours if "Rewriting" in type(sys.modules[name].__loader__).__name__]
        """
    )
    result = suite.run(*args)
    assert result.counts == {"passed": 1}, result.output


@pytest.mark.parametrize("source", ["-n 0", "-n auto", "addopts", "FASTEST_WORKERS", "ini"])
def test_pdb_with_an_automatic_number(suite: Suite, source: str) -> None:
    suite.write(
        test_one="""
            def test_one(worker_id):
                secret = worker_id
                assert False
        """,
        ini={"addopts": "addopts = -n 0", "ini": "fastest_workers = auto"}.get(source, ""),
    )
    args = source.split() if source.startswith("-n") else []
    environment = {source: "0"} if source == "FASTEST_WORKERS" else {}
    result = suite.run("--pdb", *args, env=environment, stdin=b"p 'secret ' + secret\nc\n")
    assert result.returncode == 1, result.output
    assert "secret master" in result.stdout
    assert result.header == "fastest: no workers: --pdb"
    assert result.counts == {"failed": 1}


def test_trace_with_an_automatic_number(two: Suite) -> None:
    result = two.run("--trace", "-n", "0", stdin=b"c\nc\nc\n")
    assert result.header == "fastest: no workers: --trace"
    assert result.returncode == 0, result.output
    assert result.counts == {"passed": 2}


@pytest.mark.parametrize("args", [("--pdb", "-n", "no"), ("--trace", "-n", "no")], ids=" ".join)
def test_a_debugger_without_workers(two: Suite, args: tuple[str, ...]) -> None:
    result = two.run(*args, stdin=b"c\nc\nc\n")
    assert result.returncode == 0, result.output
    assert result.header is None


@pytest.mark.parametrize("option", ["--stepwise", "--sw", "--stepwise-skip", "--sw-skip"])
def test_stepwise(suite: Suite, option: str) -> None:
    suite.write(test_sw="def test_1(): pass\ndef test_2(): assert 0\ndef test_3(): pass\ndef test_4(): assert 0")
    result = suite.run(option, "-n", "2")
    assert result.header is not None
    assert result.header.startswith("fastest: no workers: --stepwise")
    assert result.counts == ({"failed": 2, "passed": 2} if "skip" in option else {"failed": 1, "passed": 1})
    assert result.returncode == 2


@pytest.mark.parametrize(
    "args",
    [("--collect-only",), ("--fixtures",), ("--fixtures-per-test",), ("--markers",), ("--setup-plan",), ("--help",),
     ("--version",), ("--cache-show",)],
    ids=" ".join,
)  # fmt: skip
def test_what_runs_no_test_needs_no_workers(two: Suite, args: tuple[str, ...]) -> None:
    # Older versions of pytest fill the cache on the way.
    two.run(*args)
    plain = two.run(*args)
    parallel = two.run("-n", "2", *args)
    assert parallel.returncode == plain.returncode
    assert parallel.header is None
    assert len(parallel.stdout.splitlines()) == len(plain.stdout.splitlines())


def test_the_plugin_can_be_switched_off(suite: Suite) -> None:
    suite.write(test_one="def test_one(): pass")
    off = suite.run("-p", "no:fastest", env={"FASTEST_WORKERS": "2"})
    assert off.returncode == 0, off.output
    assert off.header is None
    assert "-n 2" not in off.output
    unknown = suite.run("-p", "no:fastest", "-n", "2")
    assert unknown.returncode == 4
    assert "unrecognized arguments: -n" in unknown.stderr
    suite.write(test_one="def test_one(worker_id): pass")
    without = suite.run("-p", "no:fastest")
    assert without.returncode == 1
    assert "fixture 'worker_id' not found" in without.stdout


def test_the_ids_without_workers(suite: Suite) -> None:
    suite.write(
        test_ids="""
            def test_1(worker_id, testrun_uid, request):
                assert worker_id == "master"
                assert len(testrun_uid) == 32
                assert not hasattr(request.config, "workerinput")
        """
    )
    assert suite.run().returncode == 0
