"""Writes to the log, and to GitHub's summary of the step, when the run is over."""

from __future__ import annotations

import math
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_fastest.ci import github, gitlab, markdown
from pytest_fastest.ci.results import gather
from pytest_fastest.texts import one_line

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from pytest_fastest.ci.results import Results, System, Test

_SUMMARY = "GITHUB_STEP_SUMMARY"
# So many lines of a worker's log are shown.
_LINES = 200


class Reporter:
    """Of one run. It asks pytest's reporter at the end: nothing is done for a test that runs."""

    def __init__(self, config: pytest.Config, system: System) -> None:
        self._config = config
        self._system = system
        self._started = time.perf_counter()
        # Of workers that did not end well, what has happened.
        self._fates: dict[str, str] = {}

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        if error is not None:
            self._fates[node.gateway.id] = str(error)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: Any, exitstatus: int) -> Generator[None, None, None]:
        yield
        results = gather(terminalreporter, exitstatus, time.perf_counter() - self._started)
        if not (results.tests or results.failures):
            return
        for line in self._lines(results):
            terminalreporter.write_line(line)

    def _lines(self, results: Results) -> Iterator[str]:
        for worker, tests in results.workers().items():
            if any(test.has_failed for test in tests):
                yield from self._log(worker, tests)
        if self._system == "github":
            yield from github.annotate(self._config, results.failures)
            yield from self._write_summary(results)

    def _log(self, worker: str, tests: list[Test]) -> Iterator[str]:
        """What a worker has done until its last failure, folded."""
        failed = [number for number, test in enumerate(tests) if test.has_failed]
        seconds = math.fsum(test.seconds for test in tests)
        fate = f", {self._fates[worker]}" if worker in self._fates else ""
        title = f"{worker}: {_count(len(tests))} in {seconds:.1f} s, {len(failed)} failed{fate}"
        until = failed[-1] + 1
        first = max(0, until - _LINES)
        lines = [f"({_count(first)} before)"] if first else []
        lines += [f"{test.seconds:9.3f} s  {test.outcome:8} {one_line(test.nodeid)}" for test in tests[first:until]]
        if until < len(tests):
            lines.append(f"({_count(len(tests) - until)} after its last failure)")
        if self._system == "github":
            return github.group(title, lines)
        return gitlab.section(f"fastest_{worker}", title, lines)

    def _write_summary(self, results: Results) -> Iterator[str]:
        """Adds to the summary of the step; a line if that can't be done."""
        name = os.environ.get(_SUMMARY)
        if not name:
            return
        try:
            file = Path(name)
            room = github.SUMMARY - (file.stat().st_size if file.exists() else 0)
            text = markdown.summary(self._config, results, self._fates, room)
            with file.open("ab") as stream:
                stream.write(text.encode("utf-8", "replace"))
            if not text:
                yield f"fastest: no summary: {_SUMMARY} is full (GitHub takes 1 MiB of a step)"
        except OSError as error:
            yield f"fastest: no summary: {error}"


def _count(tests: int) -> str:
    return f"{tests} test{'s' if tests != 1 else ''}"
