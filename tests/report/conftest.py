"""A suite to run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from processes.harness import Suite

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    """An empty suite in a directory of its own."""
    return Suite(tmp_path / "suite")
