"""The terminal's side of a run."""

from __future__ import annotations

import io
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from _pytest.terminal import TerminalReporter

from pytest_fastest.controller.live import Canvas
from pytest_fastest.hooks import are_pytests_own

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest


class Screen:
    """What is written beside, and by, pytest's own reporter."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    @contextmanager
    def one_write(self) -> Iterator[None]:
        """Holds back until the end what pytest's own reporter writes, which asks the system to write after each letter.

        Not if somebody else hears of reports: what he prints must not come before it.
        """
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        hook = self._config.hook
        hears = (hook.pytest_runtest_logstart, hook.pytest_runtest_logreport, hook.pytest_runtest_logfinish)
        if type(reporter) is not TerminalReporter or not all(map(are_pytests_own, hears)):
            yield
            return
        writer = reporter._tw
        writer.flush = _nothing  # type: ignore[method-assign]
        file: Any = writer._file
        # PYTHONUNBUFFERED, which images of containers set, would ask the system for each letter all the same.
        is_unbuffered = isinstance(file, io.TextIOWrapper) and file.write_through
        if is_unbuffered:
            file.reconfigure(write_through=False)
        try:
            yield
        finally:
            del writer.flush
            if is_unbuffered:
                file.reconfigure(write_through=True)
            writer.flush()

    def pass_on(self, text: bytes, *, is_error: bool) -> None:
        """Writes what tests have written, in lines of its own."""
        self.begin_line()
        file = sys.stderr if is_error else sys.stdout
        if file is None:
            return
        buffer = getattr(file, "buffer", None)
        if buffer is None or isinstance(file, Canvas):
            file.write(text.decode("utf-8", "replace"))
        else:
            file.flush()
            buffer.write(text)
        file.flush()

    def say(self, text: str) -> None:
        """Says something about workers on a line of its own, unless `-q` asks not to."""
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None and self._config.option.verbose >= 0:
            self.begin_line()
            reporter.write_line(text)

    def begin_line(self) -> None:
        """Lets what is written next stand at the beginning of a line."""
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None and reporter._tw.width_of_current_line:
            reporter.write_line("")


def _nothing() -> None:
    pass
