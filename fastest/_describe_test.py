"""A collected item as plain data, and that data as a `Test`."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastest.model import Marker, Origin, Test, Value

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest

_LONGEST_REPR = 1000  # characters: enough to know a value by, small enough for 100,000 data frames
_LARGEST_INT_BITS = 4096  # larger ones have no decimal form within Python's limit of 4300 digits


def describe_item(item: pytest.Item) -> dict[str, Any]:
    """The JSON form of `item`, made in the process that collects."""
    from fastest._collected import argument_path, source_path

    path = source_path(item)
    callspec = getattr(item, "callspec", None)
    return {
        "node_id": item.nodeid,
        "path": str(path),
        "line": _line(item, path),
        "name": item.name,
        "markers": [_describe_mark(mark) for mark in item.iter_markers()],
        "parameters": {str(k): plain(v) for k, v in callspec.params.items()} if callspec else {},
        "argument": str(argument_path(item)),
    }


def plain(value: object) -> Value:
    """`value` itself if JSON has it and Python can write it; otherwise its ``repr()``."""
    if value is None or isinstance(value, bool) or type(value) is str:
        return value
    if type(value) is float and math.isfinite(value):
        return value
    if type(value) is int and value.bit_length() <= _LARGEST_INT_BITS:
        return value
    try:
        text = repr(value)
    except Exception as error:
        text = f"<{type(value).__name__}: repr() failed with {type(error).__name__}>"
    return text if len(text) <= _LONGEST_REPR else text[: _LONGEST_REPR - 1] + "…"


class OriginCache:
    """One `Origin` for all tests that share it."""

    def __init__(self, rootdir: str, config_file: str | None) -> None:
        self._rootdir = Path(rootdir)
        self._config_file = Path(config_file) if config_file is not None else None
        self._by_argument: dict[str, Origin] = {}

    def get(self, argument: str) -> Origin:
        """The origin of a test that was found through `argument`."""
        if argument not in self._by_argument:
            origin = Origin(self._rootdir, self._config_file, Path(argument))
            self._by_argument[argument] = origin
        return self._by_argument[argument]


def restore_test(data: Mapping[str, Any], origins: OriginCache) -> Test:
    """The `Test` for what `describe_item` wrote."""
    return Test(
        node_id=data["node_id"],
        path=Path(data["path"]),
        line=data["line"],
        name=data["name"],
        markers=tuple(Marker(mark["name"], tuple(mark["args"]), mark["kwargs"]) for mark in data["markers"]),
        parameters=data["parameters"],
        origin=origins.get(data["argument"]),
    )


def _line(item: pytest.Item, path: Path) -> int | None:
    file, line, _ = item.location
    if line is None or os.path.normpath(item.config.rootpath / file) != str(path):
        return None
    return line + 1  # pytest counts from 0


def _describe_mark(mark: pytest.Mark) -> dict[str, Any]:
    return {
        "name": mark.name,
        "args": [plain(value) for value in mark.args],
        "kwargs": {key: plain(value) for key, value in mark.kwargs.items()},
    }
