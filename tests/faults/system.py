"""A system that lacks something: the command of pytest under a limit, or with other file systems."""

from __future__ import annotations

import functools
import os
import subprocess
import sys

import pytest

_PYTEST = [sys.executable, "-m", "pytest"]
# A run's directory in a file system that is seen from within only is looked for there.
_CHECKED = '"$@"; code=$?; for left in "$TMPDIR"/fastest-*; do [ -e "$left" ] && echo "left: $left" && code=99; done'


def limited(limit: str) -> list[str]:
    """Under a limit, in the words of the shell's `ulimit`."""
    return ["sh", "-c", f'ulimit {limit}; exec "$@"', "sh", *_PYTEST]


def mounted(mount: str) -> list[str]:
    """With this mounted: arguments of `mount`, in which the shell replaces `$TMPDIR`. Skips the test where only the
    superuser could do that, or nobody.
    """
    if not _can_mount():
        pytest.skip("file systems can't be mounted here")
    return ["unshare", "-m", "sh", "-c", f"mount {mount} || exit 98; {_CHECKED}; exit $code", "sh", *_PYTEST]


@functools.cache
def _can_mount() -> bool:
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return False
    trial = ["unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"]
    try:
        return subprocess.run(trial, capture_output=True, check=False).returncode == 0
    except OSError:
        return False
