"""Run a suite once, as a user would: a process of its own, its output in a file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from compare import Run, load_run

if TYPE_CHECKING:
    from modes import Mode
    from suites import Suite

HERE = Path(__file__).resolve().parent
# Of the caller's, not of the suite's: they would change what the run does.
FOREIGN_VARIABLES = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTHONDONTWRITEBYTECODE")

GRACE = 2.0
"""Seconds that a run's processes may outlive it by."""


@dataclass(frozen=True)
class Timed:
    """A run, how long it took (wall time), and where its output is."""

    run: Run
    seconds: float
    log: Path


@dataclass(frozen=True)
class Place:
    """Where a suite runs: interpreter, working directory, and a folder for what it leaves."""

    python: Path
    cwd: Path
    results: Path


def execute(suite: Suite, mode: Mode, place: Place, timeout: float) -> Timed:
    """Run `suite` in `mode`. After `timeout` seconds it is ended, with an exit code of `None`."""
    stem = mode.name.replace(" ", "_")
    record, log = place.results / f"{stem}.jsonl", place.results / f"{stem}.log"
    command = [
        *(str(place.python), "-m", mode.module, "-q", "--color=no"),
        # One word: pytest looks for its root before it knows this option, and would count a path
        # that stands alone among the suite's. The file exists by the time spawned workers look.
        *("-p", "steady", "-p", "recorder", f"--record-to={record}"),
        # A cache for each suite: what one mode leaves is there for the next, as in daily use.
        *("-o", f"cache_dir={place.results / 'cache'}"),
        *mode.options,
        *suite.arguments,
    ]
    started = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=place.cwd,
            env=_variables(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        exit_code = _wait(process, timeout)
    seconds = time.perf_counter() - started
    orphans = _end_orphans(process.pid)
    text = log.read_text(encoding="utf-8", errors="replace")
    return Timed(replace(load_run(record, text, exit_code), orphans=orphans), seconds, log)


def _variables() -> dict[str, str]:
    variables = {key: value for key, value in os.environ.items() if key not in FOREIGN_VARIABLES}
    return {**variables, "PYTHONPATH": str(HERE)}


def _wait(process: subprocess.Popen[bytes], timeout: float) -> int | None:
    """Wait for the end; past `timeout` (or on Ctrl-C) end the process and all it started."""
    try:
        return process.wait(timeout)
    except subprocess.TimeoutExpired:
        return None
    finally:
        if process.returncode is None:
            _kill_group(process)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    if sys.platform == "win32":
        process.kill()
    else:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _end_orphans(group: int) -> bool:
    """End what is left of a process group after `GRACE`, and tell whether there was anything."""
    if sys.platform == "win32":
        return False
    deadline = time.monotonic() + GRACE
    try:
        while time.monotonic() < deadline:
            os.killpg(group, 0)
            time.sleep(0.05)
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True
