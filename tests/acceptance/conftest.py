from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from parity import Parity

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def parity(pytester: pytest.Pytester, tmp_path: Path) -> Parity:
    """The project of this test, to be run under plain pytest and in workers."""
    scratch = tmp_path.parent / f"{tmp_path.name}-parity"
    scratch.mkdir()
    return Parity(pytester.path, scratch)
