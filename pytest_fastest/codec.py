"""Values between processes of one run: `marshal`, and what becomes of values that it doesn't know.

`marshal` keeps tuples apart from lists, knows every builtin value and takes no code from the sender (`pickle` would
import the sender's modules, and the controller never imports a test module). All processes of a run are the same
interpreter, which is what its format asks for.
"""

from __future__ import annotations

import marshal
import os
from typing import Any

# What is nested deeper is cut off: `marshal` has a limit, and so has Python's stack.
_DEEPEST = 200
_PLAIN = (str, int, float, complex, bool, bytes)


def dumps(value: Any) -> bytes:
    """Encodes `value`. Subclasses of builtin values become plain ones, paths strings, anything else its `repr`."""
    try:
        return marshal.dumps(value)
    except ValueError:
        return marshal.dumps(plain(value))


def dumps_plain(value: Any) -> bytes | None:
    """As `dumps`; `None` if `value` is not made of builtin values only."""
    try:
        return marshal.dumps(value)
    except ValueError:
        return None


loads = marshal.loads


def is_plain(value: Any) -> bool:
    """Whether `value` arrives as it is."""
    try:
        marshal.dumps(value)
    except ValueError:
        return False
    return True


def plain(value: Any, lost: list[str] | None = None, depth: int = 0) -> Any:
    """What `dumps` makes of `value`. The types of what became its `repr` are added to `lost`."""
    if value is None or type(value) in _PLAIN:
        return value
    if depth > _DEEPEST:
        if lost is not None:
            lost.append(f"{type(value).__qualname__} in {depth} others")
        return "…"
    if isinstance(value, dict):
        return {plain(key, lost, depth + 1): plain(item, lost, depth + 1) for key, item in value.items()}
    for container in (list, tuple, set, frozenset):
        if isinstance(value, container):
            return container(plain(item, lost, depth + 1) for item in value)
    # A subclass may have its own idea of conversion (an enum's is its name): the builtin's is asked.
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, float):
        return float.__float__(value)
    try:
        if isinstance(value, os.PathLike):
            return os.fspath(value)
        if lost is not None:
            lost.append(type(value).__qualname__)
        return repr(value)
    except Exception as error:
        return f"<{type(value).__name__} whose text fails: {type(error).__name__}>"
