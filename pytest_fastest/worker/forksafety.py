"""Whether this process may fork workers after it has collected, and why not."""

from __future__ import annotations

import contextlib
import os
import threading
import time
import warnings
from pathlib import Path

from pytest_fastest.worker.terminal import flush

_DESCRIPTORS = Path("/proc/self/fd")
_TASKS = Path("/proc/self/task")
_SETTLE_TRIES = 10
_SETTLE_SECONDS = 0.002


def open_sockets() -> set[str]:
    """The sockets this process has open, by the system's name for them. Empty where there is no `/proc`."""
    sockets: set[str] = set()
    try:
        descriptors = list(_DESCRIPTORS.iterdir())
    except OSError:
        return sockets
    for descriptor in descriptors:
        # The listing's own descriptor is closed by now.
        with contextlib.suppress(OSError):
            target = str(descriptor.readlink())
            if target.startswith("socket:"):
                sockets.add(target)
    return sockets


def refusal(known_sockets: set[str]) -> str | None:
    """The reason not to fork, or `None`. `known_sockets` were open before anything was configured or imported.

    A forked copy of a socket shares one stream with its siblings, and a forked copy of a thread pool has no threads.
    """
    threads = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
    if threads:
        return f"a thread is running ({', '.join(sorted(threads)[:3])})"
    opened = len(open_sockets() - known_sockets)
    if opened:
        return f"{opened} socket{'s' if opened > 1 else ''} opened by a conftest, plugin or test module"
    surviving = surviving_threads()
    if surviving:
        return f"{surviving} native thread{'s' if surviving > 1 else ''} of a library would be lost"
    return None


def surviving_threads() -> int:
    """How many native threads stay alive across a fork.

    Libraries that are safe to fork end their threads in a fork handler (OpenBLAS does), so only the count after a
    fork tells; the child of this one does nothing.
    """
    if _count_tasks() <= 1:
        return 0
    pid = fork()
    if pid == 0:
        os._exit(0)
    count = _count_tasks() - 1
    os.waitpid(pid, 0)
    return count


def fork() -> int:
    """`os.fork`, without Python's warning about native threads: `refusal` has looked which of them survive.

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
        if _count_tasks() <= 1:
            return True
        time.sleep(_SETTLE_SECONDS)
    return False


def _count_tasks() -> int:
    try:
        return len(list(_TASKS.iterdir()))
    except OSError:
        return 1
