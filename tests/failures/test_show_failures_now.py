"""`--show-failures-now`: a failure is shown while others still run, and only once."""

from __future__ import annotations

import re

import pytest
from processes.harness import METHODS, Result, Suite, wait_until

HOWS = [("-n", "no"), *(("-n", "2", "--start-method", method) for method in METHODS)]
EVERYTHING = """
    import pytest

    @pytest.fixture
    def broken_setup(): raise OSError("set up")

    @pytest.fixture
    def broken_teardown():
        yield
        raise OSError("torn down")

    def test_setup(broken_setup): print("some output")
    def test_teardown(broken_teardown): print("some output")
    def test_fails():
        print("some output")
        assert 1 == 2
    def test_passes(): pass

    @pytest.mark.xfail(strict=True)
    def test_strict(): pass

    @pytest.mark.xfail
    def test_expected(): assert 3 == 4
"""


def failures(result: Result) -> list[str]:
    """The titles of failures, and everything else that is shown of them, without what differs between processes."""
    lines = result.stdout.splitlines()
    kept = re.compile(r"_{3,} .* _{3,}|E  .*|test_\w+\.py:\d+: .*|-+ Captured .*|some output")
    return sorted(re.sub(r"_{3,}", "___", line) for line in lines if kept.fullmatch(line))


@pytest.mark.parametrize("how", HOWS, ids=" ".join)
def test_a_failure_is_shown_at_once(suite: Suite, how: tuple[str, ...]) -> None:
    suite.write(
        test_a="def test_fails(): assert 1 == 2",
        test_b="""
            import pathlib, time

            def test_waits():
                while not pathlib.Path("shown").exists():
                    time.sleep(0.01)
        """,
    )
    # Output is not flushed where it is not a terminal.
    with suite.running(*how, "--show-failures-now", env={"PYTHONUNBUFFERED": "1"}) as running:
        wait_until(lambda: "E   assert 1 == 2" in (running.home / "stdout").read_text("utf-8"), 20, "the failure")
        (suite.root / "shown").touch()
        result = running.finish()
    assert result.counts == {"passed": 1, "failed": 1}
    assert result.returncode == 1
    assert result.stdout.count("E   assert 1 == 2") == 1
    assert result.stdout.count("__ test_fails __") == 1
    assert "= FAILURES =" not in result.stdout
    assert result.stdout.count("FAILED test_a.py::test_fails") == 1


@pytest.mark.parametrize("how", [("-n", "no"), ("-n", "2")], ids=" ".join)
@pytest.mark.parametrize(
    "args",
    [
        (),
        ("-v",),
        ("-q",),
        ("--tb=short",),
        ("--tb=line",),
        ("--tb=no",),
        ("--tb=native",),
        ("--show-capture=no",),
        ("-p", "no:terminalprogress"),
    ],
    ids=" ".join,
)
def test_what_is_shown_is_what_pytest_shows_at_the_end(
    suite: Suite, how: tuple[str, ...], args: tuple[str, ...]
) -> None:
    suite.write(test_one=EVERYTHING)
    plain = suite.run("-n", "no", *args)
    now = suite.run(*how, *args, "--show-failures-now")
    assert now.returncode == plain.returncode == 1
    assert now.counts == plain.counts
    assert failures(now) == failures(plain)
    if args != ("--tb=no",):
        assert now.stdout.count("OSError: torn down") == plain.stdout.count("OSError: torn down") > 0


@pytest.mark.parametrize("how", [("-n", "no"), ("-n", "2")], ids=" ".join)
def test_collection_errors(suite: Suite, how: tuple[str, ...]) -> None:
    suite.write(test_broken="raise OSError('imported')", test_fine="def test_fine(): pass")
    plain = suite.run("-n", "no", "--continue-on-collection-errors")
    now = suite.run(*how, "--continue-on-collection-errors", "--show-failures-now")
    assert now.counts == plain.counts == {"passed": 1, "errors": 1}
    assert failures(now) == failures(plain)
    assert now.stdout.index("ERROR collecting test_broken.py") < now.stdout.index("[100%]")


@pytest.mark.skipif(pytest.version_tuple < (9,), reason="subtests came with pytest 9")
@pytest.mark.parametrize("how", [("-n", "no"), ("-n", "2")], ids=" ".join)
def test_subtests(suite: Suite, how: tuple[str, ...]) -> None:
    suite.write(
        test_sub="""
            def test_sub(subtests):
                for number in range(3):
                    with subtests.test(number=number):
                        assert number != 1
        """
    )
    plain = suite.run("-n", "no")
    now = suite.run(*how, "--show-failures-now")
    assert now.counts == plain.counts
    assert failures(now) == failures(plain)
    shown, _, _ = now.stdout.partition("short test summary info")
    assert len(re.findall(r"^E +assert 1 != 1", shown, re.MULTILINE)) == 1


def test_stops_at_the_first_failure(suite: Suite) -> None:
    suite.write(test_one="def test_1(): assert 1 == 2\ndef test_2(): assert 3 == 4")
    result = suite.run("-n", "no", "-x", "--show-failures-now")
    assert result.counts == {"failed": 1}
    assert result.stdout.index("assert 1 == 2") < result.stdout.index("stopping after 1 failures")


@pytest.mark.parametrize("how", [("-n", "no"), ("-n", "2", "--start-method", "forkserver")], ids=" ".join)
def test_a_failure_that_runs_again_is_none(suite: Suite, how: tuple[str, ...]) -> None:
    suite.write(
        test_flaky="""
            import pathlib

            def test_flaky():
                once = pathlib.Path("once")
                if not once.exists():
                    once.touch()
                    raise OSError("flaky")
        """
    )
    result = suite.run(*how, "--reruns", "1", "--show-failures-now", plugins=("rerunfailures",))
    assert result.counts == {"passed": 1, "rerun": 1}
    assert "OSError: flaky" not in result.stdout


def test_a_crash(suite: Suite) -> None:
    suite.write(test_dies="import os\ndef test_dies(): os._exit(3)\ndef test_lives(): pass")
    result = suite.run("-n", "2", "--show-failures-now")
    assert result.counts == {"passed": 1, "failed": 1}
    shown, _, _ = result.stdout.partition("short test summary info")
    assert shown.count("it left with exit status 3") == 1


@pytest.mark.parametrize("plugin", ["instafail", "sugar"])
def test_plugins_that_show_failures_themselves(suite: Suite, plugin: str) -> None:
    suite.write(test_one="def test_fails(): assert 1 == 2")
    args = ("--instafail",) if plugin == "instafail" else ()
    result = suite.run("-n", "2", *args, "--show-failures-now", plugins=(plugin,))
    assert result.returncode == 1
    assert result.stdout.count("E   assert 1 == 2") == 1


def test_a_debugger_shows_them_itself(suite: Suite) -> None:
    suite.write(test_one="def test_fails(): assert 1 == 2")
    result = suite.run("-n", "no", "--pdb", "--show-failures-now", stdin=b"c\n")
    assert result.counts == {"failed": 1}
    assert result.stdout.count("E   assert 1 == 2") == 1
