"""A debugger in a worker: `--pdb`, `--trace`, `breakpoint()`. The worker asks for the terminal when pytest lets go of
the standard streams for a debugger, and returns it when capturing goes on.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

from pytest_fastest import tty

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import pytest


class Debugging:
    """Of one worker."""

    def __init__(
        self, config: pytest.Config, directory: str, borrow: Callable[[], bool], give_back: Callable[[], None]
    ) -> None:
        """`directory`: the run's. `borrow` waits until the terminal is this worker's, and says whether it is;
        `give_back` says that it is not any more.
        """
        self._config = config
        self._note = tty.note(directory)
        self._borrow = borrow
        self._say_back = give_back
        self._borrowed: _Borrowed | None = None
        manager: Any = config.pluginmanager.get_plugin("capturemanager")
        if manager is None:
            return  # -p no:capture
        self._suspend = manager.suspend_global_capture
        self._resume = manager.resume_global_capture
        manager.suspend_global_capture = self._suspend_and_borrow
        manager.resume_global_capture = self._give_back_and_resume

    def _suspend_and_borrow(self, in_: bool = False) -> None:
        self._suspend(in_)
        # Standard input is let go for a debugger, and for nothing else.
        if in_ and self._borrowed is None and tty.exists() and self._borrow():
            self._borrowed = _Borrowed(self._config, self._note)

    def _give_back_and_resume(self) -> None:
        self.give_back()
        self._resume()

    def give_back(self) -> None:
        """Nobody debugs any more."""
        if self._borrowed is not None:
            self._borrowed.end()
            self._borrowed = None
            self._say_back()


@contextlib.contextmanager
def only_in_tests(config: pytest.Config) -> Iterator[None]:
    """Lets `--pdb` pass over errors until the end of the block: they are reported. Who collects has no terminal."""
    debugger = config.pluginmanager.get_plugin("pdbinvoke")
    if debugger is None:
        yield
        return
    config.pluginmanager.unregister(debugger)
    try:
        yield
    finally:
        config.pluginmanager.register(debugger, "pdbinvoke")


class _Borrowed:
    """The terminal in the hands of this process: its standard streams lead there, and its keys are for it alone."""

    def __init__(self, config: pytest.Config, note: Path) -> None:
        """`note`: for who has to take the terminal back if nobody else is left."""
        self._terminal = tty.open_terminal()
        self._before = [os.dup(stream) for stream in (0, 1, 2)]
        for stream in (0, 1, 2):
            os.dup2(self._terminal, stream)
        # Which of the workers this is, and of which test, nothing else tells.
        where = os.environ.get("PYTEST_CURRENT_TEST", "between two tests")
        worker = config.workerinput["workerid"]  # type: ignore[attr-defined]
        os.write(1, f"\n{worker}: {where}\n".encode("utf-8", "replace"))
        self._group = os.getpgrp()
        self._note = note
        with contextlib.suppress(OSError):
            os.setpgid(0, 0)
            tty.write_down(note, self._terminal)
            tty.put_in_foreground(self._terminal, os.getpgrp())
        # Stopped alone, it would leave a terminal that nobody reads: the shell looks after the controller. And a key
        # ends no test that somebody debugs: that is what `quit` is for.
        self._handlers: list[tuple[signal.Signals, Any]] = []
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTSTP, signal.SIGQUIT):
                self._handlers.append((number, signal.signal(number, signal.SIG_IGN)))
            # pdb leaves one that stops in the debugger again; behind it, a Ctrl-C is for the run.
            self._handlers.append((signal.SIGINT, signal.getsignal(signal.SIGINT)))
        reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
        self._writer: Any = getattr(reporter, "_tw", None)
        if self._writer is not None:
            self._file, self._writer._file = self._writer._file, sys.stdout

    def end(self) -> None:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(AttributeError, OSError, ValueError):
                stream.flush()
        if self._writer is not None:
            self._writer._file = self._file
        with contextlib.suppress(OSError):
            tty.put_in_foreground(self._terminal, self._group)
            os.setpgid(0, self._group)
            self._note.unlink(missing_ok=True)
        for number, handler in self._handlers:
            signal.signal(number, handler)
        for stream, before in enumerate(self._before):
            os.dup2(before, stream)
            os.close(before)
        os.close(self._terminal)
