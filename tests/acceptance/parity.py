"""Runs a project under plain pytest and in workers, and says wherein the outcomes differ."""

from __future__ import annotations

import contextlib
import difflib
import json
import os
import shutil
import signal
import subprocess
import textwrap
import time
import uuid
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import parity_junit
import parity_output
import pytest
from parity_recorder import RECORD
from processes.harness import METHODS
from processes.start import KEPT, start
from processes.warm import MARKER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

HERE = Path(__file__).parent
# Seconds until a run counts as hanging.
PATIENCE = 60.0
# Seconds that processes of a run may need to end once the controller has ended.
GRACE = 2.0
# Characters that a difference shows of a line.
MAX_LINE = 300

PLAIN = ("-p", "no:fastest")
ALL = tuple(("-n", "2", "--start-method", method) for method in METHODS)
FORK, FORKSERVER, SPAWN = ALL


@dataclass(frozen=True)
class Run:
    """What one run of pytest left behind; `folder` is the project as it was afterwards."""

    args: tuple[str, ...]
    returncode: int
    stdout: str
    stderr: str
    folder: Path
    record_file: Path
    junit_file: Path
    leftovers: tuple[str, ...]

    @cached_property
    def output(self) -> parity_output.Output:
        return parity_output.parse(self.stdout)

    @cached_property
    def record(self) -> dict[str, Any]:
        """What `parity_recorder` has written, or nothing if the run ended before."""
        if not self.record_file.exists():
            return {}
        record: dict[str, Any] = json.loads(self.record_file.read_text("utf-8"))
        return record

    @property
    def outcomes(self) -> list[tuple[str, str, str]]:
        return sorted(
            (report["nodeid"], report["when"], report["outcome"]) for report in self.record.get("reports", ())
        )

    @cached_property
    def cache(self) -> dict[str, Any]:
        """The values in pytest's cache, by their path in it."""
        root = self.folder / ".pytest_cache" / "v"
        files = (file for file in root.rglob("*") if file.is_file())
        cache = {file.relative_to(root).as_posix(): json.loads(file.read_text("utf-8")) for file in files}
        stepwise = cache.get("cache/stepwise")
        if isinstance(stepwise, dict):  # A list before pytest 8.4.
            stepwise.pop("last_cache_date_str", None)
        return cache

    def aspects(self) -> dict[str, list[str]]:
        """Everything that is compared, each as sorted lines."""
        record = self.record
        aspects = {
            "exit code": [str(self.returncode)],
            "outcomes": [" ".join(outcome) for outcome in self.outcomes],
            "counts": self.output.counts,
            "head": self.output.head,
            "stderr": sorted(self.stderr.splitlines()),
            "cache": [f"{name}: {json.dumps(value, sort_keys=True)}" for name, value in sorted(self.cache.items())],
            "junit": parity_junit.flatten(self.junit_file) if self.junit_file.exists() else [],
            "finish": [str(record.get("finish"))],
            "frames": sorted(record.get("frames", ())),
            "reports": _normalised(record.get("reports", ())),
            "collect reports": _normalised(record.get("collect_reports", ())),
            "recorded warnings": _normalised(record.get("warnings", ())),
        }
        aspects.update((f"section {title!r}", lines) for title, lines in self.output.sections.items())
        return aspects


def _normalised(entries: Iterable[dict[str, Any]]) -> list[str]:
    # Above the traceback, the line of the worker has an empty one below it.
    return sorted(
        parity_output.without_workers(
            str(
                {
                    name: parity_output.without_workers(value).strip() if name == "longrepr" else value
                    for name, value in entry.items()
                }
            )
        )
        for entry in entries
    )


