"""pytest-rerunfailures: failed tests run again where they are, crashed ones in another worker."""

from __future__ import annotations

import pytest
from processes.harness import METHODS, Result, Suite

# The plugin speaks with the controller over a socket that it opens when it is configured. Copies of one socket can't be
# used by several workers: a fork that nobody insists on is refused then.
pytestmark = pytest.mark.parametrize("method", ["auto" if method == "fork" else method for method in METHODS])

PLAIN = ("-p", "no:fastest")
FLAKY = """
    import pathlib
    import pytest
    from witness import mark

    def attempt(name):
        path = pathlib.Path(f"{name}.count")
        count = int(path.read_text()) if path.exists() else 0
        path.write_text(str(count + 1))
        return count
"""
FAILS = f"""{FLAKY}
    @pytest.mark.parametrize("times", range(5))
    def test_fails(times): assert attempt(f"fails-{{times}}") >= times

    @pytest.fixture
    def resource():
        assert attempt("setup") >= 1

    def test_setup(resource): pass
"""
# Dies in the first attempts: how often is in the environment.
DIES = f"""{FLAKY}
    import os

    @pytest.mark.parametrize("number", range(6))
    def test_dies(number):
        if number == 2 and attempt("dies") < int(os.environ["DEATHS"]):
            os._exit(3)
"""


def run(
    suite: Suite, method: str, *args: str, plugins: tuple[str, ...] = ("rerunfailures",), deaths: int = 0
) -> Result:
    for count in suite.root.glob("*.count"):
        count.unlink()
    how = PLAIN if method == "plain" else ("-n", "2", "--start-method", method)
    return suite.run(*how, *args, plugins=plugins, env={"DEATHS": str(deaths)})


def outcomes(result: Result) -> list[tuple[str, str, str]]:
    return sorted((report.nodeid, report.when, report.outcome) for report in result.reports)


def test_failing_tests_run_again(suite: Suite, method: str) -> None:
    suite.write(test_fails=FAILS)
    plain = run(suite, "plain", "--reruns", "2")
    assert plain.counts == {"passed": 4, "failed": 2, "rerun": 8}
    result = run(suite, method, "--reruns", "2", "-rR")
    assert result.counts == plain.counts, result.output
    assert result.returncode == 1
    assert outcomes(result) == outcomes(plain)
    assert result.stdout.count("RERUN test_fails.py::test_fails[4]") == 2


@pytest.mark.parametrize("reruns", ["1", "5"])
def test_a_flaky_test_fails_the_run_if_wanted(suite: Suite, method: str, reruns: str) -> None:
    suite.write(
        test_flaky=f"{FLAKY}\n    def test_flaky(): assert attempt('flaky') >= 3", test_other="def test_other(): pass"
    )
    plain = run(suite, "plain", "--reruns", reruns, "--fail-on-flaky")
    assert plain.returncode == (1 if reruns == "1" else 7)
    result = run(suite, method, "--reruns", reruns, "--fail-on-flaky")
    assert result.returncode == plain.returncode, result.output


def test_the_marker_and_its_condition(suite: Suite, method: str) -> None:
    marker = "@pytest.mark.flaky(reruns={reruns}, condition={condition})"
    suite.write(
        test_marked=f"""{FLAKY}
    {marker.format(reruns=3, condition=True)}
    def test_marked(): assert attempt("marked") >= 3

    {marker.format(reruns=3, condition=False)}
    def test_not_marked(): assert attempt("not") >= 3

    def test_other(): pass
"""
    )
    result = run(suite, method)
    assert result.counts == {"passed": 2, "failed": 1, "rerun": 3}


def test_only_some_errors(suite: Suite, method: str) -> None:
    suite.write(
        test_errors=f"""{FLAKY}
    def test_value():
        if attempt("value") < 1: raise ValueError("now and then")

    def test_key():
        if attempt("key") < 1: raise KeyError("always")
"""
    )
    result = run(suite, method, "--reruns", "2", "--only-rerun", "ValueError")
    assert result.counts == {"passed": 1, "failed": 1, "rerun": 1}
    assert outcomes(result) == outcomes(run(suite, "plain", "--reruns", "2", "--only-rerun", "ValueError"))


def test_reruns_do_not_count_as_failures(suite: Suite, method: str) -> None:
    suite.write(test_fails=FAILS)
    result = run(suite, method, "--reruns", "4", "--maxfail=1")
    assert result.counts == {"passed": 6, "rerun": 11}
    assert result.returncode == 0


def test_fixtures_are_set_up_again(suite: Suite, method: str) -> None:
    suite.write(
        test_fixture=f"""{FLAKY}
    @pytest.fixture(scope="module")
    def wide():
        mark("wide")
        yield
        mark("wide torn down")

    @pytest.fixture
    def narrow(wide):
        mark("narrow")

    def test_fixture(narrow): assert attempt("fixture") >= 2
    def test_other(wide): pass
"""
    )
    plain = run(suite, "plain", "--reruns", "2")
    names = [mark.name for mark in suite.marks()]
    assert names.count("narrow") == 3
    arguments = ("--reruns", "2", "--dist=loadfile")
    assert run(suite, method, *arguments).counts == plain.counts == {"passed": 2, "rerun": 2}
    assert [mark.name for mark in suite.marks()][len(names) :] == names


@pytest.mark.parametrize(
    "plugins",
    [("rerunfailures",), ("rerunfailures", "xdist")],
    ids=["alone", "with xdist"],
)
@pytest.mark.parametrize("deaths", [1, 3])
def test_a_crashed_test_runs_again(suite: Suite, method: str, plugins: tuple[str, ...], deaths: int) -> None:
    suite.write(test_dies=DIES)
    result = run(suite, method, "--reruns", "2", plugins=plugins, deaths=deaths)
    failed = {"failed": 1} if deaths > 2 else {}
    assert result.counts == {"passed": 6 - len(failed), "rerun": min(deaths, 2), **failed}, result.output
    assert result.returncode == len(failed)


@pytest.mark.fastest_only("pytest-xdist would run the tests")
def test_the_same_with_pytest_xdist_installed(suite: Suite, method: str) -> None:
    suite.write(test_fails=FAILS)
    result = run(suite, method, "--reruns", "2", plugins=("rerunfailures", "xdist"))
    assert result.counts == {"passed": 4, "failed": 2, "rerun": 8}
    if method == "auto":
        assert "forkserver: pytest_rerunfailures:" in str(result.header)
        assert str(result.header).endswith("opened 1 socket")


def test_a_rerun_before_a_crash_is_reported(suite: Suite, method: str) -> None:
    suite.write(
        test_dies=f"""{FLAKY}
    import os

    def test_dies():
        assert attempt("dies") > 0
        os._exit(3)

    def test_other(): pass
"""
    )
    result = run(suite, method, "--reruns", "1", plugins=("rerunfailures", "xdist"))
    assert result.counts == {"passed": 1, "failed": 1, "rerun": 2}, result.output
