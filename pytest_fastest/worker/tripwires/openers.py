"""Who has opened what forked workers would share, or lose: for the reason, which would otherwise name nobody."""

from __future__ import annotations

import functools
import selectors
import socket
import subprocess
import sys
import threading
import weakref
from typing import TYPE_CHECKING, Any

from pytest_fastest.worker.tripwires.places import Place, outside

if TYPE_CHECKING:
    from collections.abc import Callable

_Opened = tuple[Place, "weakref.ref[Any]"]


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
    """Notes the places since it was made. Libraries that are not written in Python are not seen."""

    def __init__(self) -> None:
        self._opened: dict[str, list[_Opened]] = {kind: [] for kind in _OPENERS}
        self._exchanged: list[tuple[type, str, Any, Any]] = []
        for kind, (owner, name, _) in _OPENERS.items():
            method = getattr(owner, name)
            noting = _noting(method, self._opened[kind])
            self._exchanged.append((owner, name, method, noting))
            setattr(owner, name, noting)

    def stop(self) -> None:
        """Makes the classes ordinary ones again, unless somebody else has changed them since."""
        for owner, name, method, noting in self._exchanged:
            if getattr(owner, name) is noting:
                setattr(owner, name, method)

    def place(self, kind: str) -> Place | None:
        """Where the first of a kind was opened that is still open, if that is known."""
        is_open = _OPENERS[kind][2]
        objects = ((place, reference()) for place, reference in self._opened[kind])
        return next((place for place, it in objects if it is not None and is_open(it)), None)


def _noting(method: Callable[..., Any], opened: list[_Opened]) -> Callable[..., Any]:
    @functools.wraps(method)
    def opener(self: Any, *args: Any, **kwargs: Any) -> Any:
        frame = outside(sys._getframe(1))
        if frame is not None:
            opened.append((Place.of(frame), weakref.ref(self)))
        return method(self, *args, **kwargs)

    return opener
