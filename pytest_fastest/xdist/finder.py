"""Answers `import xdist`, and who asks for its version, where pytest-xdist is not installed.

Python asks this finder last, so whatever is installed comes first.
"""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from importlib.machinery import ModuleSpec
    from importlib.metadata import Distribution

_FOLDER = Path(__file__).parent / "standin"
DISTRIBUTION = "pytest-xdist"


class Finder:
    """Finds the stand-in for the package `xdist`, and a distribution of that name."""

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: object = None) -> ModuleSpec | None:
        return PathFinder.find_spec(name, [str(_FOLDER)]) if name == "xdist" else None

    def find_distributions(self, context: Any) -> Iterator[Distribution]:
        """Only for who asks by name: it is not in lists of what is installed."""
        if (context.name or "").lower().replace("_", "-") == DISTRIBUTION:
            from importlib.metadata import Distribution

            yield Distribution.at(_FOLDER / "metadata")


def install() -> None:
    """Adds the finder, once per process."""
    if not any(isinstance(finder, Finder) for finder in sys.meta_path):
        sys.meta_path.append(Finder())
