"""The arguments that bring a `Plan` to pytest."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from fastest._requests import Plan
    from fastest.model import Origin


def findings_file(directory: Path) -> Path:
    """Where the selection plugin leaves what it found."""
    return directory / "findings.json"


def selection_args(plan: Plan, directory: Path) -> list[str]:
    """Write `plan` into `directory` for the selection plugin; return pytest's arguments."""
    request = {
        "findings": str(findings_file(directory)),
        "wanted": [asdict(wanted) for wanted in plan.wanted],
        "whole": plan.whole,
    }
    file = directory / "selection.json"
    file.write_text(json.dumps(request), encoding="utf-8")
    pinned = _pin(plan.origin, directory) if plan.origin is not None else []
    return ["-p", "fastest._selection_plugin", f"--fastest-selection={file}", *pinned]


def _pin(origin: Origin, directory: Path) -> list[str]:
    """Keep root directory and configuration: pytest would derive others from fewer arguments."""
    config_file = origin.config_file
    if config_file is not None:
        return [f"--rootdir={origin.rootdir}", f"--config-file={config_file}"]
    # There was none. Only another file keeps pytest from finding one closer to the tests.
    empty = directory / "pytest.ini"
    empty.write_text("[pytest]\n", encoding="utf-8")
    root = origin.rootdir
    return [f"--rootdir={root}", f"--config-file={empty}", f"--confcutdir={root}"]
