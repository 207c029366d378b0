"""The terminal of this session, as a debugger needs it: for one process at a time, with its keys.

A key like Ctrl-C sends a signal to the terminal's foreground process group. Whoever debugs gets a group of its own, so
that the others do not hear of it.
"""

from __future__ import annotations

import contextlib
import os
import signal
from typing import TYPE_CHECKING

try:
    import termios
except ImportError:  # Windows.
    termios = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Iterator


def is_ours() -> bool:
    """Whether there is a terminal, and this process is in its foreground."""
    try:
        terminal = open_terminal()
    except (AttributeError, OSError):
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)


def has_keys() -> bool:
    """Whether standard input is a terminal. To be asked before pytest captures it."""
    return os.isatty(0)


def exists() -> bool:
    """Whether this session has a terminal."""
    try:
        os.close(open_terminal())
    except (AttributeError, OSError):
        return False
    return True


def open_terminal() -> int:
    """A descriptor of the session's terminal. Raises `OSError` if there is none, `AttributeError` on Windows."""
    return os.open(os.ctermid(), os.O_RDWR | os.O_NOCTTY)


def put_in_foreground(terminal: int, group: int) -> None:
    """Gives a process group the terminal's keys, although this process may not be in the foreground itself."""
    with _undisturbed():
        os.tcsetpgrp(terminal, group)


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Loan:
    """The lender's side: how the terminal was, to have it back so."""

    def __init__(self) -> None:
        """Raises `OSError` if there is none."""
        self._terminal = open_terminal()
        self._attributes = termios.tcgetattr(self._terminal)

    def end(self) -> None:
        """Takes the terminal back, in whatever state the borrower has left it; it may have died."""
        with contextlib.suppress(OSError, termios.error):
            put_in_foreground(self._terminal, os.getpgrp())
            with _undisturbed():
                termios.tcsetattr(self._terminal, termios.TCSADRAIN, self._attributes)
        os.close(self._terminal)
