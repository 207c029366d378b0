"""Forking a process that Python warns about, and whether this one has more than one thread."""

from __future__ import annotations

import os
import threading
import time
import warnings
from pathlib import Path

from pytest_fastest.worker.terminal import flush

_TASKS = Path("/proc/self/task")
_SETTLE_TRIES = 10
_SETTLE_SECONDS = 0.002


def fork() -> int:
    """`os.fork`, without Python's warning about native threads: the tripwires have looked which of them survive.

    The warning would be an error where a project makes errors of warnings.
    """
    flush()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def is_single_threaded() -> bool:
    """Whether this process has one thread, Python's and native ones counted.

    The threads of a run that has just ended here need a moment to be gone.
    """
    if threading.active_count() > 1:
        return False
    for _ in range(_SETTLE_TRIES):
        if count_tasks() <= 1:
            return True
        time.sleep(_SETTLE_SECONDS)
    return False


def count_tasks() -> int:
    """How many threads the system sees here; 1 where it doesn't tell."""
    try:
        return len(list(_TASKS.iterdir()))
    except OSError:
        return 1
