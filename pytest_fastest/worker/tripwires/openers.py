"""Who has opened what forked workers would share, or lose: for the reason, which would otherwise name nobody."""

from __future__ import annotations

import selectors
import socket
import subprocess
import threading
import weakref
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_fastest.worker.tripwires.places import Place
    from pytest_fastest.worker.tripwires.watch import Watch


def _has_pipe(child: subprocess.Popen[Any]) -> bool:
    return any(pipe is not None and not pipe.closed for pipe in (child.stdin, child.stdout, child.stderr))


# By what is opened: the class, the method that opens it, and whether an object of the class still has it.
_OPENERS: dict[str, tuple[type, str, Callable[[Any], bool]]] = {
    "socket": (socket.socket, "__init__", lambda it: it.fileno() >= 0),
    "pipe": (subprocess.Popen, "__init__", _has_pipe),
    "event loop": (selectors.DefaultSelector, "__init__", lambda it: it.get_map() is not None),
    "thread": (threading.Thread, "start", threading.Thread.is_alive),
}


class Openers:
    """The places since it was made. Libraries that are not written in Python are not seen."""

    def __init__(self, watch: Watch) -> None:
        self._opened: dict[str, list[tuple[Place, weakref.ref[Any]]]] = {kind: [] for kind in _OPENERS}
        for kind, (owner, name, _) in _OPENERS.items():
            watch.over(owner, name, partial(self._note, kind))

    def place(self, kind: str) -> Place | None:
        """Where the first of a kind was opened that is still open, if that is known."""
        is_open = _OPENERS[kind][2]
        objects = ((place, reference()) for place, reference in self._opened[kind])
        return next((place for place, it in objects if it is not None and is_open(it)), None)

    def _note(self, kind: str, place: Place, arguments: tuple[Any, ...], _result: None) -> None:
        self._opened[kind].append((place, weakref.ref(arguments[0])))
