"""Lines below pytest's own output on a terminal, drawn anew several times a second."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# ECMA-48 and DEC sequences, which every terminal of today knows.
_CLEAR_BELOW = "\x1b[J"
_UP = "\x1b[{}A"
# Moves down and keeps the column, and makes room where the screen ends.
_INDEX = "\x1bD"
_SAVE, _RESTORE = "\x1b7", "\x1b8"
_DUMB = ("dumb", "unknown")
# What a terminal has that does not tell (columns, rows).
_USUAL_SIZE = (80, 24)
# Lines take this part of the screen at most.
_SHARE = 3


def can_be_drawn(file: TextIO) -> bool:
    """Whether this is a terminal that knows what is needed, in the hands of a person.

    Not on Windows, where nobody has tried it.
    """
    return file.isatty() and os.environ.get("TERM", "dumb") not in _DUMB and sys.platform != "win32"


def is_ci() -> bool:
    """Whether nobody looks, by what pytest goes by."""
    return any(os.environ.get(name) for name in ("CI", "BUILD_NUMBER"))


class Canvas:
    """Stands in for a stream to the terminal. What is written there is held until the lines are drawn again: they have
    to be wiped away first.
    """

    def __init__(self, file: TextIO, write: Callable[[TextIO, str], object]) -> None:
        self._file = file
        self._write = write

    def write(self, text: str) -> int:
        self._write(self._file, text)
        return len(text)

    def writelines(self, lines: Sequence[str]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Whoever flushes wants it to be seen soon, and it will be."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


class Live:
    """The terminal while lines are shown on it."""

    def __init__(self, reporter: Any) -> None:
        """`reporter`: pytest's, or one that has taken its place."""
        self._reporter = reporter
        self._file: TextIO = reporter._tw._file
        self._held: list[tuple[TextIO, str]] = []
        self._is_drawn = False
        self._is_writing = False
        # What waits for the end of that.
        self._then: Callable[[], None] | None = None
        self._streams = (sys.stdout, sys.stderr)

    def begin(self) -> None:
        """From now on, everything that this process writes to the terminal is held."""
        self._reporter._tw._file = Canvas(self._file, self._hold)
        out, err = self._streams
        # What plugins print, too: it would be written across the lines.
        if out is self._file:
            sys.stdout = self._reporter._tw._file
        if err is not None and err.isatty():
            sys.stderr = Canvas(err, self._hold)

    def end(self) -> None:
        """Wipes the lines away, and lets everybody write as before."""
        self.show([])
        self._reporter._tw._file = self._file
        sys.stdout, sys.stderr = self._streams

    def _hold(self, file: TextIO, text: str) -> None:
        self._held.append((file, text))

    def size(self) -> tuple[int, int]:
        """Columns, and the rows that lines may take."""
        try:
            columns, rows = os.get_terminal_size(self._file.fileno())
        except OSError:
            columns, rows = _USUAL_SIZE
        # The last column is left free: some terminals go to the next row when it is written to.
        return max(columns - 1, 1), max(rows // _SHARE, 1)

    @property
    def is_ascii(self) -> bool:
        """Nothing but ASCII can be shown."""
        return not (self._file.encoding or "").lower().startswith("utf")

    def soon(self, action: Callable[[], None]) -> None:
        """Calls it now, or as soon as what is being written is written: a signal may come in the midst of it, where a
        stream can't be written to once more. A second one does not wait: the terminal may take nothing (Ctrl-S).
        """
        if self._is_writing and self._then is None:
            self._then = action
        else:
            action()

    def show(self, lines: Sequence[str]) -> None:
        """Writes what was held, and these lines below it, unless that is being done. The cursor stays where pytest's
        output ends.
        """
        if self._is_writing:
            return
        self._is_writing = True
        try:
            self._show(lines)
        finally:
            self._is_writing = False
            then, self._then = self._then, None
        if then is not None:
            then()

    def _show(self, lines: Sequence[str]) -> None:
        held, self._held = self._held, []
        parts = [_CLEAR_BELOW] if self._is_drawn else []
        for file, text in held:
            if file is self._file:
                parts.append(text)
            else:
                self._write("".join(parts))
                parts.clear()
                file.write(text)
                file.flush()
        if lines:
            parts += [_INDEX * len(lines), _UP.format(len(lines)), _SAVE]
            parts += [f"\r\n{line}" for line in lines]
            parts.append(_RESTORE)
        self._is_drawn = bool(lines)
        self._write("".join(parts))

    def _write(self, text: str) -> None:
        encoding = self._file.encoding or "ascii"
        self._file.write(text.encode(encoding, "backslashreplace").decode(encoding))
        self._file.flush()
