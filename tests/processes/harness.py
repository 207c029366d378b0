"""Suites that run in a process of their own, under supervision: a hang fails, and so does anything left behind.

Tests of such a suite can `from witness import mark` and leave marks, which the suite reads afterwards.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import termios
import time
import uuid
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from processes.start import KEPT, PYTEST, Process, start
from processes.warm import MARKER, PARENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

METHODS = ("fork", "forkserver", "spawn")
# Where `tests/plugins/install.py` puts other people's plugins, each in a folder of its own.
PLUGINS = Path(sys.prefix) / "plugins"

# Seconds.
TIMEOUT = 60.0
GRACE = 2.0
_PAUSE = 0.02

_WITNESS = '''
"""Lets tests leave marks that survive their process."""
import os, time

def mark(name):
    line = f"{name}\\t{os.getpid()}\\t{os.environ.get('PYTEST_XDIST_WORKER', '-')}\\t{time.monotonic()}\\n"
    file = os.open(os.environ["WITNESS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(file, line.encode())
    os.close(file)

def meet(count):
    """Waits until tests run in so many workers at once."""
    mark("meets")
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with open(os.environ["WITNESS"], encoding="utf-8") as marks:
            if len({line.split("\\t")[2] for line in marks if line.startswith("meets\\t")}) >= count:
                return
        time.sleep(0.005)
    raise TimeoutError(f"not in {count} workers")
'''

_RECORDER = '''
"""Writes down the reports that the controller's plugins see."""
import json, os

class Recorder:
    def pytest_runtest_logreport(self, report):
        line = json.dumps({
            "nodeid": str(report.nodeid),
            "when": report.when,
            "outcome": report.outcome,
            "text": report.longreprtext,
            "sections": report.sections,
            "worker": getattr(report, "worker_id", None),
        })
        with open(os.environ["RECORD"], "a", encoding="utf-8") as record:
            record.write(line + "\\n")

def pytest_configure(config):
    if not hasattr(config, "workerinput") and os.getppid() == int(os.environ["RECORD_PARENT"]):
        config.pluginmanager.register(Recorder(), "recorder-of-reports")
