"""Who calls a function, from now until it is over."""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Any

from pytest_fastest.worker.tripwires.places import Place, outside

if TYPE_CHECKING:
    from collections.abc import Callable

    # Is told where the call was, its positional arguments and its result.
    Note = Callable[[Place, tuple[Any, ...], Any], None]


class Watch:
    """Stands in the place of functions of the standard library."""

    def __init__(self) -> None:
        self._is_over = False
        self._exchanged: list[tuple[Any, str, Any, Any]] = []

    def over(self, owner: Any, name: str, note: Note) -> None:
        """Watches a function of a module, or a method of a class."""
        function = getattr(owner, name)

        @functools.wraps(function)
        def watched(*args: Any, **kwargs: Any) -> Any:
            result = function(*args, **kwargs)
            if not self._is_over:
                frame = outside(sys._getframe(1))
                if frame is not None:
                    note(Place.of(frame), args, result)
            return result

        self._exchanged.append((owner, name, function, watched))
        setattr(owner, name, watched)

    def stop(self) -> None:
        """Puts all back that nobody else has changed since. Who has imported a function keeps ours."""
        self._is_over = True
        for owner, name, function, watched in self._exchanged:
            if getattr(owner, name) is watched:
                setattr(owner, name, function)
