"""What a worker leaves behind when it crashes: its native stack, and what plugins wrote to its terminal."""

from __future__ import annotations

import faulthandler
from pathlib import Path
from typing import IO

# The kinds of files.
STACK = "stack"
TERMINAL = "terminal"
# No more than the end of a file is shown (bytes).
_MOST = 1 << 20

_open: list[IO[str]] = []


def file(directory: str, name: str, kind: str) -> Path:
    """Where the process of that name writes."""
    return Path(directory) / f"{name}.{kind}"


def read(directory: str, name: str, kind: str) -> str:
    """What it has written; nothing if there is no file."""
    try:
        return file(directory, name, kind).read_bytes()[-_MOST:].decode("utf-8", "replace").strip()
    except OSError:
        return ""


def watch(directory: str, name: str) -> None:
    """Lets a native crash of this process write its stack to a file of its own, for the controller to read."""
    stack = file(directory, name, STACK).open("w", encoding="utf-8")
    # faulthandler needs the descriptor to stay open.
    _open.append(stack)
    faulthandler.enable(stack)
