"""Values that are not allowed: exit status 4, and a message that helps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from processes.harness import Suite

ALLOWED = ("0", "auto", "logical", "from 1 on", "no")


@pytest.fixture
def passing(suite: Suite) -> Suite:
    suite.write(test_pass="def test_pass(): pass")
    return suite


@pytest.mark.parametrize("value", ["foo", "-1", "1.5", "1e3", "²", "10001", "9" * 5000])
@pytest.mark.parametrize("source", ["-n", "FASTEST_WORKERS", "fastest_workers"])
def test_a_bad_number(passing: Suite, source: str, value: str) -> None:
    if source == "-n":
        result = passing.run("-n", value)
    elif source == "FASTEST_WORKERS":
        result = passing.run(env={source: value})
    else:
        passing.write(ini=f"{source} = {value}")
        result = passing.run()
    assert result.returncode == 4, result.output
    error = result.stderr
    assert repr(value) in error
    assert source in error
    assert all(word in error for word in ALLOWED)
    assert "Traceback" not in result.output
    assert not result.reports


def test_a_bad_number_in_addopts_is_named_as_such(passing: Suite) -> None:
    passing.write(ini="addopts = -n foo")
    result = passing.run()
    assert result.returncode == 4
    assert "'foo'" in result.stderr
    assert "addopts" in result.stderr


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (("-n",), "argument -n/--numprocesses: expected one argument"),
        (("-n", ""), "-n on the command line: ''"),
        (("--numprocesses=",), "-n on the command line: ''"),
    ],
)
def test_a_number_is_missing(passing: Suite, args: tuple[str, ...], text: str) -> None:
    result = passing.run(*args)
    assert result.returncode == 4
    assert text in result.stderr


def test_a_bad_start_method(passing: Suite) -> None:
    result = passing.run("-n", "2", "--start-method", "thread")
    assert result.returncode == 4
    assert "--start-method" in result.stderr
    assert "thread" in result.stderr
    assert all(method in result.stderr for method in ("auto", "fork", "spawn"))


@pytest.mark.parametrize("option", ["--pdb", "--trace"])
@pytest.mark.parametrize("source", ["-n", "FASTEST_WORKERS", "addopts"])
def test_a_debugger_with_a_number_of_workers(passing: Suite, option: str, source: str) -> None:
    if source == "addopts":
        passing.write(ini="addopts = -n 2")
    args = ("-n", "2") if source == "-n" else ()
    result = passing.run(option, *args, env={source: "2"} if source == "FASTEST_WORKERS" else {})
    assert result.returncode == 4, result.output
    assert option in result.stderr
    assert "-n no" in result.stderr
    assert not result.reports


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.parametrize("args", [("--no-such-option",), ("no_such_file.py",), ("--maxfail", "x")], ids=" ".join)
def test_errors_of_pytest_stay_what_they_are(passing: Suite, args: tuple[str, ...], method: str) -> None:
    plain = passing.run(*args)
    parallel = passing.run("-n", "2", "--start-method", method, *args)
    assert (plain.returncode, parallel.returncode) == (4, 4)
    last = [line for line in plain.stderr.splitlines() if line.startswith(("ERROR", "error", "__main__.py: error"))]
    assert last, plain.stderr
    assert all(parallel.stderr.count(line) == 1 for line in last), parallel.stderr


HUGE = "99999999999999999999"


@pytest.mark.parametrize("option", ["--max-worker-restart", "--maxfail", "--maxprocesses"])
def test_a_huge_limit_is_none(passing: Suite, option: str) -> None:
    result = passing.run("-n", "1", option, HUGE)
    assert result.counts == {"passed": 1}, result.output


def test_a_negative_maxfail_is_one(suite: Suite) -> None:
    suite.write(test_a="import pytest\n@pytest.mark.parametrize('i', range(3))\ndef test_fails(i): assert i > 1")
    for how in (("-p", "no:fastest"), ("-n", "1")):
        result = suite.run(*how, "--maxfail", "-1")
        assert result.counts == {"failed": 1}, result.output


def test_too_many_retries(passing: Suite) -> None:
    result = passing.run("-n", "1", "--retry-crashed", "101")
    assert result.returncode == 4
    assert "--retry-crashed: '101' is too often; at most 100 times" in result.stderr
