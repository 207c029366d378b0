"""What tests write while they run and nobody captures (`-s`, `--capture=sys` and `tee-sys`, live logs): it comes from
all workers, and is shown line by line.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

from pytest_fastest import _core
from pytest_fastest.worker import terminal

if TYPE_CHECKING:
    from pathlib import Path
    from typing import TextIO

    import pytest

    from pytest_fastest.controller.screen import Screen

# A line without an end is shown after so many seconds all the same.
_PATIENCE = 1.0
# One look reads no more than this of each stream: a test that writes without end does not keep the run from going on
# (bytes).
_MOST = 1 << 20
# While somebody debugs, no more than this waits to be shown (bytes). Who has more to write waits, as at a full pipe.
_MOST_HELD = 1 << 20
_CHUNK = 1 << 16


class Outputs:
    """The streams of all workers of a run."""

    def __init__(self, config: pytest.Config, directory: Path, screen: Screen) -> None:
        # Its options are not all there yet.
        self._config = config
        self._directory = directory
        self._screen = screen
        self._streams: list[_Stream] = []
        self._held = 0

    def descriptors(self) -> int:
        """How many each worker's streams take of this process."""
        if not terminal.is_shown(self._config):
            return 0
        kinds = [sys.stdout] if _lead_to_one_place() else [sys.stdout, sys.stderr]
        return sum(2 if _is_terminal(stream) else 1 for stream in kinds)

    def open(self, worker: int) -> None:
        """Before the worker starts, which finds its streams in the run's directory. If there is no room for them, it
        writes to where the controller writes.
        """
        if not terminal.is_shown(self._config):
            return
        prefix = f"[gw{worker}] " if self._is_prefixed() else ""
        for kind, stream in ((terminal.OUT, sys.stdout), (terminal.ERR, sys.stderr)):
            path = terminal.passage(self._directory, worker, kind)
            with contextlib.suppress(OSError):
                if kind == terminal.ERR and _lead_to_one_place():
                    # One stream keeps the order in which they are written to.
                    path.symlink_to(terminal.passage(self._directory, worker, terminal.OUT))
                    continue
                is_error = kind == terminal.ERR
                self._streams.append(_Stream(worker, path, prefix.encode(), _is_terminal(stream), is_error=is_error))

    def _is_prefixed(self) -> bool:
        wish = self._config.option.output_prefix
        return bool(sys.stdout.isatty() if wish == "auto" else wish == "on")

    def show(self, borrower: int | None = None) -> bool:
        """Shows what has come; whether anything has. `borrower`: a worker that has the terminal, until when the others'
        output waits.
        """
        self._held = 0 if borrower is None else self._held
        # The borrower never waits: nobody could let it go on.
        is_full = self._held >= _MOST_HELD
        found = [(stream, stream.lines()) for stream in self._streams if not is_full or stream.worker == borrower]
        self._held += sum(len(lines) for _, lines in found)
        for stream, lines in found:
            if lines:
                self._screen.pass_on(lines, is_error=stream.is_error)
        return any(lines for _, lines in found)

    def close(self) -> None:
        """Shows the rest. Who still writes then is not heard any more."""
        while self.show():
            pass
        for stream in self._streams:
            if rest := stream.close():
                self._screen.pass_on(rest, is_error=stream.is_error)
        self._streams.clear()


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()


def _lead_to_one_place() -> bool:
    """Whether standard output and standard error are the same file or terminal."""
    try:
        return os.path.sameopenfile(sys.stdout.fileno(), sys.stderr.fileno())
    except (AttributeError, OSError, ValueError):
        return False


class _Stream:
    """One of a worker's two streams: a pipe, or a terminal if the controller's own leads to one, as tests may ask."""

    def __init__(self, worker: int, path: Path, prefix: bytes, is_terminal: bool, *, is_error: bool) -> None:
        """Raises `OSError` if it can't be made."""
        self.worker = worker
        self.is_error = is_error
        self._prefix = prefix
        self._descriptors: list[int] = []
        self._begun = b""
        self._since = 0.0
        if is_terminal:
            self._descriptors += _terminal(path)
        else:
            os.mkfifo(path, 0o600)
            self._descriptors.append(os.open(path, os.O_RDONLY | os.O_NONBLOCK))

    def lines(self) -> bytes:
        """What has come of whole lines, each behind the prefix."""
        data = self._read()
        if data:
            self._since = _core.monotonic()
            whole, end, self._begun = (self._begun + data).rpartition(b"\n")
            # A line that has grown too long is not waited for.
            return self._prefixed(whole + end) + (self._rest() if len(self._begun) >= _MOST else b"")
        if self._begun and _core.monotonic() - self._since > _PATIENCE:
            return self._rest()
        return b""

    def _read(self) -> bytes:
        data = b""
        # Empty, or a terminal that nobody has opened yet.
        with contextlib.suppress(OSError):
            while len(data) < _MOST and (chunk := os.read(self._descriptors[0], _CHUNK)):
                data += chunk
        return data

    def _prefixed(self, text: bytes) -> bytes:
        if not self._prefix:
            return text
        # Not at a carriage return: what is behind it is written over the same line.
        return b"".join(self._prefix + line + b"\n" for line in text.split(b"\n")[:-1])

    def _rest(self) -> bytes:
        rest, self._begun = self._begun, b""
        return self._prefixed(rest + b"\n") if rest else b""

    def close(self) -> bytes:
        """Returns a last line that has no end."""
        for descriptor in self._descriptors:
            os.close(descriptor)
        return self._rest()


def _terminal(path: Path) -> tuple[int, int]:
    """A terminal of the same size as this process's, under that path; returns both of its ends."""
    import tty

    ours, theirs = os.openpty()
    # What is written is to come as it is.
    tty.setraw(theirs)
    with contextlib.suppress(ImportError, OSError):
        import fcntl
        import termios

        fcntl.ioctl(theirs, termios.TIOCSWINSZ, fcntl.ioctl(1, termios.TIOCGWINSZ, bytes(8)))
    path.symlink_to(os.ttyname(theirs))
    os.set_blocking(ours, False)
    return ours, theirs
