"""How a run starts: as an interpreter of its own, or as a copy of one that has imported pytest.

Importing it is a third of what a small run takes. What an interpreter looks at when it starts has to be the same. The
copies hash strings alike; what they start by themselves (`spawn`) does not.
"""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import sys
import tempfile
import uuid
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from processes import warm
from processes.warm import LONGEST, MARKER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PYTEST = (sys.executable, "-m", "pytest")
# Nothing else of the environment: pytest and its plugins behave differently with `CI`, say, and with `PYTHONUNBUFFERED`
# output that is written twice, from buffers that a fork inherits, would not be seen.
KEPT = {name: os.environ[name] for name in ("HOME", "LANG", "PATH", "SYSTEMROOT", "TZ", "USER") if name in os.environ}
# What Python and the C library read once; of Python's variables this one is read again.
_READ_AT_START = ("LANG", "LC_", "LD_", "MALLOC_", "PYTHON", "TZ")
_READ_AGAIN = "PYTHONPATH"


class Process(Protocol):
    """What tests want of a `subprocess.Popen`."""

    pid: int

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, or `subprocess.TimeoutExpired` after so many seconds."""

    def poll(self) -> int | None:
        """The exit code, if the process has ended."""


class Copy:
    """A run of pytest in a copy of a process that has imported it."""

    def __init__(
        self, arguments: Sequence[str], environment: Mapping[str, str], folder: Path, streams: Sequence[int]
    ) -> None:
        start = {"arguments": [*arguments], "environment": {**environment}, "folder": str(folder)}
        self._run, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._run.send(json.dumps(start).encode())
            socket.send_fds(_warm(), [b"."], [theirs.fileno(), *streams])
        self.pid = self._answer("runs")
        self.returncode: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            if not select.select([self._run], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("pytest", timeout or 0.0)
            self.returncode = os.waitstatus_to_exitcode(self._answer("ended"))
            self._run.close()
        return self.returncode

    def poll(self) -> int | None:
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def _answer(self, expected: str) -> int:
        word, _, number = self._run.recv(LONGEST).decode().partition(" ")
        assert word == expected, f"{word!r} instead of {expected!r} from the process that has imported pytest"
        return int(number)


def start(
    arguments: Sequence[str], environment: Mapping[str, str], folder: Path, streams: tuple[BinaryIO, BinaryIO, BinaryIO]
) -> Process:
    """Starts `pytest` with these arguments in a session of its own."""
    if _of_the_start(environment) == _of_the_start(KEPT):
        return Copy(arguments, environment, folder, [stream.fileno() for stream in streams])
    source, out, err = streams
    return subprocess.Popen(
        [*PYTEST, *arguments], cwd=folder, env=environment, stdin=source, stdout=out, stderr=err, start_new_session=True
    )


def _of_the_start(environment: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value for name, value in environment.items() if name.startswith(_READ_AT_START) and name != _READ_AGAIN
    }


@cache
def _warm() -> socket.socket:
    """The link to a process that has imported pytest. It ends with this one."""
    ours, theirs = socket.socketpair()
    with theirs, tempfile.TemporaryFile() as stream:
        subprocess.Popen(
            [sys.executable, str(Path(warm.__file__)), str(theirs.fileno())],
            env={**KEPT, MARKER: uuid.uuid4().hex},
            # Of the kind that runs get, whose buffers are those of this process.
            stdin=stream,
            stdout=stream,
            stderr=stream,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
    return ours
