"""Runs pytest in a child interpreter and waits for it, for as long as it may take."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastest._events import read_events
from fastest.errors import FastestError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# Python puts the working directory first for -c, where any file would shadow the standard
# library; pytest's own command has no such entry. The package's home comes last, and only if
# nothing else leads to it.
_BOOT = """\
import sys
if sys.path[:1] == [""]:
    del sys.path[0]
try:
    import fastest
except ModuleNotFoundError:
    sys.path.append(sys.argv[1])
from fastest._child import main
main(sys.argv[2])
"""
# What says that a process is part of another test run.
_NOT_INHERITED = (
    "PYTEST_CURRENT_TEST",
    "PYTEST_VERSION",
    "PYTEST_XDIST_TESTRUNUID",
    "PYTEST_XDIST_WORKER",
    "PYTEST_XDIST_WORKER_COUNT",
)
_GRACE = 5.0  # seconds for the tests' own finalizers after an interrupt
_KILL_GRACE = 2.0  # seconds for the controller to kill its workers


@dataclass(frozen=True, slots=True)
class Ended:
    """How a child process ended, and what it told."""

    returncode: int
    timed_out: bool
    duration: float
    events: list[dict[str, Any]]
    output: str

    @property
    def exit_code(self) -> int | None:
        """pytest's exit code; `None` if it did not come to one."""
        return next((e["exit_code"] for e in self.events if e["kind"] == "finish"), None)


@contextmanager
def private_directory() -> Iterator[Path]:
    """A directory for one call, that nobody else can read, and that is removed with all in it."""
    with tempfile.TemporaryDirectory(prefix="fastest-", ignore_cleanup_errors=True) as directory:
        yield Path(os.path.realpath(directory))


def run_pytest(args: Sequence[str], *, run: bool, directory: Path, cwd: Path, timeout: float | None) -> Ended:
    """Run pytest with `args` in a child, recording results (`run`) or the collected tests."""
    if not sys.executable:
        raise FastestError("this interpreter does not know its own executable, to start another")
    request = json.dumps({"args": list(args), "run": run})
    (directory / "request.json").write_text(request, encoding="utf-8")
    output = directory / "output.txt"
    started = time.monotonic()
    with output.open("wb") as stream:  # a file: nobody has to read it for the child to get on
        process = subprocess.Popen(
            [sys.executable, "-c", _BOOT, str(Path(__file__).parents[1]), str(directory)],
            cwd=cwd,
            env={k: v for k, v in os.environ.items() if k not in _NOT_INHERITED},
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        timed_out = _wait(process, timeout)
    return Ended(
        returncode=process.returncode,
        timed_out=timed_out,
        duration=time.monotonic() - started,
        events=list(read_events(directory / "events.jsonl")),
        output=output.read_text(encoding="utf-8", errors="replace"),
    )


def _wait(process: subprocess.Popen[bytes], timeout: float | None) -> bool:
    """Wait for the end; return whether it had to be brought about."""
    try:
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        _stop(process)
        return True
    except BaseException:  # Ctrl-C in the caller: the child has a session of its own and did not see it
        _stop(process)
        raise
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Interrupt pytest as Ctrl-C does, and kill what is still there after a while."""
    _signal(process, signal.SIGINT)
    try:
        process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        if sys.platform != "win32":
            # A second one lets the controller kill its workers, and clean up behind them.
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(_KILL_GRACE)
    if sys.platform == "win32":
        process.kill()
    else:
        _signal(process, signal.SIGKILL)
    process.wait()


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Send a signal to the child and its workers: they are a process group."""
    if sys.platform != "win32":
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
