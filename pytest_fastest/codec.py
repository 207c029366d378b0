"""Values between processes of one run: `marshal`, and what becomes of values that it doesn't know.

`marshal` keeps tuples apart from lists, knows every builtin value and takes no code from the sender (`pickle` would
import the sender's modules, and the controller never imports a test module). All processes of a run are the same
interpreter, which is what its format asks for.
"""

from __future__ import annotations

import contextlib
import os

# By name: a test may have replaced them in their module.
from marshal import dumps as _encode
from marshal import loads
from typing import Any

from pytest_fastest._core import is_plain

# What is nested deeper is cut off: `marshal` has a limit, and so has Python's stack.
_DEEPEST = 200
_PLAIN = (str, int, float, complex, bool, bytes, type(None), type(...))
_CONTAINERS = (list, tuple, set, frozenset)
_CUT_OFF = "…"

__all__ = ["dumps", "dumps_plain", "is_plain", "loads", "plain"]


def dumps(value: Any) -> bytes:
    """Encodes `value`. Subclasses of builtin values become plain ones, paths strings, anything else its `repr`."""
    return _encode(value if is_plain(value) else plain(value))


def dumps_plain(value: Any) -> bytes | None:
    """As `dumps`; `None` if `value` is not made of builtin values only."""
    return _encode(value) if is_plain(value) else None


def plain(value: Any, lost: list[str] | None = None) -> Any:
    """What `dumps` makes of `value`. The types of what became its `repr` or was cut off are added to `lost`."""
    return _Conversion([] if lost is None else lost).plain(value, 0)


class _Conversion:
    """Converts what a value is made of once each, wherever it is met: values may share parts, or contain themselves."""

    def __init__(self, lost: list[str]) -> None:
        self._lost = lost
        # By the identity of a container what became of it; the containers, so that no other gets the same identity.
        self._converted: dict[int, Any] = {}
        self._kept: list[Any] = []

    def plain(self, value: Any, depth: int) -> Any:
        if type(value) in _PLAIN:
            return value
        if isinstance(value, (dict, *_CONTAINERS)):
            if id(value) not in self._converted:
                # A container that is met within itself is cut off there.
                self._converted[id(value)] = _CUT_OFF
                self._kept.append(value)
                self._converted[id(value)] = self._container(value, depth)
            elif self._converted[id(value)] is _CUT_OFF:
                self._lost.append(f"{type(value).__qualname__} within itself")
            return self._converted[id(value)]
        return self._single(value, depth)

    def _container(self, value: Any, depth: int) -> Any:
        if depth > _DEEPEST:
            self._lost.append(f"{type(value).__qualname__} in {depth} others")
            return _CUT_OFF
        try:
            if isinstance(value, dict):
                return {self.plain(key, depth + 1): self.plain(item, depth + 1) for key, item in value.items()}
            kind = next(kind for kind in _CONTAINERS if isinstance(value, kind))
            return kind(self.plain(item, depth + 1) for item in value)
        except TypeError:
            # A subclass that could be a key became something that can't.
            return self._text(value)

    def _single(self, value: Any, depth: int) -> Any:
        # A subclass may have its own idea of conversion (an enum's is its name): the builtin's is asked.
        if isinstance(value, str):
            return str.__str__(value)
        if isinstance(value, int):
            return int.__int__(value)
        if isinstance(value, float):
            return float.__float__(value)
        with contextlib.suppress(Exception):
            if isinstance(value, os.PathLike):
                return os.fspath(value)
            if type(value).__module__ == "numpy" and value.shape == () and depth <= _DEEPEST:
                return self.plain(value.item(), depth + 1)  # A number of NumPy's, as Python's own.
        return self._text(value)

    def _text(self, value: Any) -> str:
        self._lost.append(type(value).__qualname__)
        try:
            return repr(value)
        except Exception as error:
            return f"<{type(value).__name__} whose text fails: {type(error).__name__}>"
