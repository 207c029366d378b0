"""A terminal reporter that reports nothing: workers have the plugin that conftests ask for, the controller writes."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from _pytest.terminal import TerminalReporter

if TYPE_CHECKING:
    import pytest


class _Nowhere(io.StringIO):
    """A file that forgets, and is a terminal if the controller's output is one (it decides about colours)."""

    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__()
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal

    def write(self, text: str) -> int:
        return len(text)


class MutedReporter(TerminalReporter):  # type: ignore[misc]  # final, for want of a promise about its hooks
    """Has every method of the terminal reporter and none of its hooks."""


for _name in dir(TerminalReporter):
    if _name.startswith("pytest_"):
        setattr(MutedReporter, _name, None)


def mute(config: pytest.Config, *, is_terminal: bool) -> None:
    """Puts a muted reporter in the place of the terminal reporter, if there is one. Must come before
    `pytest_configure`.
    """
    if not hasattr(config.option, "color"):
        return  # -p no:terminal
    config.pluginmanager.unregister(name="terminal")
    config.pluginmanager.set_blocked("terminalprogress")
    reporter = MutedReporter(config, _Nowhere(is_terminal=is_terminal))
    config.pluginmanager.register(reporter, "terminalreporter")
