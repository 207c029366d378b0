"""Signals while tests run: Ctrl-C, and what ends or stops this process."""

from __future__ import annotations

import os
import signal
import threading
from functools import partial
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


def wipe_before_endings(wipe: Callable[[], None], soon: Callable[[Callable[[], None]], None]) -> Callable[[], None]:
    """Calls `wipe` before a signal stops or ends this process: nothing is to stand where the shell goes on to write.
    `soon` calls something as soon as the terminal is not being written to. Returns what undoes that.
    """
    numbers = [getattr(signal, name) for name in ("SIGTSTP", "SIGTERM", "SIGQUIT") if hasattr(signal, name)]
    if threading.current_thread() is not threading.main_thread():
        return lambda: None
    ours = [number for number in numbers if signal.getsignal(number) is signal.SIG_DFL]

    def hear(number: int, _frame: object) -> None:
        soon(partial(end, number))

    def end(number: int) -> None:
        wipe()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        # It was stopped, and goes on.
        signal.signal(number, hear)

    for number in ours:
        signal.signal(number, hear)

    def restore() -> None:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)

    return restore
