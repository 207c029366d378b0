"""Somebody who outlives a controller that is killed: ends what tests have started, and removes the run's directory.

Under `fork` that is the base. Under `spawn` there is none, and the workers die with the controller, so a shell waits
for the end of a pipe that only the controller holds.
"""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# What tests have started has the run's name in its environment. A worker that is just dying may still have written a
# file while the directory was being removed.
_SCRIPT = """
read -r dismissed
if test -z "$dismissed" && test -n "$2"; then
    # They may start others meanwhile.
    for round in 1 2 3 4 5; do
        for found in $(grep -lsxzF "PYTEST_XDIST_TESTRUNUID=$2" /proc/[0-9]*/environ); do
            process="${found#/proc/}"
            kill -9 "${process%/environ}"
        done
    done
fi
rm -rf -- "$1" || { sleep 1; rm -rf -- "$1"; }
"""


def guard(directory: str, mark: str | None) -> Callable[[], None]:
    """Guards `directory` until the returned function is called. Does nothing where there is no POSIX shell.

    `mark`: the run's name in the environment of what its tests start, if no other run has it.
    """
    if os.name != "posix":
        return lambda: None
    try:
        shell = subprocess.Popen(
            ["/bin/sh", "-c", _SCRIPT, "sh", directory, mark or ""],
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
        shell.communicate(b"dismissed\n")

    return dismiss
