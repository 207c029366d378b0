"""Somebody who outlives a controller that is killed: removes the run's directory.

Under `fork` that is the base. Under `spawn` there is none, and the workers die with the controller, so a shell waits
for the end of a pipe that only the controller holds.
"""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# A worker that is just dying may still have written a file while the directory was being removed.
_SCRIPT = 'read -r _; rm -rf -- "$1" || { sleep 1; rm -rf -- "$1"; }'


def guard(directory: str) -> Callable[[], None]:
    """Guards `directory` until the returned function is called. Does nothing where there is no POSIX shell."""
    if os.name != "posix":
        return lambda: None
    try:
        shell = subprocess.Popen(
            ["/bin/sh", "-c", _SCRIPT, "sh", directory],
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # Neither a terminal's signals nor those to the controller's group are meant for it.
            start_new_session=True,
        )
    except OSError:
        return lambda: None

    def dismiss() -> None:
        shell.communicate()

    return dismiss
