"""`--debug`: each process writes down in a file of its own which hooks are called."""

from __future__ import annotations

from collections import Counter

import pytest
from processes.harness import METHODS, Suite

TESTS = """
    import pytest

    @pytest.mark.parametrize("number", range(10))
    def test_it(number): pass
"""
# As hooks are named in the log where they are called.
RUN = "pytest_runtest_call [hook]"
TEARDOWN = "pytest_runtest_teardown [hook]"


def calls(suite: Suite) -> dict[str, Counter[str]]:
    """By the names of files: how often each line of the log is in it."""
    found = {}
    for file in suite.root.glob("log*"):
        found[file.name] = Counter(line.strip() for line in file.read_text("utf-8").splitlines())
    return found


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("args", [("--debug", "log"), ("--debug=log", "--", "test_a.py")], ids=["last", "before paths"])
def test_each_process_has_a_file(suite: Suite, method: str, args: tuple[str, ...]) -> None:
    suite.write(test_a=TESTS)
    plain = suite.run(*args)
    plain_calls = calls(suite)
    assert plain_calls["log"][RUN] == 10
    result = suite.run("-n", "2", "--start-method", method, *args)
    assert result.returncode == 0, result.output
    assert result.counts == {"passed": 10}
    # Nothing of the other processes' files.
    assert result.stderr == plain.stderr
    found = calls(suite)
    others = {"log.gw0", "log.gw1"} | ({"log.template"} if method == "fork" else set())
    assert set(found) == {"log"} | others
    assert found["log"][RUN] == 0
    assert found["log"]["pytest_runtest_logreport [hook]"] == 30
    for name in (RUN, TEARDOWN):
        assert sum(found[file][name] for file in others) == 10
    assert sum(found[file]["pytest_collection [hook]"] for file in others) == (1 if method == "fork" else 2)


def test_without_a_name(suite: Suite) -> None:
    suite.write(test_a=TESTS, ini="addopts = --debug")
    result = suite.run("-n", "1", "--start-method", "fork")
    assert result.returncode == 0, result.output
    names = {file.name for file in suite.root.glob("*.log*")}
    assert names == {"pytestdebug.log", "pytestdebug.log.template", "pytestdebug.log.gw0"}
