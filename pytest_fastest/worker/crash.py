"""Where a worker's native stack is written when it crashes."""

from __future__ import annotations

import faulthandler
from pathlib import Path
from typing import IO

_open: list[IO[str]] = []


def stack_file(directory: str, name: str) -> Path:
    """Where the process of that name writes its stack."""
    return Path(directory) / f"{name}.stack"


def watch(directory: str, name: str) -> None:
    """Lets a native crash of this process write its stack to a file of its own, for the controller to read."""
    file = stack_file(directory, name).open("w", encoding="utf-8")
    # faulthandler needs the descriptor to stay open.
    _open.append(file)
    faulthandler.enable(file)
