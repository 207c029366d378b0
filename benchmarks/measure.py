"""Run one process of a competitor, and time it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.memory import peak_of_tree

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

LIMIT = 300.0
"""Seconds after which a run hangs. The longest, plain pytest's of `sleep-1000`, takes 20."""

PASSED = re.compile(r"\b(\d+) passed\b")
# Of the caller's, not of the suite's: they would change what is measured.
FOREIGN_VARIABLES = (
    "PYTEST_ADDOPTS",
    "PYTEST_PLUGINS",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONPATH",
    "PYTHONUNBUFFERED",
)


class BenchmarkError(Exception):
    """A run that did not pass, so that its time means nothing."""


@dataclass(frozen=True)
class Sample:
    """One run: seconds of wall time and of processors, peak bytes (0: not asked for), and how many tests passed."""

    seconds: float
    processor: float
    peak: int
    passed: int


def run_once(
    command: Sequence[str], cwd: Path, *, memory: bool = False, variables: Mapping[str, str] | None = None
) -> Sample:
    """Run a command to its end, with `variables` added to the environment.

    `BenchmarkError`: it failed, or ran no test.
    """
    environment = {key: value for key, value in os.environ.items() if key not in FOREIGN_VARIABLES}
    with tempfile.TemporaryFile() as output:
        before = _processor_of_children()
        started = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env={**environment, **(variables or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        with _ended(process):
            peak = peak_of_tree(process) if memory else 0
            exit_code = process.wait()
            seconds = time.perf_counter() - started
        processor = _processor_of_children() - before
        output.seek(0)
        text = output.read().decode(errors="replace")
    passed = PASSED.findall(text)
    if exit_code or not passed:
        last_lines = " | ".join(text.splitlines()[-3:])
        raise BenchmarkError(f"exit code {exit_code}: {last_lines}")
    return Sample(seconds, processor, peak, int(passed[-1]))


def _processor_of_children() -> float:
    """Return the seconds of user and system time of all that has been waited for."""
    times = os.times()
    return times.children_user + times.children_system


@contextmanager
def _ended(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """See to it that a run ends: after `LIMIT`, and when the benchmark is interrupted."""
    timer = threading.Timer(LIMIT, _kill, [process])
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        if process.poll() is None:
            _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and, where there are process groups, all that it started."""
    if sys.platform == "win32":
        process.kill()
    else:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
