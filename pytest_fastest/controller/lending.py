"""Who has the terminal: workers whose tests a debugger has stopped, one after the other."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from pytest_fastest import tty

if TYPE_CHECKING:
    from pytest_fastest import _core
    from pytest_fastest.controller.observe import Observer


class Lending:
    """Of one run. While the terminal is lent, what others report is held back."""

    def __init__(self, coordinator: _core.Coordinator) -> None:
        self._coordinator = coordinator
        self._observer: Observer | None = None
        self._waiting: deque[int] = deque()
        self._borrower: int | None = None
        self._loan: tty.Loan | None = None

    def watched_by(self, observer: Observer) -> None:
        """What this observer shows makes room for a debugger."""
        self._observer = observer

    def wanted(self, worker: int) -> None:
        """The worker waits for its turn."""
        self._waiting.append(worker)
        if self._borrower is None:
            self._lend()

    def ended(self, worker: int) -> None:
        """The worker does not need it any more; it may be gone."""
        if worker in self._waiting:
            self._waiting.remove(worker)
        if worker == self._borrower:
            self._take_back()
            if self._waiting:
                self._lend()

    def _lend(self) -> None:
        worker = self._waiting.popleft()
        # In the background of a shell it is not this run's to lend.
        granted = tty.is_ours()
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
