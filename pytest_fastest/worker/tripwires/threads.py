"""Threads: a forked copy of a thread pool has no threads."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from pytest_fastest.worker.forksafety import count_tasks, fork

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_fastest.worker.tripwires.openers import Openers


def refusal(openers: Openers, root: Path) -> str | None:
    """What would be lost in a forked worker, if anything."""
    threads = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
    if threads:
        names, place = ", ".join(sorted(threads)[:3]), openers.place("thread")
        return f"a thread is running ({names})" if place is None else f"{place.text(root)} started a thread ({names})"
    surviving = _surviving()
    if surviving:
        return f"{surviving} native thread{'s' if surviving > 1 else ''} of a library would be lost"
    return None


def _surviving() -> int:
    """How many native threads stay alive across a fork.

    Libraries that are safe to fork end their threads in a fork handler (OpenBLAS does), so only the count after a
    fork tells; the child of this one does nothing.
    """
    if count_tasks() <= 1:
        return 0
    pid = fork()
    if pid == 0:
        os._exit(0)
    count = count_tasks() - 1
    os.waitpid(pid, 0)
    return count
