"""Signals to the controller before the first test and behind the last one; those during a test are in
`processes/test_interrupts.py` and `test_terminate.py`.
"""

from __future__ import annotations

import signal
import subprocess

import pytest
from processes.harness import METHODS, Suite

from faults.places import CONFTEST

TEST = "from witness import mark\ndef test_it(): mark('ran')"
PLACES = ("collecting", "tearing down", "finishing")


SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)
# Each signal at each place, and under each start method.
CASES = [
    (place, method, SIGNALS[(row + column) % 3])
    for row, place in enumerate(PLACES)
    for column, method in enumerate(METHODS)
]


@pytest.mark.parametrize(("place", "method", "signum"), CASES)
def test_they_end_the_run(suite: Suite, place: str, method: str, signum: signal.Signals) -> None:
    """As plain pytest, which dies of them; nothing stays behind."""
    suite.write(conftest=CONFTEST, test_a=TEST, test_b=TEST)
    with suite.running("-n", "2", "--start-method", method, env={"WAITS_AT": place}, grace=5.0) as running:
        suite.await_marks(place)
        running.interrupt(signum)
        result = running.finish(10)
    assert result.returncode == -signum, result.output


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("place", ["tearing down", "finishing"])
def test_ctrl_c_behind_the_last_test(suite: Suite, method: str, place: str) -> None:
    """What has passed stays passed, and what waits is ended."""
    suite.write(conftest=CONFTEST, test_a=TEST, test_b=TEST)
    with suite.running("-n", "1", "--start-method", method, env={"WAITS_AT": place}) as running:
        suite.await_marks(place)
        running.interrupt(group=True)
        result = running.finish(10)
    assert result.returncode == 2, result.output
    assert "!! KeyboardInterrupt !!" in result.stdout
    assert len(suite.marks("ran")) == 2


@pytest.mark.parametrize("method", METHODS)
def test_the_controller_alone_is_interrupted_behind_the_last_test(suite: Suite, method: str) -> None:
    """It waits for its workers' sessions to end; another one does not."""
    suite.write(conftest=CONFTEST, test_a=TEST, test_b=TEST)
    with suite.running("-n", "1", "--start-method", method, env={"WAITS_AT": "finishing"}) as running:
        suite.await_marks("finishing")
        running.interrupt()
        with pytest.raises(subprocess.TimeoutExpired):
            running.process.wait(0.5)
        running.interrupt()
        result = running.finish(10)
    assert result.returncode == 2, result.output
    assert result.counts == {"passed": 2}
