"""Unique names that a conftest makes: each worker would have its own, forked ones have the same.

Test modules are left alone. What they make of such a name are parameters as often as resources, and parameters have to
be the same in all workers.
"""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_fastest.worker.tripwires.places import Place
    from pytest_fastest.worker.tripwires.watch import Watch


class Names:
    """Where a conftest has asked for one since."""

    def __init__(self, watch: Watch) -> None:
        self._place: Place | None = None
        for name in ("uuid1", "uuid4"):
            watch.over(uuid, name, self._note)

    def refusal(self, root: Path) -> str | None:
        """Where that was first, if anywhere."""
        return None if self._place is None else f"{self._place.text(root)} made a unique name (uuid)"

    def _note(self, place: Place, _arguments: tuple[Any, ...], _name: uuid.UUID) -> None:
        if self._place is None and Path(place.file).name == "conftest.py":
            self._place = place
