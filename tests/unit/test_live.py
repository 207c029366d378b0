"""The lines of progress, when a signal comes while they are written."""

from __future__ import annotations

import io
from types import SimpleNamespace

from pytest_fastest.controller.live import Live


class Terminal(io.StringIO):
    """In the midst of the first write a signal comes, and perhaps another."""

    encoding = "utf-8"

    def __init__(self, signals: int) -> None:
        super().__init__()
        self.signals = signals
        self.log: list[str] = []

    def write(self, text: str) -> int:
        self.log.append("begins")
        while self.signals:
            self.signals -= 1
            self.live.soon(self.end)
        self.log.append("written")
        return len(text)

    def end(self) -> None:
        self.log.append("ended")
        self.live.show([])

    def watch(self) -> list[str]:
        self.live = Live(SimpleNamespace(_tw=SimpleNamespace(_file=self)))
        self.live.show(["a line"])
        return self.log


def test_it_is_heard_when_they_are_written() -> None:
    assert Terminal(1).watch() == ["begins", "written", "ended", "begins", "written"]


def test_another_one_does_not_wait() -> None:
    assert Terminal(2).watch()[:3] == ["begins", "ended", "written"]


def test_nothing_waits_while_nothing_is_written() -> None:
    terminal = Terminal(0)
    terminal.watch()
    terminal.log.clear()
    terminal.live.soon(terminal.end)
    assert terminal.log == ["ended", "begins", "written"]
