"""Where in the code something was done."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from types import FrameType


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
