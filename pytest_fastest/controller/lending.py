"""Who has the terminal: workers whose tests a debugger has stopped, one after the other."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from pytest_fastest import tty

if TYPE_CHECKING:
    from pytest_fastest.controller.launch import Launched
    from pytest_fastest.controller.observe import Observer
    from pytest_fastest.controller.screen import Screen


class Lending:
    """Of one run. While the terminal is lent, what others report is held back."""

    def __init__(self, run: Launched, screen: Screen) -> None:
        self._coordinator = run.coordinator
        self._screen = screen
        self._has_keys = run.has_keys
        self._observer: Observer | None = None
        self._waiting: deque[int] = deque()
        self._borrower: int | None = None
        self._loan: tty.Loan | None = None
        self._is_closed = False

    @property
    def borrower(self) -> int | None:
        """The worker that has the terminal."""
        return self._borrower

    def watched_by(self, observer: Observer) -> None:
        """What this observer shows makes room for a debugger."""
        self._observer = observer

    def wanted(self, worker: int) -> None:
        """The worker waits for its turn."""
        self._waiting.append(worker)
        if self._borrower is None:
            self._lend()

    def ended(self, worker: int, cause: object = None) -> None:
        """The worker does not need it any more. `cause`: what it has died of, if it has."""
        if worker in self._waiting:
            self._waiting.remove(worker)
        if worker == self._borrower:
            if cause is not None and self._loan is not None:
                # Behind its prompt.
                self._loan.begin_line()
            self._take_back()
            if cause is not None:
                self._screen.say(f"gw{worker} {cause} in the debugger")
            if self._waiting:
                self._lend()

    def close(self) -> None:
        """Nobody gets the terminal any more."""
        self._is_closed = True
        while self._waiting:
            self._lend()

    def _lend(self) -> None:
        worker = self._waiting.popleft()
        # In the background of a shell it is not this run's to lend; and what comes from elsewhere is no debugger's.
        granted = self._has_keys and not self._is_closed and tty.is_ours()
        if granted:
            self._borrower = worker
            if self._observer is not None:
                self._observer.hold()
            self._loan = tty.Loan()
        self._coordinator.lend_terminal(worker, granted)

    def _take_back(self) -> None:
        self._borrower = None
        if self._loan is not None:
            self._loan.end()
            self._loan = None
        if self._observer is not None:
            self._observer.go_on()
