"""Temporary files and directories: each worker has its own, forked ones would share what was made before."""

from __future__ import annotations

import os
import tempfile
from functools import partial
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from pytest_fastest.worker.tripwires.places import Place
    from pytest_fastest.worker.tripwires.watch import Watch

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

    def __init__(self, watch: Watch) -> None:
        self._made: list[tuple[Place, str, Any]] = []
        for name, (kind, where) in _MAKERS.items():
            watch.over(tempfile, name, partial(self._note, kind, where))

    def refusal(self, root: Path) -> str | None:
        """Whether something of it is still there."""
        for place, kind, path in self._made:
            if os.path.exists(path):  # noqa: PTH110 (the path may be bytes)
                return f"{place.text(root)} made a temporary {kind}"
        return None

    def _note(
        self, kind: str, where: Callable[[Any], Any], place: Place, _arguments: tuple[Any, ...], made: Any
    ) -> None:
        if place.module.partition(".")[0] not in _HARMLESS:
            self._made.append((place, kind, where(made)))


def refusal(config: pytest.Config) -> str | None:
    """Whether the worker's own directory was used: it exists once somebody has asked for it."""
    factory = getattr(config, "_tmp_path_factory", None)
    if getattr(factory, "_basetemp", None) is None:
        return None
    return "a conftest or plugin used the temporary directory of the worker before any test"
