"""SIGUSR1 to the controller: it says where the run is, and goes on, whenever the signal comes."""

from __future__ import annotations

import re
import signal
import sys
from typing import TYPE_CHECKING

import pytest
from processes.harness import METHODS, wait_until

if TYPE_CHECKING:
    from processes.harness import Running, Suite

WAITS = """
import os, time
from witness import mark

def wait_for_somebody(name):
    mark(name)
    while not os.path.exists("go"):
        time.sleep(0.01)
"""
IS_CONTROLLER = 'os.getppid() == int(os.environ["RECORD_PARENT"])'


@pytest.fixture
def waiting(suite: Suite) -> Suite:
    """With a test, and `wait_for_somebody` in `waits.py`."""
    suite.write(waits=WAITS, test_a="def test_a(): pass")
    return suite


def goes_on(suite: Suite, running: Running) -> None:
    (suite.root / "go").touch()
    result = running.finish()
    assert result.returncode == 0, result.output
    assert result.counts == {"passed": 1}


def await_output(running: Running, pattern: str) -> None:
    wait_until(lambda: re.search(pattern, running._read("stdout")) is not None, 20.0, pattern)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("place", ["conftest", "test_a"])
def test_while_tests_are_collected(waiting: Suite, method: str, place: str) -> None:
    """The stack is that of the collector, also where it loads a conftest, which the controller has loaded before."""
    waits = f"import os\nfrom waits import wait_for_somebody\nif not {IS_CONTROLLER}: wait_for_somebody('waits')\n"
    waiting.write(**{place: waits + "def test_a(): pass"})
    with waiting.running("-n", "1", "--start-method", method) as running:
        waiting.await_marks("waits")
        # The controller may not be there yet, with its session: then it says so a little later.
        running.interrupt(signal.SIGUSR1)
        await_output(
            running, rf"(?s)=+ no test runs yet: collecting =+\n.*in wait_for_somebody\n.*{place}\.py.*<module>"
        )
        goes_on(waiting, running)


@pytest.mark.parametrize("place", ["conftest", "configure", "sessionstart", "sessionfinish", "unconfigure"])
def test_while_the_controller_is_at_something(waiting: Suite, place: str) -> None:
    waits = f"if {IS_CONTROLLER}: wait_for_somebody('waits')"
    body = waits if place == "conftest" else f"def pytest_{place}():\n    {waits}"
    waiting.write(conftest=f"import os\nfrom waits import wait_for_somebody\n{body}")
    with waiting.running("-n", "1") as running:
        waiting.await_marks("waits")
        running.interrupt(signal.SIGUSR1)
        goes_on(waiting, running)


def test_without_workers_nothing_changes(waiting: Suite) -> None:
    waiting.write(test_a="from waits import wait_for_somebody\ndef test_a(): wait_for_somebody('waits')")
    with waiting.running("-n", "no") as running:
        waiting.await_marks("waits")
        running.interrupt(signal.SIGUSR1)
        assert running.finish().returncode == -signal.SIGUSR1


def test_the_signal_is_given_back(waiting: Suite) -> None:
    """Who runs pytest in a process that goes on finds it as it was."""
    waiting.write(
        main="""
        import os, signal, pytest
        for attempt in range(2):
            assert pytest.main(["-n", "1"]) == 0
            assert signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL
        """
    )
    with waiting.running(command=[sys.executable, "main.py"]) as running:
        assert running.finish().returncode == 0


def test_who_has_asked_the_fault_handler_gets_its_stacks(waiting: Suite) -> None:
    waiting.write(
        conftest=f"""
        import faulthandler, os, signal
        if {IS_CONTROLLER}:
            faulthandler.register(signal.SIGUSR1, open("mine", "w"))
        """,
        test_a="from waits import wait_for_somebody\ndef test_a(): wait_for_somebody('waits')",
    )
    with waiting.running("-n", "1") as running:
        waiting.await_marks("waits")
        running.interrupt(signal.SIGUSR1)
        wait_until(lambda: "most recent call first" in (waiting.root / "mine").read_text(), 20.0, "the stacks")
        goes_on(waiting, running)
