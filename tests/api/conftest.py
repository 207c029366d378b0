"""Small projects to run the API on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

MakeProject = Callable[..., Path]


@pytest.fixture
def make_project(tmp_path: Path) -> MakeProject:
    """Write files, given as path and content, beside a ``pytest.ini``; return the directory."""

    def make(files: dict[str, str], *, at: str = "project", ini: str | None = "[pytest]\n") -> Path:
        root = tmp_path / at
        root.mkdir(exist_ok=True)
        if ini is not None:
            files = {"pytest.ini": ini, **files}
        for name, content in files.items():
            file = root / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(dedent(content), encoding="utf-8")
        return root

    return make
