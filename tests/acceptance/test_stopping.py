"""Runs that end before all tests have run."""

from __future__ import annotations

import re

import pytest
from parity import ALL, PLAIN, Parity, Run
from processes.harness import METHODS

# Enough modules that something is left to stop, each with one failure among passes.
FAILING = {
    f"test_{number:02}.py": """
        import time
        def test_first(): time.sleep(0.005)
        def test_second(): assert 0
        def test_third(): time.sleep(0.005)
        def test_fourth(): time.sleep(0.005)
    """
    for number in range(20)
}
WORKERS = 2


def calls(run: Run, outcome: str | None = None) -> int:
    return sum(when == "call" and outcome in (None, result) for _, when, result in run.outcomes)


def stopped_after(run: Run) -> int:
    """The number of failures in pytest's line about them."""
    match = re.search(r"!!! stopping after (\d+) failures !!!", run.stdout)
    assert match is not None, run.stdout
    return int(match[1])


def phases_are_whole(run: Run) -> bool:
    """Whether every test that was reported was reported from set-up to teardown."""
    by_test: dict[str, list[str]] = {}
    for nodeid, when, _ in run.outcomes:
        by_test.setdefault(nodeid, []).append(when)
    return all(sorted(phases) == ["call", "setup", "teardown"] for phases in by_test.values())


@pytest.mark.parametrize("how", ALL, ids=METHODS)
@pytest.mark.parametrize(("option", "limit"), [("-x", 1), ("--maxfail=3", 3)])
def test_limit_of_failures(parity: Parity, how: tuple[str, ...], option: str, limit: int) -> None:
    parity.write(FAILING)
    plain, run = parity.run("-rA", option, how=PLAIN), parity.run("-rA", option, how=how)
    assert run.returncode == plain.returncode == pytest.ExitCode.TESTS_FAILED
    assert f"stopping after {limit} failures" in plain.stdout
    # Those that ran beside the last failure may fail too.
    assert limit <= calls(run, "failed") < limit + WORKERS
    assert limit <= stopped_after(run) <= calls(run, "failed")
    assert phases_are_whole(run)
    assert not run.leftovers
    assert f"{calls(run, 'failed')} failed" in run.output.counts


def test_limit_that_is_not_reached(parity: Parity) -> None:
    parity.write({name: FAILING[name] for name in list(FAILING)[:4]})
    plain, *_ = parity.check("--maxfail=5")
    assert calls(plain) == 16


def test_limit_that_is_reached_by_the_last_test(parity: Parity) -> None:
    parity.write(
        {"test_a.py": "def test_a(): pass", "test_b.py": "import time\ndef test_b():\n    time.sleep(.2)\n    assert 0"}
    )
    parity.check("-x")


def test_limit_counts_errors_of_fixtures(parity: Parity) -> None:
    text = """
        import pytest, time
        @pytest.fixture
        def broken(): raise ValueError
        def test_error(broken): pass
        def test_error_too(broken): pass
        def test_slow(): time.sleep(0.05)
        def test_slow_too(): time.sleep(0.05)
    """
    parity.write({f"test_{name}.py": text for name in "abcdef"})
    run = parity.run("-x")
    assert run.returncode == pytest.ExitCode.TESTS_FAILED
    failures = sum(outcome == "failed" for *_, outcome in run.outcomes)
    assert 1 <= failures <= WORKERS
    assert 1 <= stopped_after(run) <= failures


@pytest.mark.parametrize("how", ALL, ids=METHODS)
@pytest.mark.parametrize("attribute", ["shouldstop", "shouldfail"])
def test_session_is_told_to_stop_by_a_test(parity: Parity, attribute: str, how: tuple[str, ...]) -> None:
    # The first test stops; its module has the most tests, so that it begins at once.
    stops = f"def test_stops(request): request.session.{attribute} = 'the reason'\n"
    slow = "import time\n" + "\n".join(f"def test_{number}(): time.sleep(0.05)" for number in range(20))
    parity.write({"test_a.py": stops + slow, "test_b.py": slow, "test_c.py": slow})
    plain, run = parity.run("-rA", how=PLAIN), parity.run("-rA", how=how)
    assert run.returncode == plain.returncode
    assert "the reason !!" in plain.stdout
    assert "the reason !!" in run.stdout
    assert calls(run) < 20
    assert phases_are_whole(run)


