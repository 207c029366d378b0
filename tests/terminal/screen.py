"""A terminal for tests: what a person would see, and a keyboard."""

from __future__ import annotations

import fcntl
import os
import re
import select
import struct
import termios
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pyte
from processes.harness import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

# Seconds.
PATIENCE = 30.0
# Rows that have left the screen are kept.
_HISTORY = 5000


class Screen:
    """The screen of one terminal, as it is at this moment. `line` is the end that a program gets."""

    def __init__(self, columns: int, rows: int) -> None:
        self._keyboard, self.line = os.openpty()
        self._screen = pyte.HistoryScreen(columns, rows, history=_HISTORY, ratio=1.0)
        self._stream = pyte.ByteStream(self._screen)
        self._lock = threading.Lock()
        self._is_closed = False
        # Everything that was written, with what the terminal obeys.
        self.written = b""
        self.resize(columns, rows)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def resize(self, columns: int, rows: int) -> None:
        with self._lock:
            self._screen.resize(rows, columns)
        fcntl.ioctl(self._keyboard, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _read(self) -> None:
        while True:
            select.select([self._keyboard], [], [])
            with self._lock:
                if not self._catch_up():
                    return

    def _catch_up(self) -> bool:
        """Shows all that was written until now; whether more may come. The lock is held."""
        while not self._is_closed and select.select([self._keyboard], [], [], 0)[0]:
            try:
                data = os.read(self._keyboard, 1 << 16)
            except OSError:
                return False
            if not data:
                return False
            self.written += data
            self._stream.feed(data)
        return True

    def type(self, text: str) -> None:
        """Types on the keyboard."""
        os.write(self._keyboard, text.encode())

    def rows(self) -> list[str]:
        """What stands on the screen, without blanks at the end of rows."""
        with self._lock:
            self._catch_up()
            return [row.rstrip() for row in self._screen.display]

    def all_rows(self) -> list[str]:
        """As `rows`, with what has left the screen above; no empty rows at the end."""
        with self._lock:
            self._catch_up()
            above = ["".join(row[column].data for column in sorted(row)) for row in self._screen.history.top]
            rows = [row.rstrip() for row in (*above, *self._screen.display)]
        while rows and not rows[-1]:
            rows.pop()
        return rows

    def await_text(self, pattern: str) -> re.Match[str]:
        """Waits until the screen holds what this pattern describes, which may go over rows."""
        found: list[re.Match[str]] = []

        def is_there() -> bool:
            match = re.search(pattern, "\n".join(self.rows()))
            found.extend([match] if match else [])
            return bool(found)

        try:
            wait_until(is_there, PATIENCE, f"{pattern!r} on the screen")
        except BaseException:
            print("\n".join(self.all_rows()))
            raise
        return found[0]

    def close(self) -> None:
        os.close(self.line)
        # The reader comes to its end when nobody holds the other side.
        self._thread.join(PATIENCE)
        self._is_closed = True
        os.close(self._keyboard)


@contextmanager
def screen(columns: int = 80, rows: int = 24) -> Iterator[Screen]:
    """A terminal of this size, closed at the end of the block."""
    made = Screen(columns, rows)
    try:
        yield made
    finally:
        made.close()
