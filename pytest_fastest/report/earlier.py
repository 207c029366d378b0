"""`--from-run` and `--list-runs`: reports of runs that are over."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.main import wrap_session

from pytest_fastest import _core
from pytest_fastest.report import chronicle, wanted

if TYPE_CHECKING:
    from collections.abc import Iterator

LAST = "last"
# Where the report goes if nobody says.
_DEFAULT = "fastest-report.html"


def show(config: pytest.Config) -> int | pytest.ExitCode:
    """Lists the runs that are kept, or writes the report of one. Raises `pytest.UsageError` if there is none."""
    return wrap_session(config, _list if config.option.list_runs else _write)


def _list(config: pytest.Config, _session: pytest.Session) -> int:
    reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
    runs = list(kept(config))
    if not runs:
        reporter.write_line("no runs are kept: they are by runs with workers, in pytest's cache")
    for _, record in runs:
        when = f"{datetime.fromtimestamp(record.started):%Y-%m-%d %H:%M:%S}"
        tests = f"{record.tests} test{'s' if record.tests != 1 else ''}"
        reporter.write_line(
            f"{record.testrunuid}  {when}  {tests:>14}  {record.seconds:8.2f} s  exit status {record.exit_status}"
        )
    return 0


def _write(config: pytest.Config, _session: pytest.Session) -> int:
    files = wanted.of(config.option, config.invocation_params.dir)
    if not files:
        files = wanted.Wanted(Path(config.invocation_params.dir, _DEFAULT), None)
    record = _find(config, config.option.from_run)
    said = chronicle.write(record, files)
    failed = [text for text, markup in said if markup]
    if failed:
        raise pytest.UsageError("; ".join(failed))
    reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
    for text, _ in said:
        reporter.write_line(text)
    return 0


def _find(config: pytest.Config, name: str) -> _core.Record:
    """The run of this name: `last`, (the beginning of) a testrunuid, or a path."""
    path = Path(config.invocation_params.dir, name)
    if path.is_file():
        try:
            return _core.Record.read(path)
        except OSError as error:
            raise pytest.UsageError(f"--from-run {name}: {error}") from None
    runs = list(kept(config))
    matching = runs if name == LAST else [run for run in runs if name and run[1].testrunuid.startswith(name)]
    if not matching:
        known = ", ".join(record.testrunuid for _, record in runs)
        there = f"those that are kept: {known}" if known else "none is kept; a run with workers keeps one"
        raise pytest.UsageError(f"--from-run {name}: there is no such run ({there})")
    if name != LAST and len({record.testrunuid for _, record in matching}) > 1:
        known = ", ".join(record.testrunuid for _, record in matching)
        raise pytest.UsageError(f"--from-run {name}: that may be any of {known}")
    return matching[0][1]


def kept(config: pytest.Config) -> Iterator[tuple[Path, _core.Record]]:
    """The runs that are kept, newest first. Those of another version are none."""
    folder = chronicle.folder_of(config)
    for path in [] if folder is None else _core.Record.kept_in(folder):
        try:
            yield path, _core.Record.read(path)
        except OSError:
            continue