@pytest.mark.parametrize("place", ["call", "fixture", "teardown"])
@pytest.mark.parametrize("returncode", [None, 7])
def test_exit_by_a_test(parity: Parity, place: str, returncode: int | None) -> None:
    exits = f"pytest.exit('enough', returncode={returncode})"
    text = f"""
        import pytest

        @pytest.fixture
        def value():
            {exits if place == "fixture" else "pass"}
            yield
            {exits if place == "teardown" else "pass"}

        def test_exits(value):
            {exits if place == "call" else "pass"}
    """
    slow = "import time\n" + "\n".join(f"def test_{number}(): time.sleep(0.05)" for number in range(20))
    parity.write({"test_a.py": text, "test_b.py": slow})
    plain = parity.run("-rA", how=PLAIN)
    assert "Exit: enough" in plain.stdout
    for how in ALL:
        run = parity.run("-rA", how=how)
        assert run.returncode == plain.returncode == (returncode or pytest.ExitCode.INTERRUPTED)
        assert "Exit: enough" in run.stdout
        assert "INTERNALERROR" not in run.stdout
        assert calls(run) < 20
        assert not run.leftovers


@pytest.mark.parametrize("how", ALL, ids=METHODS)
@pytest.mark.parametrize("place", ["call", "fixture"])
def test_keyboard_interrupt_raised_by_a_test(parity: Parity, place: str, how: tuple[str, ...]) -> None:
    text = f"""
        import pytest

        @pytest.fixture
        def value():
            {"raise KeyboardInterrupt" if place == "fixture" else "pass"}

        def test_interrupts(value): raise KeyboardInterrupt
    """
    slow = "import time\n" + "\n".join(f"def test_{number}(): time.sleep(0.05)" for number in range(20))
    parity.write({"test_a.py": text, "test_b.py": slow})
    plain, run = parity.run("-rA", how=PLAIN), parity.run("-rA", how=how)
    assert run.returncode == plain.returncode == pytest.ExitCode.INTERRUPTED
    assert "!! KeyboardInterrupt !!" in plain.stdout
    assert "!! KeyboardInterrupt !!" in run.stdout
    assert "INTERNALERROR" not in run.stdout
    assert calls(run) < 20
    assert not run.leftovers


@pytest.mark.parametrize(
    "hook",
    [
        "pytest_runtest_protocol(item)",
        "pytest_runtest_logreport(report)",
        "pytest_runtest_makereport(item)",
        "pytest_runtest_logstart()",
        "pytest_runtest_logfinish()",
        "pytest_runtestloop()",
        "pytest_sessionfinish()",
    ],
)
def test_internal_error_in_a_hook(parity: Parity, hook: str) -> None:
    parity.write(
        {
            "conftest.py": f"def {hook}: raise ValueError('by a hook')",
            "test_a.py": "def test_a(): pass",
            "test_b.py": "def test_b(): pass",
        }
    )
    plain = parity.run(how=PLAIN)
    assert "ValueError: by a hook" in plain.stdout + plain.stderr
    for how in ALL:
        run = parity.run(how=how)
        assert run.returncode == plain.returncode
        assert "ValueError: by a hook" in run.stdout + run.stderr
        # An error at the very end of a worker's session is one of its own, besides the controller's.
        if "sessionfinish" not in hook:
            assert ("INTERNALERROR" in run.stdout) == ("INTERNALERROR" in plain.stdout)
        assert not run.leftovers


def test_errors_of_set_up_hooks_belong_to_the_tests(parity: Parity) -> None:
    parity.write(
        {
            "conftest.py": """
                import pytest

                def pytest_runtest_setup(item):
                    if item.name == "test_a": raise ValueError("set-up")
                def pytest_runtest_call(item):
                    if item.name == "test_b": raise ValueError("call")
                @pytest.hookimpl(trylast=True)
                def pytest_runtest_teardown(item):
                    if item.name == "test_c": raise ValueError("teardown")
            """,
            **{f"test_in_{name}.py": f"def test_{name}(): pass" for name in "abcd"},
        }
    )
    parity.check(hows=ALL)


def test_sessionfinish_changes_the_exit_code(parity: Parity) -> None:
    parity.write(
        {
            "conftest.py": "def pytest_sessionfinish(session): session.exitstatus = 9",
            "test_a.py": "def test_a(): pass",
            "test_b.py": "def test_b(): pass",
        }
    )
    plain, *_ = parity.check(hows=ALL)
    assert plain.returncode == 9


# What only a process that runs tests knows.
_COUNTS = """
    import pytest

    ran = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(item): ran.append(item.name)
"""


@pytest.mark.parametrize("end", ["session.exitstatus = 9", "pytest.exit('flaky', returncode=9)"])
@pytest.mark.parametrize("outcome", ["pass", "assert False"])
def test_sessionfinish_changes_the_exit_code_for_what_it_saw(parity: Parity, end: str, outcome: str) -> None:
    parity.write(
        {
            "conftest.py": f"""{_COUNTS}
    def pytest_sessionfinish(session, exitstatus):
        if exitstatus == 0 and "test_a" in ran:
            {end}
            """,
            "test_a.py": "def test_a(): pass",
            "test_b.py": f"def test_b(): {outcome}",
        }
    )
    plain, *_ = parity.check(hows=ALL)
    assert plain.returncode == (9 if outcome == "pass" else 1)
