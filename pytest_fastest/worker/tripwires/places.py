"""Where in the code something was done."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType


def outside(frame: FrameType | None, between: Callable[[str], bool] = lambda _module: False) -> FrameType | None:
    """The nearest frame that is neither in the standard library nor in a module that only stands between."""
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module.partition(".")[0] not in sys.stdlib_module_names and not between(module):
            return frame
        frame = frame.f_back
    return None


class Place(NamedTuple):
    """A line of a file, and the module that it is in."""

    file: str
    line: int
    module: str

    @classmethod
    def of(cls, frame: FrameType) -> Place:
        """Where the frame is now."""
        return cls(frame.f_code.co_filename, frame.f_lineno, frame.f_globals.get("__name__", "?"))

    def text(self, root: Path) -> str:
        """`conftest.py:3` for a file below `root`, else the name of the module and the line."""
        path = Path(self.file)
        return f"{path.relative_to(root) if path.is_relative_to(root) else self.module}:{self.line}"
