"""What ends a session before its time, in words for the controller: it ends its own in the same way."""

from __future__ import annotations

from typing import Any

import pytest


def told(error: BaseException) -> tuple[Any, ...] | None:
    """What to tell of an exception; nothing of one that is an internal error."""
    if isinstance(error, pytest.UsageError):
        return "usage", [str(argument) for argument in error.args]
    if isinstance(error, pytest.Session.Failed):
        return "failed", str(error)
    if isinstance(error, pytest.exit.Exception):
        return "exit", str(error.msg), error.returncode
    if isinstance(error, pytest.Session.Interrupted):
        return "interrupted", str(error)
    if isinstance(error, KeyboardInterrupt):
        return ("keyboard",)
    return None
