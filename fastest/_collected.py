"""What the API asks of a collected item, on discovery and on selection alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


def source_path(item: pytest.Item) -> Path:
    """The file that pytest was given to find `item`; some files list tests that are in others."""
    file = item.getparent(pytest.File)  # type: ignore[type-abstract]  # any subclass will do
    return item.path if file is None else file.path


def argument_path(item: pytest.Item) -> Path:
    """The argument of the command line that led to `item`."""
    source = source_path(item)
    for path in (source, *source.parents):
        if item.session.isinitpath(path):
            return path
    return source


def inner_id(node_id: str) -> str:
    """The part of a node id that is inside its file."""
    return node_id.partition("::")[2]
