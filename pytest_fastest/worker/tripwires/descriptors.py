"""What is open: forked copies of a connection share one stream, of a database file one lock, of an event loop one
queue.
"""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_fastest.worker.tripwires.openers import Openers

_DESCRIPTORS = Path("/proc/self/fd")
_SQLITE = b"SQLite format 3\0"
_SUFFIXES = (".db", ".sqlite", ".sqlite3", ".duckdb", ".mdb")
_EVENT_LOOP = "anon_inode:[eventpoll]"


class Known:
    """What is open before any conftest is loaded. Knows nothing where there is no `/proc`."""

    def __init__(self) -> None:
        self._targets: set[str] = set()
        self._event_loops = 0
        self.learn()

    def learn(self) -> None:
        """What is open now is known."""
        targets = list(_open().values())
        self._targets.update(targets)
        self._event_loops = targets.count(_EVENT_LOOP)

    def refusal(self, openers: Openers, root: Path) -> str | None:
        """What has been opened since and must not be shared, if anything."""
        opened = _open()
        opened.pop(_resource_tracker(), "")
        new = set(opened.values()) - self._targets
        counts = {
            # These all have the same name. A loop has sockets too, so it comes first.
            "event loop": list(opened.values()).count(_EVENT_LOOP) - self._event_loops,
            # A copy of what was open has the same name.
            "socket": sum(target.startswith("socket:") for target in new),
            "pipe": sum(target.startswith("pipe:") for target in new),
        }
        for kind, count in counts.items():
            if count > 0:
                place = openers.place(kind)
                who = "a conftest, plugin or test module" if place is None else place.text(root)
                return f"{who} opened {count} {kind}{'s' if count > 1 else ''}"
        for descriptor, target in opened.items():
            if target in new and _is_database(descriptor, target):
                return f"the database {Path(target).name} is open"
        return None


def _open() -> dict[int, str]:
    """The system's name for what is open, by descriptor."""
    found: dict[int, str] = {}
    try:
        descriptors = list(_DESCRIPTORS.iterdir())
    except OSError:
        return found
    for descriptor in descriptors:
        # The listing's own descriptor is closed by now.
        with contextlib.suppress(OSError):
            found[int(descriptor.name)] = str(descriptor.readlink())
    return found


def _resource_tracker() -> int:
    """The pipe to `multiprocessing`'s own helper, which is made to be shared with forked children."""
    module = sys.modules.get("multiprocessing.resource_tracker")
    descriptor = getattr(getattr(module, "_resource_tracker", None), "_fd", None)
    return -1 if descriptor is None else int(descriptor)


def _is_database(descriptor: int, target: str) -> bool:
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return False
        flags = next(
            int(line.split()[1], 8)
            for line in Path(f"/proc/self/fdinfo/{descriptor}").read_text("ascii").splitlines()
            if line.startswith("flags:")
        )
        if flags & os.O_ACCMODE == os.O_RDONLY:
            return False
        if target.endswith(_SUFFIXES):
            return True
        with open(target, "rb") as file:  # noqa: PTH123
            return file.read(len(_SQLITE)) == _SQLITE
    except (OSError, StopIteration):
        return False