class Parity:
    """One project, run again and again in the same place, each time from the same files."""

    def __init__(self, source: Path, scratch: Path) -> None:
        self.source = source
        self.place = scratch / "project"
        self._scratch = scratch
        self._runs = 0

    def write(self, files: Mapping[str, str]) -> None:
        """Writes the project's files; the keys are paths in it."""
        for name, text in files.items():
            file = self.source / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(_dedented(text), "utf-8")

    def run(self, *args: str, how: Sequence[str] = FORK, environment: Mapping[str, str] | None = None) -> Run:
        """Runs pytest once in a fresh copy of the project."""
        return self.run_steps([args], how=how, environment=environment)[0]

    def run_steps(
        self, steps: Sequence[Sequence[str]], *, how: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> list[Run]:
        """Runs pytest once per step, one after the other in the same copy of the project."""
        shutil.rmtree(self.place, ignore_errors=True)
        shutil.copytree(self.source, self.place)
        return [self._run_here((*how, *step), environment or {}) for step in steps]

    def check(
        self,
        *args: str,
        hows: Sequence[Sequence[str]] = (FORK,),
        plain: Sequence[str] = PLAIN,
        ignore: Iterable[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> list[Run]:
        """Fails if a run in workers differs from the plain one in an aspect that isn't in `ignore`.

        Returns the plain run and then the others.
        """
        __tracebackhide__ = True
        return self.check_steps([("-rA", *args)], hows=hows, plain=plain, ignore=ignore, environment=environment)[0]

    def check_steps(
        self,
        steps: Sequence[Sequence[str]],
        *,
        hows: Sequence[Sequence[str]] = (FORK,),
        plain: Sequence[str] = PLAIN,
        ignore: Iterable[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> list[list[Run]]:
        """As `check`, for several runs in the same copy of the project. Returns the runs of each step."""
        __tracebackhide__ = True
        ignored = set(ignore)
        expected = self.run_steps(steps, how=plain, environment=environment)
        columns = [expected]
        problems = []
        for how in hows:
            actual = self.run_steps(steps, how=how, environment=environment)
            columns.append(actual)
            for one, other in zip(expected, actual, strict=True):
                problems += difference(one, other, ignored)
        if problems:
            pytest.fail("\n".join(problems), pytrace=False)
        return [list(runs) for runs in zip(*columns, strict=True)]

    def _run_here(self, args: tuple[str, ...], extra: Mapping[str, str]) -> Run:
        self._runs += 1
        kept = self._scratch / f"run{self._runs}"
        kept.mkdir()
        record, junit = kept / "record.json", kept / "junit.xml"
        arguments = ["-p", "parity_recorder", f"--junitxml={junit}", *args]
        environment = {**_environment(kept), RECORD: str(record), **extra}
        with (
            Path(os.devnull).open("rb") as stdin,
            (kept / "stdout").open("wb") as stdout,
            (kept / "stderr").open("wb") as stderr,
        ):
            process = start(arguments, environment, self.place, (stdin, stdout, stderr))
            try:
                returncode = process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                _kill_session(process.pid)
                process.wait()
                text = (kept / "stdout").read_text("utf-8", "replace")
                pytest.fail(f"hangs for {PATIENCE:.0f} s: pytest {_shown(arguments)}\n{text}", pytrace=False)
        leftovers = _leftovers(process.pid)
        stdout_text = (kept / "stdout").read_text("utf-8", "replace")
        folder = kept / "project"
        shutil.copytree(self.place, folder, symlinks=True)
        return Run(
            args, returncode, stdout_text, (kept / "stderr").read_text("utf-8"), folder, record, junit, leftovers
        )


def difference(expected: Run, actual: Run, ignored: set[str]) -> list[str]:
    """A text per aspect in which `actual` isn't like `expected`, and one about processes that were left."""
    one, other = expected.aspects(), actual.aspects()
    problems = []
    for name in sorted({*one, *other} - ignored):
        before, after = one.get(name), other.get(name)
        if before != after:
            problems.append(f"--- {name} differs:\n{_difference(before or ['(none)'], after or ['(none)'])}")
    problems += [f"--- still runs: {name}" for name in actual.leftovers]
    if problems:
        problems.insert(0, f"### pytest {' '.join(actual.args)}, against pytest {' '.join(expected.args)}")
        problems.append(f"--- output in workers:\n{actual.stdout}\n--- errors:\n{actual.stderr}")
    return problems


def _difference(before: list[str], after: list[str]) -> str:
    lines = list(difflib.unified_diff(before, after, "plain", "workers", lineterm="", n=0))[2:]
    shown = [line if len(line) <= MAX_LINE else f"{line[:MAX_LINE]}..." for line in lines]
    if len(before) == len(after) == 1 or all(one == other for one, other in zip(before, after, strict=False)):
        return "\n".join(shown)
    # Where long lines differ in a few characters, say in which.
    for one, other in zip(sorted(set(before) - set(after)), sorted(set(after) - set(before)), strict=False):
        place = next((place for place, pair in enumerate(zip(one, other, strict=False)) if len(set(pair)) > 1), 0)
        if place > MAX_LINE // 2:
            shown.append(f"? ...{one[place - 60 : place + 200]}")
            shown.append(f"? ...{other[place - 60 : place + 200]}")
    return "\n".join(shown)


def _environment(folder: Path) -> dict[str, str]:
    return KEPT | {
        MARKER: uuid.uuid4().hex,
        "PYTHONPATH": str(HERE),
        "COLUMNS": "160",
        "PYTEST_DEBUG_TEMPROOT": str(folder),
    }


def _leftovers(session: int) -> tuple[str, ...]:
    """The commands of processes that are still in the session, after a moment of grace (Linux only)."""
    deadline = time.monotonic() + GRACE
    while (commands := _session_members(session)) and time.monotonic() < deadline:
        time.sleep(0.02)
    if commands:
        _kill_session(session)
    return commands


def _session_members(session: int) -> tuple[str, ...]:
    commands = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            command, _, rest = status.read_text("utf-8").rpartition(")")
        except OSError:
            continue
        fields = rest.split()
        if int(fields[3]) == session and fields[0] != "Z":
            commands.append(f"{command})")
    return tuple(commands)


def _kill_session(session: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(session, signal.SIGKILL)


def _shown(command: Sequence[str]) -> str:
    return " ".join(command)


def _dedented(text: str) -> str:
    return textwrap.dedent(text).lstrip("\n")
