"""Who has read which worker this is: a name or a port that was made of it would be the same in all forked workers."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, Any

from pytest_fastest.worker.tripwires.places import Place, outside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


def value(key: object) -> str:
    """What stands in `workerinput` for a key, as one would write it."""
    return f'workerinput["{key}"]'


def presence(key: object) -> str:
    """Whether anything does."""
    return f'"{key}" in workerinput'


WORKER = "PYTEST_XDIST_WORKER"
WORKERID = value("workerid")
BASETEMP = "config.option.basetemp"
# Between who reads and what is read.
_BETWEEN = ("_pytest.config", "xdist", "pytest_fastest")
# They read it at import or while they are configured, and make nothing of it that has to differ between workers.
_HARMLESS = (
    "_pytest",
    "pytest_benchmark",  # to switch itself off
    "syrupy",  # again when it writes
)


class Reads:
    """What has been read, as one would write it, and where first."""

    def __init__(self) -> None:
        self._places: dict[str, Place] = {}
        self._classes: list[tuple[Any, type]] = []
        for environment in (os.environ, os.environb):
            self._exchange(environment, _environment(environment, self))

    def watch(self, option: argparse.Namespace) -> None:
        """Looks at the options too, now that the worker's temporary directory is among them."""
        self._exchange(option, _options(self))

    def stop(self) -> None:
        """Makes everything an ordinary one again."""
        for thing, kind in self._classes:
            thing.__class__ = kind

    def note(self, what: str) -> None:
        """Somebody is reading this."""
        if what in self._places:
            return
        frame = outside(sys._getframe(1), _is_between)
        if frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] not in _HARMLESS:
            self._places[what] = Place.of(frame)

    def places(self, root: Path) -> dict[str, str]:
        """Where each thing was read first, as `conftest.py:3`."""
        return {what: place.text(root) for what, place in self._places.items()}

    def refusal(self, root: Path) -> str | None:
        """Whether somebody knows which worker this is."""
        places = self.places(root)
        return next((f"{places[what]} read {what}" for what in (WORKER, WORKERID, BASETEMP) if what in places), None)

    def _exchange(self, thing: Any, kind: type) -> None:
        self._classes.append((thing, type(thing)))
        thing.__class__ = kind


def _one(method: Callable[..., Any], what: Callable[[object], str] = value) -> Any:
    """The method of a dictionary, with a note of the key that it is asked for."""

    def read(self: WorkerInput, key: object, *default: object) -> Any:
        if self.reads is not None:
            self.reads.note(what(key))
        return method(self, key, *default)

    return read


def _whole(method: Callable[..., Any]) -> Any:
    """The method of a dictionary that gives all of it away: the worker's id is there."""

    def read(self: WorkerInput) -> Any:
        if self.reads is not None:
            self.reads.note(WORKERID)
        return method(self)

    return read


class WorkerInput(dict[str, Any]):
    """`config.workerinput`, of which it is known who has read what."""

    reads: Reads | None = None

    __getitem__ = _one(dict.__getitem__)
    get = _one(dict.get)
    pop = _one(dict.pop)
    setdefault = _one(dict.setdefault)
    __contains__ = _one(dict.__contains__, presence)

    # With an iterator of its own, Python copies it by its methods: `dict(it)`, `{**it}`, `it | other`.
    __iter__ = _whole(dict.__iter__)
    keys = _whole(dict.keys)
    values = _whole(dict.values)
    items = _whole(dict.items)
    copy = _whole(dict.copy)
    popitem = _whole(dict.popitem)
    __repr__ = _whole(dict.__repr__)


def _environment(environment: Any, reads: Reads) -> type:
    """The class of the environment, with a note of each read of the worker's name.

    Who copies the whole environment, for a child process say, has not read it, nor has who asks whether it is there:
    that is the same in all workers. A copy reads all names in the order in which they were iterated over.
    """
    kind = type(environment)
    worker = environment.decodekey(os.fsencode(WORKER))
    rest: list[Any] = []  # What a copy has still to read, the next one last.

    class Environment(kind):  # type: ignore[misc, valid-type]
        def __getitem__(self, key: Any) -> Any:
            if rest[-1:] == [key]:  # Slices, as another thread may be copying too.
                del rest[-1:]
            elif key == worker:
                reads.note(WORKER)
            return super().__getitem__(key)

        def __iter__(self) -> Iterator[Any]:
            names = list(super().__iter__())
            rest[:] = reversed(names)
            return iter(names)

        def __contains__(self, key: object) -> bool:
            return self.encodekey(key) in self._data

    return Environment


def _options(reads: Reads) -> type:
    """The class of the options, with a note of each read of the temporary directory."""

    class Options(argparse.Namespace):
        @property
        def basetemp(self) -> Any:
            reads.note(BASETEMP)
            return vars(self)["basetemp"]

        @basetemp.setter
        def basetemp(self, given: Any) -> None:
            vars(self)["basetemp"] = given

        def __reduce__(self) -> tuple[Any, ...]:
            return argparse.Namespace, (), vars(self)  # A copy is an ordinary one.

    return Options


def _is_between(module: str) -> bool:
    return module in _BETWEEN or module.partition(".")[0] in _BETWEEN
