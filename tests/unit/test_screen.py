"""How often the controller asks the system to write."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import pytest
from _pytest.terminal import TerminalReporter

from pytest_fastest.controller import screen


class Descriptor(io.RawIOBase):
    """Each write is a system call."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.writes.append(bytes(data))
        return len(data)


@pytest.mark.parametrize("is_unbuffered", [False, True])
def test_the_letters_of_one_look_are_written_at_once(
    monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config, is_unbuffered: bool
) -> None:
    descriptor = Descriptor()
    # As Python makes the standard output, without and with PYTHONUNBUFFERED.
    buffer: Any = descriptor if is_unbuffered else io.BufferedWriter(descriptor)
    file = io.TextIOWrapper(buffer, encoding="utf-8", write_through=is_unbuffered)
    reporter = TerminalReporter(pytestconfig, file)
    config: Any = SimpleNamespace(
        pluginmanager=SimpleNamespace(get_plugin=lambda name: reporter if name == "terminalreporter" else None),
        hook=SimpleNamespace(
            pytest_runtest_logstart=None, pytest_runtest_logreport=None, pytest_runtest_logfinish=None
        ),
    )
    monkeypatch.setattr(screen, "are_pytests_own", lambda hook: True)
    with screen.Screen(config).one_write():
        for _ in range(100):
            reporter._tw.write(".", flush=True)
    assert descriptor.writes == [b"." * 100]
    # Behind it, everything is as it was.
    reporter._tw.write("a", flush=True)
    reporter._tw.write("b", flush=True)
    assert descriptor.writes[1:] == [b"a", b"b"]
    assert file.write_through == is_unbuffered
