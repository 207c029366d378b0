"""Where the tests are, on demand: SIGUSR1 to the controller shows the stacks of what runs, and never ends the run."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Any

from pytest_fastest import _core
from pytest_fastest.worker import crash

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

    from pytest_fastest.controller.launch import Launched
    from pytest_fastest.controller.running import Running
    from pytest_fastest.controller.screen import Screen

# What processes have to write down their stacks (seconds).
_WRITING = 0.3


class Asked:
    """Whether somebody has asked. What a conftest or plugin does with the signal later takes its place."""

    def __init__(self, config: pytest.Config) -> None:
        """Listens until the end of the session, if nobody else does."""
        self._is_asked = False
        number: signal.Signals | None = getattr(signal, "SIGUSR1", None)
        if number is None or threading.current_thread() is not threading.main_thread():
            return
        if signal.getsignal(number) is not signal.SIG_DFL:
            return
        self._number = number
        signal.signal(number, self._note)
        config.add_cleanup(self._restore)

    def _note(self, _number: int, _frame: object) -> None:
        self._is_asked = True

    def _restore(self) -> None:
        if signal.getsignal(self._number) == self._note:
            signal.signal(self._number, signal.SIG_DFL)

    def take(self) -> bool:
        """Whether somebody has, since the last time."""
        asked, self._is_asked = self._is_asked, False
        return asked


class Stacks:
    """Answers, of one run."""

    def __init__(self, config: pytest.Config, run: Launched, screen: Screen) -> None:
        self._config = config
        self._asked = run.asked
        self._coordinator = run.coordinator
        self._directory = str(run.directory)
        self._screen = screen
        # From when on stacks are there, and whether they are those of tests.
        self._written: tuple[float, bool] | None = None

    def are_due(self, *, of_tests: bool) -> bool:
        """Whether it is time to show them: somebody has asked, and they have been written. To be called often.

        `of_tests`: tests are running; else they are collected.
        """
        now = _core.monotonic()
        # Others run now than when they were asked.
        is_late = self._written is not None and self._written[1] != of_tests
        if self._asked.take() or is_late:
            self._coordinator.dump()
            self._written = (now + _WRITING, of_tests)
        if self._written is None or now < self._written[0]:
            return False
        self._written = None
        return True

    def show_collection(self) -> None:
        """Shows what the collector is at."""
        if (reporter := self._begin("no test runs yet: collecting")) is not None:
            stack = crash.take_stack(self._directory, "collector")
            reporter.write_line(stack or "the process that collects has no stack yet")
            # Nothing may be written for a long time, and somebody waits for it.
            reporter.flush()

    def show(self, seen: Sequence[tuple[str, Running]]) -> None:
        """Shows what these tests are at; each with what it is called."""
        if (reporter := self._begin("running tests")) is None:
            return
        for name, running in seen:
            reporter.write_line(f"{name} ({running.seconds:.1f} s)", bold=True)
            stack = crash.take_stack(self._directory, f"gw{running.worker}")
            reporter.write_line(stack or "no stack: it has begun since")
        if not seen:
            reporter.write_line("none")

    def _begin(self, title: str) -> Any:
        reporter: Any = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            self._screen.begin_line()
            reporter.section(title, sep="=")
        return reporter
