"""Tests that need something of which there is only one: they run when nothing else runs."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.serial


@pytest.fixture
def printer(testrun_uid: str) -> Iterator[Path]:
    """The one printer: whoever finds it in use fails."""
    printer = Path(tempfile.gettempdir()) / f"printer-{testrun_uid}"
    printer.touch(exist_ok=False)
    yield printer
    printer.unlink()


@pytest.mark.parametrize("label", ["name", "address", "postage"])
def test_prints(printer: Path, label: str) -> None:
    printer.write_text(label)
    time.sleep(0.01)
    assert printer.read_text() == label
