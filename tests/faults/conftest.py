"""Suites to run, and their comparison with plain pytest."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from processes.harness import Suite

# The comparison is a neighbour's, and its modules are no package.
sys.path.append(str(Path(__file__).parents[1] / "acceptance"))

from parity import Parity


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    """An empty suite in a directory of its own."""
    return Suite(tmp_path / "suite")


@pytest.fixture
def parity(tmp_path: Path) -> Parity:
    """A project to be run under plain pytest and in workers."""
    source = tmp_path / "source"
    source.mkdir()
    return Parity(source, tmp_path)
