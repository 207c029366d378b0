"""Plugins that are imported before a run has its processes: `-p name`, `PYTEST_PLUGINS`.

What they read at import, they have read in the controller: a process that is forked from it keeps that. Nobody could
watch them, so their text is looked at.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

_VARIABLE = "PYTEST_XDIST_WORKER"
# Plugins that are installed look at the variable when a test runs, as they were written for pytest-xdist.
_INSTALLED = ("site-packages", "dist-packages")


def reader(config: pytest.Config) -> str | None:
    """The first of them that names the variable with the worker's identity: why to take `spawn`, or `None`."""
    named = [*(config.known_args_namespace.plugins or ()), *os.environ.get("PYTEST_PLUGINS", "").split(",")]
    for name in named:
        file = getattr(config.pluginmanager.get_plugin(name.strip()), "__file__", None)
        if file is None or any(part in _INSTALLED for part in Path(file).parts):
            continue
        try:
            text = Path(file).read_text("utf-8", "replace")
        except OSError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if _VARIABLE in line:
                return (
                    f"the plugin {name.strip()} reads {_VARIABLE} (line {number}), and is imported before workers start"
                )
    return None
