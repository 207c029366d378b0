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
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.memory import peak_of_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

LIMIT = 300.0
"""Seconds after which a run hangs. The longest, plain pytest's of `sleep-1000`, takes 20."""

PASSED = re.compile(r"(?<!\d)(\d+) passed\b")
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
    command: Sequence[str],
    cwd: Path,
    *,
    memory: bool = False,
    terminal: bool = False,
    variables: Mapping[str, str] | None = None,
) -> Sample:
    """Run a command to its end, with `variables` added to the environment, on a `terminal` or with a file for output.

    `BenchmarkError`: it failed, or ran no test.
    """
    environment = {key: value for key, value in os.environ.items() if key not in FOREIGN_VARIABLES}
    with (_terminal if terminal else _file)() as (output, written):
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
    text = written().decode(errors="replace")
    passed = PASSED.findall(text)
    if exit_code or not passed:
        last_lines = " | ".join(text.splitlines()[-3:])
        raise BenchmarkError(f"exit code {exit_code}: {last_lines}")
    return Sample(seconds, processor, peak, int(passed[-1]))


# What is written to, and what was written to it, when it is closed.
_Output = tuple[int, "Callable[[], bytes]"]


@contextmanager
def _file() -> Iterator[_Output]:
    text = b""
    with tempfile.TemporaryFile() as file:
        yield file.fileno(), lambda: text
        file.seek(0)
        text = file.read()


@contextmanager
def _terminal() -> Iterator[_Output]:
    """A terminal that takes everything at once."""
    ours, theirs = os.openpty()
    parts: list[bytes] = []

    def read() -> None:
        # Linux tells by an error that nobody holds the other end.
        with suppress(OSError):
            while part := os.read(ours, 1 << 16):
                parts.append(part)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield theirs, lambda: b"".join(parts)
    finally:
        os.close(theirs)
        reader.join()
        os.close(ours)


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
