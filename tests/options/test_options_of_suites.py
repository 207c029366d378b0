"""Suites that have options of the same names as ours: theirs count."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from processes.harness import Suite


@pytest.fixture
def owner(suite: Suite) -> Suite:
    suite.write(
        conftest="""
            def pytest_addoption(parser):
                parser.addoption("--ci", action="store_true")
                parser.addoption("--replay", action="store_true")
        """,
        test_one="""
            def test_1(request): assert request.config.getoption("--ci")
            def test_2(request): assert request.config.getoption("--replay")
        """,
    )
    return suite


def test_without_workers(owner: Suite) -> None:
    assert owner.run().counts == {"failed": 2}
    result = owner.run("--ci", "--replay")
    assert result.counts == {"passed": 2}
    assert result.header is None


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_with_workers(owner: Suite, method: str) -> None:
    result = owner.run("-n", "2", "--start-method", method, "--ci")
    assert result.counts == {"passed": 1, "failed": 1}
    assert result.workers == 2
    # The configuration file says it then.
    result = owner.run("-n", "2", "--start-method", method, "--ci", "-o", "fastest_ci=github")
    assert "::error file=test_one.py,line=3," in result.stdout
