"""Runs of somebody who is not the superuser: for whom limits on processes hold, and directories can be read-only."""

from __future__ import annotations

import functools
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from processes.harness import Suite

# Nobody has these numbers, and no two runs on one machine the same: the system counts processes by user.
_NUMBERS = itertools.count(200_000 + os.getpid() % 10_000 * 100)
# The interpreter may be where only its owner can read.
_READS_ALL = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")


class Somebody:
    """A user without a name, a group or a home."""

    def __init__(self, number: int, extra: tuple[str, ...], temporary: Path) -> None:
        self._number = number
        self._extra = extra
        # Belongs to this user.
        self.temporary = temporary

    def command(self, *limits: str) -> list[str]:
        """The command of pytest, under limits as the options of `prlimit`."""
        user = ["setpriv", f"--reuid={self._number}", f"--regid={self._number}", "--clear-groups", *self._extra]
        return [*user, "prlimit", *limits, sys.executable, "-m", "pytest"]

    def own(self, *paths: Path) -> None:
        """Gives files to this user."""
        for path in paths:
            os.chown(path, self._number, self._number)

    def has_left_nothing(self) -> bool:
        """Whether no directory of a run is left where there may have been one."""
        places = [self.temporary, Path("/tmp"), Path("/var/tmp")]
        left = [path for place in places for path in place.glob("fastest-*") if path.stat().st_uid == self._number]
        return not left


@contextmanager
def somebody(suite: Suite) -> Iterator[Somebody]:
    """Owns the suite. Skips the test where this process can't act for another user."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("only the superuser can run something as another user")
    number = next(_NUMBERS)
    temporary = Path(tempfile.mkdtemp(prefix="ft-", dir="/tmp"))
    try:
        user = Somebody(number, _way_to_read(), temporary)
        user.own(temporary, suite.root, suite.helpers)
        yield user
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@functools.cache
def _way_to_read() -> tuple[str, ...]:
    number = next(_NUMBERS)
    for extra in (_READS_ALL, ()):
        trial = ["setpriv", f"--reuid={number}", f"--regid={number}", "--clear-groups", *extra]
        imports = [sys.executable, "-c", "import pytest_fastest._core"]
        try:
            if subprocess.run([*trial, "prlimit", *imports], capture_output=True, check=False).returncode == 0:
                return extra
        except OSError:
            break
    pytest.skip("there is no setpriv or prlimit, or another user can't read the interpreter")