'''


@dataclass(frozen=True)
class Mark:
    """What a test has left: when, and in which process. `at` is a monotonic time in seconds."""

    name: str
    pid: int
    worker: str
    at: float


@dataclass(frozen=True)
class Report:
    """A test report as the controller's plugins get it."""

    nodeid: str
    when: str
    outcome: str
    text: str
    sections: list[tuple[str, str]]
    worker: str | None


@dataclass(frozen=True)
class Result:
    """A run that has ended, `seconds` after it was started, or after the last signal that it was sent."""

    returncode: int
    stdout: str
    stderr: str
    seconds: float
    reports: list[Report]

    @property
    def output(self) -> str:
        return self.stdout + self.stderr

    @property
    def header(self) -> str | None:
        """The line about workers."""
        lines = [line for line in self.stdout.splitlines() if line.startswith("fastest: ")]
        assert len(lines) <= 1, lines
        return lines[0] if lines else None

    @property
    def workers(self) -> int:
        """How many workers the header announces; 0 without one."""
        if self.header is None or self.header.startswith("fastest: no workers"):
            return 0
        return int(self.header.split()[1])

    @property
    def counts(self) -> dict[str, int]:
        """The numbers in the last line."""
        nouns = pytest.RunResult.parse_summary_nouns(self.stdout.splitlines())
        nouns.pop("seconds", None)
        return nouns

    @property
    def failures(self) -> list[Report]:
        return [report for report in self.reports if report.outcome == "failed"]

    def nodeids(self, outcome: str) -> Counter[str]:
        """The tests whose body passed or failed, or that were skipped, counted."""
        wanted = [report for report in self.reports if report.outcome == outcome]
        return Counter(report.nodeid for report in wanted if report.when == "call" or outcome != "passed")

    def sections_of(self, name: str) -> dict[str, str]:
        """The captured sections in the report about the body of the test with this name."""
        for report in self.reports:
            if report.nodeid.endswith(f"::{name}") and report.when == "call":
                return dict(report.sections)
        raise AssertionError(f"no report about the body of {name}:\n{self.output}")


@dataclass
class Running:
    """A run that is under way."""

    process: Process
    home: Path
    identity: str
    # The start, or the last signal that it was sent.
    since: float = field(default_factory=time.monotonic)

    def interrupt(self, signum: int = signal.SIGINT, *, group: bool = False) -> None:
        """Sends the signal to the controller, or to all processes as a terminal does."""
        self.since = time.monotonic()
        (os.killpg if group else os.kill)(self.process.pid, signum)

    def finish(self, timeout: float = TIMEOUT) -> Result:
        """Waits for the end. Fails if the run has not ended by then."""
        try:
            returncode = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            states = "\n".join(_describe(pid) for pid in living(self.identity))
            kill_all(self.identity)
            self.process.wait()
            pytest.fail(f"still running after {timeout} s; processes:\n{states}\n{self._text()}")
        seconds = time.monotonic() - self.since
        return Result(returncode, self._read("stdout"), self._read("stderr"), seconds, self._reports())

    def _text(self) -> str:
        return self._read("stdout")[-5000:] + self._read("stderr")[-5000:]

    def _read(self, name: str) -> str:
        return (self.home / name).read_text("utf-8", "replace")

    def _reports(self) -> list[Report]:
        record = self.home / "record"
        if not record.exists():
            return []
        reports = []
        for line in record.read_text("utf-8").splitlines():
            data = json.loads(line)
            data["sections"] = [(title, text) for title, text in data["sections"]]
            reports.append(Report(**data))
        return reports


class Suite:
    """A suite in a directory of its own, and its runs."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.helpers = root.parent / f"{root.name}-helpers"
        self._witness = self.helpers / "marks"
        root.mkdir()
        self.helpers.mkdir()
        (self.helpers / "witness.py").write_text(_WITNESS, "utf-8")
        (self.helpers / "recorder_of_reports.py").write_text(_RECORDER, "utf-8")
        (root / "pytest.ini").write_text("[pytest]\n", "utf-8")

    def write(self, **files: str) -> None:
        """Writes files by their name without `.py`; `ini=` is the content of `pytest.ini` below its section."""
        for name, content in files.items():
            if name == "ini":
                (self.root / "pytest.ini").write_text(f"[pytest]\n{dedent(content)}", "utf-8")
            else:
                (self.root / f"{name}.py").write_text(dedent(content), "utf-8")

    def marks(self, prefix: str = "") -> list[Mark]:
        """What tests have left so far, in the order of time, by the beginning of its name."""
        try:
            lines = self._witness.read_text("utf-8").splitlines()
        except FileNotFoundError:
            return []
        found = []
        for line in lines:
            name, pid, worker, at = line.split("\t")
            if name.startswith(prefix):
                found.append(Mark(name, int(pid), worker, float(at)))
        return found

    def forget_marks(self) -> None:
        """Lets the next run begin without any."""
        self._witness.unlink(missing_ok=True)

    def await_marks(self, prefix: str, count: int = 1, timeout: float = 20.0) -> None:
        """Waits until that many marks are there."""
        wait_until(lambda: len(self.marks(prefix)) >= count, timeout, f"{count} marks {prefix!r}")

    def run(
        self,
        *args: str,
        timeout: float = TIMEOUT,
        leaves_processes: bool = False,
        **options: object,
    ) -> Result:
        """Runs `pytest` with these arguments to its end; nothing may be left behind then."""
        with self.running(*args, leaves_processes=leaves_processes, **options) as running:  # type: ignore[arg-type]
            return running.finish(timeout)

    @contextmanager
    def running(
        self,
        *args: str,
        env: dict[str, str] | None = None,
        tmpdir: Path | None = None,
        stdin: bytes | None = None,
        command: Sequence[str] | None = None,
        leaves_processes: bool = False,
        grace: float = GRACE,
        plugins: Sequence[str] = (),
        terminal: int | None = None,
    ) -> Iterator[Running]:
        """Starts `pytest` (or `command`) with these arguments; at the end of the block nothing may be left behind.

        `leaves_processes`: the suite's own tests do, only the run's directory counts then. `plugins`: files of
        `tests/plugins/requirements`, what they name is installed for this run. `terminal`: a
        descriptor of a terminal to run in; its `stdout` is empty then.
        """
        identity = uuid.uuid4().hex
        # Not below `tmp_path`: the path of a socket must be short to be in there.
        home = Path(tempfile.mkdtemp(prefix="ft-", dir="/tmp"))
        temporary = tmpdir or home / "t"
        temporary.mkdir(parents=True, exist_ok=True)
        environment = KEPT | {
            MARKER: identity,
            "TMPDIR": str(temporary),
            "PYTHONPATH": os.pathsep.join(map(str, (self.helpers, *(PLUGINS / name for name in plugins)))),
            "WITNESS": str(self._witness),
            "RECORD": str(home / "record"),
            PARENT: str(os.getpid()),
            "COLUMNS": "160",
        }
        environment |= env or {}
        (home / "stdin").write_bytes(stdin or b"")
        if command is None:
            args = ("-p", "recorder_of_reports", *args)
        try:
            # Files, not pipes: a process that a test leaves behind may hold them open.
            with (
                (home / "stdin").open("rb") as source,
                (home / "stdout").open("wb") as out,
                (home / "stderr").open("wb") as err,
            ):
                process: Process
                if command is None and terminal is None:
                    process = start(args, environment, self.root, (source, out, err))
                else:
                    process = subprocess.Popen(
                        [*(PYTEST if command is None else command), *args],
                        cwd=self.root,
                        env=environment,
                        stdin=source if terminal is None else terminal,
                        stdout=out if terminal is None else terminal,
                        stderr=err if terminal is None else terminal,
                        start_new_session=True,
                        # Nothing of this process's threads is needed in it.
                        preexec_fn=None if terminal is None else _take_terminal,  # noqa: PLW1509
                    )
            yield Running(process, home, identity)
            if not leaves_processes:
                _assert_no_process(identity, grace)
            _assert_no_directory(temporary, grace)
        finally:
            kill_all(identity)
            process.wait()
            shutil.rmtree(home, ignore_errors=True)


def _take_terminal() -> None:
    """Makes standard input the terminal whose keys send signals to this session."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def living(identity: str) -> list[int]:
    """The processes of a run, by what they have inherited."""
    needle = f"{MARKER}={identity}".encode()
    found = []
    for directory in Path("/proc").iterdir():
        if not directory.name.isdigit():
            continue
        try:
            environment = (directory / "environ").read_bytes()
        except OSError:
            continue
        if needle in environment.split(b"\0"):
            found.append(int(directory.name))
    return found


def kill_all(identity: str) -> None:
    """Ends what is left of a run."""
    while pids := living(identity):
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(_PAUSE)


def wait_until(condition: Callable[[], bool], timeout: float, what: str) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"{what}: not within {timeout} s")
        time.sleep(_PAUSE)


def _assert_no_process(identity: str, grace: float) -> None:
    deadline = time.monotonic() + grace
    while pids := living(identity):
        if time.monotonic() > deadline:
            pytest.fail("processes left behind:\n" + "\n".join(_describe(pid) for pid in pids))
        time.sleep(_PAUSE)


def _assert_no_directory(temporary: Path, grace: float) -> None:
    deadline = time.monotonic() + grace
    while left := sorted(path.name for path in temporary.glob("fastest-*")):
        if time.monotonic() > deadline:
            pytest.fail(f"left behind in the temporary directory: {left}")
        time.sleep(_PAUSE)


def _describe(pid: int) -> str:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        status = Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
        fields = dict(line.split(":\t", 1) for line in status if ":\t" in line)
        waiting = Path(f"/proc/{pid}/wchan").read_text("utf-8")
    except OSError:
        return f"{pid}: gone"
    return f"{pid} (parent {fields['PPid']}, {fields['State']}, in {waiting}): {command[:200]}"
