"""Who has read which worker this is: a name or a port that was made of it would be the same in all forked workers."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from pytest_fastest.worker.tripwires.places import Place

if TYPE_CHECKING:
    from pathlib import Path
    from types import FrameType

WORKER = "PYTEST_XDIST_WORKER"
WORKERID = "workerid"
# Between who reads and what is read.
_BETWEEN = ("os", "collections.abc", "_collections_abc", "xdist", "pytest_fastest")
# They read it at import or while they are configured, and make nothing of it that has to differ between workers.
_HARMLESS = (
    "_pytest",
    "pytest_benchmark",  # to switch itself off
    "syrupy",  # again when it writes
)


class Reads:
    """What has been read, and where first: names of environment variables and keys of `workerinput`."""

    def __init__(self) -> None:
        self._places: dict[str, Place] = {}
        self._environment = os.environ
        self._class = type(os.environ)
        self._environment.__class__ = _recording(self._class, self)

    def stop(self) -> None:
        """Makes the environment an ordinary one again."""
        self._environment.__class__ = self._class

    def note(self, name: str) -> None:
        """Somebody is reading this."""
        if name in self._places:
            return
        frame = _outside(sys._getframe(1))
        if frame is not None and _package(frame) not in _HARMLESS:
            self._places[name] = Place.of(frame)

    def places(self, root: Path) -> dict[str, str]:
        """Where each thing was read first, as `conftest.py:3`."""
        return {name: place.text(root) for name, place in self._places.items()}

    def refusal(self, root: Path) -> str | None:
        """Whether somebody knows which worker this is."""
        places = self.places(root)
        for name, what in ((WORKER, WORKER), (WORKERID, f'workerinput["{WORKERID}"]')):
            if name in places:
                return f"{places[name]} read {what}"
        return None


class WorkerInput(dict[str, Any]):
    """`config.workerinput`, of which it is known who has read what."""

    reads: Reads | None = None

    def __getitem__(self, key: str) -> Any:
        if self.reads is not None:
            self.reads.note(key)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        if self.reads is not None:
            self.reads.note(key)
        return super().get(key, default)


def _recording(kind: Any, reads: Reads) -> Any:
    """The class of the environment, with a note of each read of the worker's name.

    Who copies the whole environment, for a child process say, has not read it, nor has who asks whether it is there:
    that is the same in all workers. A copy reads one name after the other from the same place in the code.
    """
    before: list[object] = [None]

    class Environment(kind):  # type: ignore[misc]
        def __getitem__(self, key: str) -> str:
            frame = _outside(sys._getframe(1))
            here = None if frame is None else (id(frame), frame.f_lasti)
            if key == WORKER and here != before[0]:
                reads.note(key)
            before[0] = here
            return super().__getitem__(key)  # type: ignore[no-any-return]

        def __contains__(self, key: object) -> bool:
            return self.encodekey(key) in self._data

    return Environment


def _outside(frame: FrameType | None) -> FrameType | None:
    """The nearest frame of somebody who wants to know."""
    while frame is not None and _package(frame) in _BETWEEN:
        frame = frame.f_back
    return frame


def _package(frame: FrameType) -> str:
    name: str = frame.f_globals.get("__name__", "")
    return name if name in _BETWEEN else name.partition(".")[0]
