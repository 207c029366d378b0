"""pytest-instafail: a failure is shown while others still run, and only once."""

from __future__ import annotations

import pytest
from processes.harness import METHODS, Suite, wait_until

pytestmark = pytest.mark.parametrize("method", METHODS)


def test_a_failure_is_shown_at_once(suite: Suite, method: str) -> None:
    suite.write(
        test_both="""
            import pathlib, time
            from witness import mark, meet

            def test_fails():
                meet(2)
                assert 1 == 2

            def test_waits():
                meet(2)
                while not pathlib.Path("shown").exists():
                    time.sleep(0.01)
        """
    )
    arguments = ("-n", "2", "--start-method", method, "--instafail")
    # It is not flushed, which matters where the output is not a terminal.
    unbuffered = {"PYTHONUNBUFFERED": "1"}
    with suite.running(*arguments, plugins=("instafail",), env=unbuffered) as running:
        wait_until(lambda: "E       assert 1 == 2" in (running.home / "stdout").read_text("utf-8"), 20, "the failure")
        (suite.root / "shown").touch()
        result = running.finish()
    assert result.counts == {"passed": 1, "failed": 1}
    assert result.returncode == 1
    assert result.stdout.count("E       assert 1 == 2") == 1
    assert result.stdout.count("__ test_fails __") == 1


def test_errors_and_output_are_those_of_plain_pytest(suite: Suite, method: str) -> None:
    suite.write(
        test_one="""
            import pytest

            @pytest.fixture
            def broken_setup(): raise OSError("set up")

            @pytest.fixture
            def broken_teardown():
                yield
                raise OSError("torn down")

            def test_setup(broken_setup): pass
            def test_teardown(broken_teardown): print("some output")
            def test_passes(): pass
        """
    )
    results = [
        suite.run(*how, "--instafail", plugins=("instafail",))
        for how in (("-p", "no:fastest"), ("-n", "2", "--start-method", method))
    ]
    for result in results:
        assert result.counts == {"passed": 2, "errors": 2}
        for line in ("ERROR at setup of test_setup", "ERROR at teardown of test_teardown", "some output"):
            assert result.stdout.count(line) == 1, result.output
