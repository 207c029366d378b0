"""The channel from pytest's process to the caller: a file of JSON lines in a private directory.

Unlike a pipe or an inherited descriptor it is out of the way of tests that close, count or
redirect those, and a child of a test that lives on cannot keep it open. What was written before a
crash is kept.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path


class EventWriter:
    """Appends events. The file is opened for each: no descriptor is there for a test to close."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def write(self, kind: str, **fields: Any) -> None:
        """Add one event."""
        self.write_all(kind, [fields])

    def write_all(self, kind: str, events: Iterable[Mapping[str, Any]]) -> None:
        """Add many events of one kind."""
        with self._file.open("ab") as stream:
            for fields in events:
                line = json.dumps({"kind": kind, **fields}) + "\n"  # ASCII: surrogates come through
                stream.write(line.encode("ascii"))


def read_events(file: Path) -> Iterator[dict[str, Any]]:
    """The events that were written completely."""
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        return
    for line in content.splitlines(keepends=True):
        if line.endswith(b"\n"):
            yield json.loads(line)
