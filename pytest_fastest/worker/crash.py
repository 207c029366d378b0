"""What a worker leaves behind when it crashes, or is killed for hanging: its stacks, and what plugins wrote to its
terminal.
"""

from __future__ import annotations

import faulthandler
from pathlib import Path
from typing import IO

from pytest_fastest import _core

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
    """Lets a native crash of this process, and the coordinator's signal before it kills, write the stacks to a file of
    its own, for the controller to read. Without room for the file there will be no stacks.
    """
    try:
        stack = file(directory, name, STACK).open("w", encoding="utf-8")
    except OSError:
        return
    # faulthandler needs the descriptor to stay open.
    _open.append(stack)
    faulthandler.enable(stack)
    signal = _core.dump_signal()
    if signal is not None:
        # Its handler needs neither the GIL nor the main thread's help.
        faulthandler.register(signal, stack, all_threads=True)
