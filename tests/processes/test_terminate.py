"""Ctrl-C, SIGTERM, SIGKILL: what runs is cleaned up, what is finished is reported, and nothing stays."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from processes.harness import METHODS

if TYPE_CHECKING:
    from processes.harness import Suite

SLOW = """
    import time
    import pytest
    from witness import mark

    @pytest.fixture(scope="module")
    def of_the_module():
        yield
        mark("module torn down")

    @pytest.fixture
    def resource(of_the_module):
        yield
        mark("torn down")

    def test_quick(resource): pass

    def test_slow(resource):
        mark("started")
        time.sleep(50)

    def test_never(resource): mark("never")
"""


@pytest.mark.parametrize("method", METHODS)
def test_terminate(suite: Suite, method: str) -> None:
    """As plain pytest, the controller dies of it; its processes and files go with it."""
    suite.write(test_a=SLOW, test_b=SLOW)
    with suite.running("-n", "2", "--start-method", method, grace=5.0) as running:
        suite.await_marks("started", 2)
        running.interrupt(signal.SIGTERM)
        result = running.finish(10)
    assert result.returncode == -signal.SIGTERM


@pytest.mark.parametrize("method", METHODS)
def test_terminate_the_group(suite: Suite, method: str) -> None:
    suite.write(test_a=SLOW, test_b=SLOW)
    with suite.running("-n", "2", "--start-method", method, grace=5.0) as running:
        suite.await_marks("started", 2)
        running.interrupt(signal.SIGTERM, group=True)
        result = running.finish(10)
    assert result.returncode == -signal.SIGTERM


@pytest.mark.parametrize("method", METHODS)
def test_kill(suite: Suite, method: str) -> None:
    """Nothing that a controller could do: others see that it is gone."""
    suite.write(test_a=SLOW, test_b=SLOW)
    with suite.running("-n", "2", "--start-method", method, grace=5.0) as running:
        suite.await_marks("started", 2)
        running.interrupt(signal.SIGKILL)
        result = running.finish(10)
    assert result.returncode == -signal.SIGKILL
