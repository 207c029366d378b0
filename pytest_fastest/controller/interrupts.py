"""Ctrl-C while tests run."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def count_interrupts(interrupts: list[int]) -> Callable[[], None]:
    """Notes each Ctrl-C in `interrupts` instead of raising; returns what undoes that."""
    if threading.current_thread() is not threading.main_thread():
        return lambda: None
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # As in the background of a shell's script: plain pytest does not hear of it either.
        return lambda: None
    before = signal.signal(signal.SIGINT, lambda number, _frame: interrupts.append(number))

    def restore() -> None:
        signal.signal(signal.SIGINT, before)

    return restore
