"""A terminal reporter that reports nothing: workers have the plugin that conftests ask for, the controller writes."""

from __future__ import annotations

import contextlib
import io
import os
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.terminal import TerminalReporter

from pytest_fastest.texts import one_line

if TYPE_CHECKING:
    from pathlib import Path


class _Nowhere(io.StringIO):
    """A file that nobody reads, and is a terminal if the controller's output is one (it decides about colours).

    What is written while a test runs, for instance by pytest-timeout right before it ends the process, is kept where
    the controller looks for it if the process dies.
    """

    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__()
        self._is_terminal = is_terminal
        self._last_words: Path | None = None
        self._passage: int | None = None

    def isatty(self) -> bool:
        return self._is_terminal

    def write(self, text: str) -> int:
        if self._passage is not None:
            # Nobody may read it any more.
            with contextlib.suppress(OSError):
                os.write(self._passage, text.encode("utf-8", "replace"))
        if self._last_words is not None:
            # Without room for them, a test does not fail.
            with contextlib.suppress(OSError), self._last_words.open("a", encoding="utf-8", errors="replace") as file:
                file.write(text)
        return len(text)

    def pass_on(self, passage: int) -> None:
        """From now on, what is written goes to this descriptor too."""
        self._passage = passage

    def keep(self, last_words: Path) -> None:
        """From now on, what is written goes to this file."""
        self._last_words = last_words


class MutedReporter(TerminalReporter):  # type: ignore[misc]  # final, for want of a promise about its hooks
    """Has every method of the terminal reporter and none of its hooks."""


for _name in dir(TerminalReporter):
    if _name.startswith("pytest_"):
        setattr(MutedReporter, _name, None)


class _Named:
    """What live logs are written to. The name of the test, which plain pytest's reporter writes when the test starts,
    stands before its first lines.
    """

    def __init__(self, reporter: MutedReporter) -> None:
        self._reporter = reporter
        self._nodeid = ""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._nodeid = nodeid

    def write(self, text: str) -> None:
        # pytest's handler ends the line that the reporter has begun: first with the name, then with the outcome.
        if text == "\n":
            text = f"\n{one_line(self._nodeid)}\n" if self._nodeid else ""
            self._nodeid = ""
        self._reporter.write(text)

    def section(self, title: str, sep: str, **markup: bool) -> None:
        self._reporter.section(title, sep, **markup)

    def flush(self) -> None:
        self._reporter.flush()


def mute(config: pytest.Config, *, is_terminal: bool) -> None:
    """Puts a muted reporter in the place of the terminal reporter, if there is one. Must come before
    `pytest_configure`.
    """
    if not hasattr(config.option, "color"):
        return  # -p no:terminal
    config.pluginmanager.unregister(name="terminal")
    config.pluginmanager.set_blocked("terminalprogress")
    _register(config, _Nowhere(is_terminal=is_terminal))


def mute_again(config: pytest.Config, *, is_terminal: bool) -> None:
    """The same after `pytest_configure`, where plugins have put reporters of their own in its place."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and not isinstance(reporter, MutedReporter):
        config.pluginmanager.unregister(reporter)
        _register(config, _Nowhere(is_terminal=is_terminal))


def keep_last_words(config: pytest.Config, file: Path) -> None:
    """Keeps what is written to the terminal in this file, from now on."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if isinstance(reporter, MutedReporter) and isinstance(reporter._tw._file, _Nowhere):
        reporter._tw._file.keep(file)


def pass_on(config: pytest.Config, passage: int) -> None:
    """Lets what is written to the terminal (live logs) be seen, from now on."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if isinstance(reporter, MutedReporter) and isinstance(reporter._tw._file, _Nowhere):
        reporter._tw._file.pass_on(passage)
        # The worker's name stands before each line.
        reporter._tw.fullwidth = reporter._tw.fullwidth - len("[gw00] ")
        logs: Any = config.pluginmanager.get_plugin("logging-plugin")
        named = _Named(reporter)
        # `-p no:logging` has none; another handler has another stream.
        if logs is not None and getattr(logs.log_cli_handler, "stream", None) is not None:
            logs.log_cli_handler.stream = named
            config.pluginmanager.register(named, "fastest-named-logs")


def _register(config: pytest.Config, nowhere: _Nowhere) -> None:
    config.pluginmanager.register(MutedReporter(config, nowhere), "terminalreporter")
