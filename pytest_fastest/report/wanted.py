"""Which files are wanted, checked before anything runs."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    import argparse

_PAGE = ("--fastest-report", (".html", ".htm"))
_TRACE = ("--trace-file", (".json",))


class Wanted(NamedTuple):
    """The files to write, if any."""

    page: Path | None
    trace: Path | None

    def __bool__(self) -> bool:
        return self.page is not None or self.trace is not None


def of(option: argparse.Namespace, directory: Path) -> Wanted:
    """What the options say; paths count from the `directory` in which pytest was started."""
    page, trace = (
        None if name is None else Path(os.path.abspath(directory / Path(name).expanduser()))  # noqa: PTH100
        for name in (option.fastest_report, option.trace_file)
    )
    return Wanted(page, trace)


def check(config: pytest.Config) -> None:
    """Raises `pytest.UsageError` for a file that can't be written."""
    option = config.known_args_namespace
    for given, (name, suffixes) in ((option.fastest_report, _PAGE), (option.trace_file, _TRACE)):
        if given is None:
            continue
        if not given:
            raise pytest.UsageError(f"{name}: names no file; try {name} report{suffixes[0]}")
        _check_suffix(name, given, suffixes)
    for path, (name, _) in zip(of(option, config.invocation_params.dir), (_PAGE, _TRACE), strict=True):
        if path is not None:
            _check_place(name, path)
            # It is this plugin that knows the outcomes of tests.
            if config.pluginmanager.is_blocked("terminalreporter") or config.pluginmanager.is_blocked("terminal"):
                raise pytest.UsageError(f"{name} needs pytest's terminal plugin, which -p no:terminal switches off")


def _check_suffix(name: str, given: str, suffixes: tuple[str, ...]) -> None:
    if Path(given).suffix.lower() in suffixes or given == os.devnull:
        return
    other, others = _TRACE if name == _PAGE[0] else _PAGE
    hint = f"; did you mean {other}?" if Path(given).suffix.lower() in others else ""
    raise pytest.UsageError(f"{name} {given}: the name of the file must end with {' or '.join(suffixes)}{hint}")


def _check_place(name: str, path: Path) -> None:
    """Folders that are not there yet are made when it is written."""
    if path == Path(os.devnull):
        return
    if path.is_dir():
        raise pytest.UsageError(f"{name} {path}: is a directory")
    folder = next(parent for parent in path.parents if parent.exists())
    if not folder.is_dir():
        raise pytest.UsageError(f"{name} {path}: {folder} is not a directory")
    # Files are exchanged, so the folder counts. What may be done there only an attempt tells.
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise pytest.UsageError(f"{name} {path}: nothing can be written in {folder}: {error.strerror}") from None
