"""What a process leaves behind when it crashes, or is killed for hanging: its stacks, what it was collecting, what its
test has printed, and what plugins wrote to its terminal.
"""

from __future__ import annotations

import contextlib
import faulthandler
import mmap
import os
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from pytest_fastest import _core

if TYPE_CHECKING:
    import pytest

# The kinds of files.
STACK = "stack"
COLLECTING = "collecting"
STDOUT = "stdout"
STDERR = "stderr"
TERMINAL = "terminal"
# No more than the end of a file is shown (bytes).
_MOST = 1 << 20
# The longest node id of a file that is kept (bytes): paths are no longer.
_LONGEST = 4096

# By the name of the process, which a fork may change.
_open: dict[str, IO[str]] = {}


def file(directory: str, name: str, kind: str) -> Path:
    """Where the process of that name writes."""
    return Path(directory) / f"{name}.{kind}"


def read(directory: str, name: str, kind: str) -> str:
    """What it has written; nothing if there is no file."""
    try:
        with file(directory, name, kind).open("rb") as source:
            source.seek(max(0, source.seek(0, os.SEEK_END) - _MOST))
            return source.read().decode("utf-8", "replace").strip(" \n\0")
    except OSError:
        return ""


def take_stack(directory: str, name: str) -> str:
    """The stacks that the process has written down on demand; they are not to be seen again if it crashes later."""
    text = read(directory, name, STACK)
    with contextlib.suppress(OSError):
        os.truncate(file(directory, name, STACK), 0)
    return text


def watch(directory: str, name: str) -> None:
    """Lets a native crash of this process, and the coordinator's signal before it kills, write the stacks to a file of
    its own, for the controller to read. Without room for the file there will be no stacks.
    """
    if name not in _open:
        try:
            # faulthandler needs the descriptor to stay open.
            _open[name] = file(directory, name, STACK).open("w", encoding="utf-8")
        except OSError:
            return
    stack = _open[name]
    faulthandler.enable(stack)
    signal = _core.dump_signal()
    if signal is not None:
        # Its handler needs neither the GIL nor the main thread's help.
        faulthandler.register(signal, stack, all_threads=True)


class Collecting:
    """Says which file this process collects: who dies while it imports it can't say so any more.

    In mapped memory, as a module that is imported may close all descriptors. Without room for it nothing is said.
    """

    def __init__(self, directory: str, name: str) -> None:
        self._memory: mmap.mmap | None = None
        with contextlib.suppress(OSError), file(directory, name, COLLECTING).open("w+b") as note:
            # Written, not only sized: a page that a full disk has no room for would kill who touches it.
            note.write(bytes(_LONGEST))
            note.flush()
            self._memory = mmap.mmap(note.fileno(), _LONGEST)

    def note(self, nodeid: str) -> None:
        """From now on, this file or folder is collected, or nothing."""
        if self._memory is not None:
            text = nodeid.encode("utf-8", "replace")[:_LONGEST]
            self._memory[:] = text.ljust(_LONGEST, b"\0")


def keep_output(config: pytest.Config, directory: str, name: str) -> None:
    """Lets what descriptors capture from now on, phase by phase, go to files that outlive this process.

    Capturing must be suspended. With `--capture=sys` it is kept in memory, and lost.
    """
    manager: Any = config.pluginmanager.get_plugin("capturemanager")
    capturing = getattr(manager, "_global_capturing", None)
    for kind, capture in ((STDOUT, getattr(capturing, "out", None)), (STDERR, getattr(capturing, "err", None))):
        temporary: Any = getattr(capture, "tmpfile", None)
        # Without room or descriptors it stays where it is; in memory it has no descriptor.
        with contextlib.suppress(AttributeError, OSError), file(directory, name, kind).open("w+b") as kept:
            os.dup2(kept.fileno(), temporary.fileno(), inheritable=False)
