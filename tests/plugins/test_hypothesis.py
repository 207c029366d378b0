"""Hypothesis: its database, its statistics and its examples, wherever a test runs."""

from __future__ import annotations

import re

import pytest
from processes.harness import METHODS, Result, Suite

pytestmark = pytest.mark.parametrize("method", METHODS)

PLAIN = ("-p", "no:fastest")
# Not numbers: their examples depend on the constants in modules that are not installed, and Fastest's own are such.
FAILS = """
    from hypothesis import given, settings, strategies
    from witness import mark

    @settings(database=None if {no_database} else settings.default.database)
    @given(strategies.lists(strategies.booleans()))
    def test_fails(flags):
        mark(f"tried {{flags}}")
        assert sum(flags) < 3

    @given(strategies.lists(strategies.booleans()))
    def test_passes(flags): pass
"""
SMALLEST = "[True, True, True]"


def run(suite: Suite, *args: str) -> Result:
    return suite.run(*args, plugins=("hypothesis",))


def tried(suite: Suite) -> list[str]:
    return [mark.name for mark in suite.marks("tried")]


def test_an_example_is_shown_and_remembered(suite: Suite, method: str) -> None:
    suite.write(test_fails=FAILS.format(no_database=False))
    result = run(suite, "-n", "2", "--start-method", method)
    assert result.counts == {"passed": 1, "failed": 1}
    (failure,) = result.failures
    assert "Failing test case: test_fails(" in failure.text
    assert f"flags={SMALLEST}" in failure.text
    assert (suite.root / ".hypothesis" / "examples").is_dir()
    for how in (("-n", "2", "--start-method", method), PLAIN):
        before = len(tried(suite))
        assert run(suite, *how).counts == {"passed": 1, "failed": 1}
        # What failed is tried first.
        assert tried(suite)[before] == f"tried {SMALLEST}"


def test_a_seed_is_the_same_everywhere(suite: Suite, method: str) -> None:
    suite.write(test_fails=FAILS.format(no_database=True))
    arguments = ("--hypothesis-seed=7",)
    run(suite, *PLAIN, *arguments)
    plain = tried(suite)
    assert len(plain) > 1
    result = run(suite, "-n", "2", "--start-method", method, *arguments)
    assert result.counts == {"passed": 1, "failed": 1}
    assert tried(suite)[len(plain) :] == plain


def test_nobody_is_warned_of_a_generator_that_is_kept(suite: Suite, method: str) -> None:
    # What Hypothesis keeps it in is known to the garbage collector from the start, as always since Python 3.14.
    suite.write(
        conftest="from hypothesis import core\ncore.threadlocal._ThreadLocal__threadlocal.kept = []",
        test_fails=FAILS.format(no_database=True),
    )
    # With a seed the generator is made and shown late.
    result = run(suite, "-n", "2", "--start-method", method, "--hypothesis-seed=7")
    assert result.counts == {"passed": 1, "failed": 1}, result.output


def test_what_is_drawn_within_an_example_differs(suite: Suite, method: str) -> None:
    """The generator of Hypothesis is one that it does not manage itself, if nothing has asked for a seed before."""
    suite.write(
        test_nested="""
            from hypothesis import HealthCheck, given, settings, strategies
            from witness import mark

            few = settings(database=None, max_examples=5, suppress_health_check=list(HealthCheck))
            drawn = set()

            @few
            @given(strategies.integers())
            def test_asks_for_no_seed(_): pass

            @few
            @given(strategies.integers())
            def test_outer(_):
                numbers = []

                @few
                @given(strategies.integers(0, 10**12))
                def inner(number): numbers.append(number)

                inner()
                drawn.add(tuple(numbers))

            def test_distinct():
                mark(f"distinct {len(drawn) > 1}")
        """
    )
    for how in (PLAIN, ("-n", "1", "--start-method", method)):
        assert run(suite, *how).counts == {"passed": 3}
    assert [mark.name for mark in suite.marks("distinct")] == ["distinct True"] * 2


def test_statistics(suite: Suite, method: str) -> None:
    suite.write(test_fails=FAILS.format(no_database=True))

    def statistics(result: Result) -> list[str]:
        text = result.stdout.split(" Hypothesis Statistics ")[1]
        return sorted(re.findall(r"^test_fails\.py::\w+:$|Stopped because .*|\d+ passing examples", text, re.MULTILINE))

    arguments = ("--hypothesis-show-statistics", "--hypothesis-seed=7")
    plain = statistics(run(suite, *PLAIN, *arguments))
    assert "test_fails.py::test_passes:" in plain
    assert "Stopped because settings.max_examples=100" in plain
    assert statistics(run(suite, "-n", "2", "--start-method", method, *arguments)) == plain


@pytest.mark.differs_under_xdist("not in the junit file")
def test_statistics_in_the_junit_file(suite: Suite, method: str) -> None:
    suite.write(test_fails=FAILS.format(no_database=True))
    names = []
    for how in (PLAIN, ("-n", "2", "--start-method", method)):
        run(suite, *how, "--hypothesis-seed=7", "--junitxml=report.xml")
        text = (suite.root / "report.xml").read_text("utf-8")
        names.append(sorted(re.findall(r'<property name="(hypothesis-[^"]*)"', text)))
    assert len(names[0]) == 2
    assert names[1] == names[0]


def test_profiles(suite: Suite, method: str) -> None:
    suite.write(
        conftest="""
            from hypothesis import settings
            settings.register_profile("short", max_examples=7)
        """,
        test_fails=FAILS.format(no_database=True),
    )
    arguments = ("--hypothesis-profile=short", "--hypothesis-show-statistics", "-k", "passes", "-v")
    result = run(suite, "-n", "1", "--start-method", method, *arguments)
    assert "hypothesis profile 'short'" in result.stdout
    assert "Stopped because settings.max_examples=7\n" in result.stdout


def test_a_health_check(suite: Suite, method: str) -> None:
    suite.write(
        test_filters="""
            from hypothesis import given, strategies

            @given(strategies.integers().filter(lambda number: False))
            def test_filters(number): pass
        """
    )
    for how in (PLAIN, ("-n", "1", "--start-method", method)):
        result = run(suite, *how)
        assert result.counts == {"failed": 1}
        assert "hypothesis.errors." in result.failures[0].text


@pytest.mark.parametrize("is_large", [False, True])
def test_what_the_end_imports_is_there_before(suite: Suite, method: str, is_large: bool) -> None:
    """But in a large suite, whose processes hold enough."""
    conftest = """
        import sys
        from witness import mark

        def pytest_runtest_logreport(report):
            if report.when == "call" and hasattr(report, "node"):
                mark(f"imported {'hypothesis' in sys.modules}")
    """
    held = "HELD = b'x' * (80 << 20)" if is_large else ""
    suite.write(conftest=conftest, test_passes=f"{held}\ndef test_passes(): pass")
    run(suite, "-n", "2", "--start-method", method)
    assert [mark.name for mark in suite.marks("imported")] == [f"imported {not is_large}"]
