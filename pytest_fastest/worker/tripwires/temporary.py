"""Temporary files and directories: each worker has its own, forked ones would share what was made before."""

from __future__ import annotations

import functools
import os
import sys
import tempfile
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any

from pytest_fastest.worker.tripwires.places import Place

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

# What makes something that stays, what that is, and how its result tells where.
_MAKERS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "mkdtemp": ("directory", lambda path: path),
    "mkstemp": ("file", itemgetter(1)),
    "NamedTemporaryFile": ("file", attrgetter("name")),
}
# A cache, where the home directory can't be written.
_HARMLESS = ("matplotlib",)


class Made:
    """What `tempfile` has made since, and for whom."""

    def __init__(self) -> None:
        self._made: list[tuple[Place, str, Any]] = []
        self._makers = {name: getattr(tempfile, name) for name in _MAKERS}
        self._is_noted = True
        for name, make in self._makers.items():
            setattr(tempfile, name, self._noting(make, *_MAKERS[name]))

    def stop(self) -> None:
        """Makes `tempfile` an ordinary module again; who has imported its functions keeps ours."""
        self._is_noted = False
        for name, make in self._makers.items():
            setattr(tempfile, name, make)

    def refusal(self, root: Path) -> str | None:
        """Whether something of it is still there."""
        for place, kind, path in self._made:
            if os.path.exists(path):  # noqa: PTH110 (the path may be bytes)
                return f"{place.text(root)} made a temporary {kind}"
        return None

    def _noting(self, make: Callable[..., Any], kind: str, where: Callable[[Any], Any]) -> Callable[..., Any]:
        @functools.wraps(make)
        def maker(*args: Any, **kwargs: Any) -> Any:
            made = make(*args, **kwargs)
            frame = sys._getframe(1)
            while frame.f_back is not None and frame.f_globals.get("__name__") == "tempfile":
                frame = frame.f_back
            place = Place.of(frame)
            if self._is_noted and place.module.partition(".")[0] not in _HARMLESS:
                self._made.append((place, kind, where(made)))
            return made

        return maker


def refusal(config: pytest.Config) -> str | None:
    """Whether the worker's own directory was used: it exists once somebody has asked for it."""
    factory = getattr(config, "_tmp_path_factory", None)
    if getattr(factory, "_basetemp", None) is None:
        return None
    return "a conftest or plugin used the temporary directory of the worker before any test"
