"""The terminal of this session, as a debugger needs it: for one process at a time, with its keys.

A key like Ctrl-C sends a signal to the terminal's foreground process group. Whoever debugs gets a group of its own, so
that the others do not hear of it.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

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


def note(directory: str) -> Path:
    """Where in the run's directory it is written down who has the terminal."""
    return Path(directory) / "borrower"


def write_down(note: Path, terminal: int) -> None:
    """Before this process's group gets the terminal. Without room for it, a killed run does not give it back."""
    with contextlib.suppress(OSError, termios.error):
        note.write_bytes(marshal.dumps((os.getpgrp(), termios.tcgetattr(terminal))))


def hear_of_no_background() -> dict[signal.Signals, Any]:
    """Lets this process go on when the others of its group are stopped because they read from, or write to, a terminal
    that they have lent. Returns the handlers from before.
    """
    if termios is None:
        return {}
    return {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGTTIN, signal.SIGTTOU)}


def recover(note: Path) -> None:
    """Takes the terminal back for this process's group, if a borrower still has it and the lender is gone.

    What the group does then, a script for instance, was perhaps stopped meanwhile.
    """
    try:
        borrower, attributes = marshal.loads(note.read_bytes())
        terminal = open_terminal()
    except (AttributeError, EOFError, OSError, ValueError, TypeError):
        return
    try:
        # A shell may have taken it already.
        if os.tcgetpgrp(terminal) == borrower:
            put_in_foreground(terminal, os.getpgrp())
            with _undisturbed():
                termios.tcsetattr(terminal, termios.TCSADRAIN, attributes)
            os.killpg(os.getpgrp(), signal.SIGCONT)
    except (OSError, termios.error):
        return
    finally:
        os.close(terminal)


class Loan:
    """The lender's side: how the terminal was, to have it back so."""

    def __init__(self) -> None:
        """Raises `OSError` if there is none."""
        self._terminal = open_terminal()
        self._attributes = termios.tcgetattr(self._terminal)

    def begin_line(self) -> None:
        """Lets what is written next stand on a line of its own, wherever the borrower has left off."""
        with contextlib.suppress(OSError), _undisturbed():
            os.write(self._terminal, b"\n")

    def end(self) -> None:
        """Takes the terminal back, in whatever state the borrower has left it; it may have died."""
        with contextlib.suppress(OSError, termios.error):
            put_in_foreground(self._terminal, os.getpgrp())
            with _undisturbed():
                termios.tcsetattr(self._terminal, termios.TCSADRAIN, self._attributes)
        os.close(self._terminal)
