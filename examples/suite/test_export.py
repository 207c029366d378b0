"""Temporary directories: each worker has its own."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest
from shop import write_export


@pytest.mark.parametrize("rows", [1, 5, 10, 50, 100, 500, 1_000, 2_000])
def test_size(tmp_path: Path, rows: int) -> None:
    file = tmp_path / "export.csv"
    size = write_export(file, [(f"product {number}", number) for number in range(rows)])
    time.sleep(0.025)
    assert file.stat().st_size == size
    assert len(file.read_text().splitlines()) == rows


@pytest.mark.skipif(sys.platform != "win32", reason="this is about line ends on Windows")
def test_line_ends(tmp_path: Path) -> None:
    write_export(tmp_path / "export.csv", [("a", 1)])
    assert (tmp_path / "export.csv").read_bytes().count(b"\r\n") == 1
