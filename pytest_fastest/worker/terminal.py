"""The standard streams of the processes that nobody reads, and of the tests, which somebody does."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from _pytest.faulthandler import fault_handler_stderr_fd_key

from pytest_fastest.worker import muted

if TYPE_CHECKING:
    from collections.abc import Generator

    import pytest

# The streams of a worker that the controller reads.
OUT, ERR = "out", "err"


class Terminal(NamedTuple):
    """Copies of the descriptors that the controller writes to, and whether it writes to a terminal."""

    stdout: int
    stderr: int
    is_terminal: bool

    @classmethod
    def leave(cls) -> Terminal:
        """Points all three streams to nowhere: whatever conftests print, the controller's own copy prints too."""
        flush()
        terminal = cls(os.dup(1), os.dup(2), sys.stdout.isatty())
        _point_to_nowhere(0, 1, 2)
        return terminal

    def show_collection(self, config: pytest.Config) -> None:
        """Lets the output through that capturing leaves: only this process collects."""
        self._show(config, hidden=())

    def return_for_tests(self, config: pytest.Config, directory: str, worker: int) -> None:
        """Starts capturing anew, so that no file is shared with another process, and lets through what is not
        captured: standard error, and standard output unless all of it is captured. If the controller shows it line by
        line, it goes there.
        """
        passages = _open_passages(directory, worker) if is_shown(config) else None
        if getattr(config.option, "capture", "no") == "fd":
            # What else is written when descriptors are captured goes on as before.
            self._show(config, hidden=(1,))
            self._show_while_disabled(config)
        elif passages is not None:
            self._replace(stdout=passages[0], stderr=passages[1])._show(config, hidden=())
            with contextlib.suppress(AttributeError):
                # To a pipe, Python would write when it has some thousand characters.
                sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
        else:
            self._show(config, hidden=())
        if passages is not None and _has_live_logs(config):
            muted.pass_on(config, passages[0])

    def _show_while_disabled(self, config: pytest.Config) -> None:
        """`capsys.disabled()` is meant to be seen, in contrast to what plugins print between tests in each worker."""
        capture: Any = config.pluginmanager.get_plugin("capturemanager")
        disabled = capture.global_and_fixture_disabled

        @contextlib.contextmanager
        def shown() -> Generator[None]:
            with disabled():
                # To nowhere, or to a debugger's terminal.
                before = os.dup(1)
                os.dup2(self.stdout, 1)
                try:
                    yield
                finally:
                    sys.stdout.flush()
                    os.dup2(before, 1)
                    os.close(before)

        capture.global_and_fixture_disabled = shown

    def _show(self, config: pytest.Config, *, hidden: tuple[int, ...]) -> None:
        # Capturing remembers where the streams went when it began, and goes back there.
        capture = config.pluginmanager.get_plugin("capturemanager")
        if capture is not None:
            capture.suspend_global_capture()
            capture.read_global_capture()
            capture.stop_global_capturing()
        flush()
        os.dup2(self.stdout, 1)
        os.dup2(self.stderr, 2)
        # pytest's fault handler has a copy of standard error, made when that led to nowhere.
        faults = config.stash.get(fault_handler_stderr_fd_key, None)
        if faults is not None:
            os.dup2(self.stderr, faults)
        _point_to_nowhere(*hidden)
        if capture is not None:
            capture.start_global_capturing()
            capture.suspend_global_capture()


def is_shown(config: pytest.Config) -> bool:
    """Whether something of what tests write is to be seen while they run."""
    return os.name == "posix" and (getattr(config.option, "capture", "no") != "fd" or _has_live_logs(config))


def _has_live_logs(config: pytest.Config) -> bool:
    if getattr(config.option, "log_cli_level", None) is not None:
        return True
    try:
        return bool(config.getini("log_cli"))
    except ValueError:
        return False  # -p no:logging


def passage(directory: Path | str, worker: int, kind: str) -> Path:
    """Where the worker finds the stream that the controller reads."""
    return Path(directory) / f"gw{worker}.{kind}"


def _open_passages(directory: str, worker: int) -> tuple[int, int] | None:
    try:
        out, err = (os.open(passage(directory, worker, kind), os.O_WRONLY | os.O_NOCTTY) for kind in (OUT, ERR))
    except OSError:
        return None
    return out, err


def open_all() -> None:
    """Sees to it that there are three standard streams. Whoever starts pytest may have closed some; what is opened
    later would get their numbers, and be taken for them.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            # The lowest number that is free.
            os.open(os.devnull, os.O_RDWR)


def flush() -> None:
    """Writes what is buffered to where it was meant to go: before a fork, which would write it twice, and before a
    descriptor leads elsewhere.
    """
    for stream in (sys.stdout, sys.stderr):
        # A test or conftest may have closed or replaced them.
        with contextlib.suppress(AttributeError, OSError, ValueError):
            stream.flush()


def _point_to_nowhere(*descriptors: int) -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in descriptors:
        os.dup2(nowhere, descriptor)
    os.close(nowhere)
