"""A terminal's Ctrl-C while the processes of a run are made: it waits until each of them has its role.

The signal is blocked, not ignored, in the thread that makes them, and so in what begins there: the base and what it
forks, the coordinator's threads, and the interpreters that these start.
"""

from __future__ import annotations

import signal

# Numbers of the signals that are blocked; `None` where there is no such thing.
Mask = list[int] | None


def hold() -> Mask:
    """Blocks Ctrl-C in this thread. Returns what was blocked before."""
    if not hasattr(signal, "pthread_sigmask"):
        return None
    return [int(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])]


def release(mask: Mask) -> None:
    """Blocks what was blocked before. A Ctrl-C that has come meanwhile is raised here."""
    if mask is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
