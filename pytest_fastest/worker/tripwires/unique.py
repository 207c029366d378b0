"""Unique names that a conftest makes: each worker would have its own, forked ones have the same.

Test modules are left alone. What they make of such a name are parameters as often as resources, and parameters have to
be the same in all workers.
"""

from __future__ import annotations

import functools
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_fastest.worker.tripwires.places import Place, outside

if TYPE_CHECKING:
    from collections.abc import Callable

_MAKERS = ("uuid1", "uuid4")


class Names:
    """Notes where a conftest has asked for one since."""

    def __init__(self) -> None:
        self._place: Place | None = None
        self._makers = {name: getattr(uuid, name) for name in _MAKERS}
        self._noting = {name: self._noted(make) for name, make in self._makers.items()}
        for name, noting in self._noting.items():
            setattr(uuid, name, noting)

    def stop(self) -> None:
        """Makes `uuid` an ordinary module again; who has imported its functions keeps ours."""
        for name, make in self._makers.items():
            if getattr(uuid, name) is self._noting[name]:
                setattr(uuid, name, make)

    def refusal(self, root: Path) -> str | None:
        """Where that was, if anywhere."""
        return None if self._place is None else f"{self._place.text(root)} made a unique name (uuid)"

    def _noted(self, make: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(make)
        def maker(*args: Any, **kwargs: Any) -> Any:
            frame = outside(sys._getframe(1))
            if self._place is None and frame is not None and Path(frame.f_code.co_filename).name == "conftest.py":
                self._place = Place.of(frame)
            return make(*args, **kwargs)

        return maker
