"""That a suite must not be forked, remembered from run to run in pytest's cache.

Finding out takes a collection in one process before the others start. The finding holds as long as the interpreter,
the plugins, the configuration file, the conftests and the file that is to blame stay as they are.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest

_KEY = "fastest/start-method"


def recall(config: pytest.Config) -> str | None:
    """The reason not to fork that an earlier run has found, if it still holds."""
    from _pytest.cacheprovider import Cache

    if getattr(config.known_args_namespace, "cacheclear", False):
        return None
    try:
        # The cache itself is made when pytest is configured.
        file = Cache.cache_dir_from_config(config, _ispytest=True) / "v" / _KEY
        found: dict[str, Any] = json.loads(file.read_text("utf-8"))
        if found["run"] != _run(config) or found["files"] != _files(found["files"]):
            return None
        return str(found["reason"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        # No cache (`-p no:cacheprovider`), nothing in it, or not by us.
        return None


def remember(config: pytest.Config, reason: str, files: Iterable[str]) -> None:
    """Writes down why not to fork; `files` are those which the finding depends on."""
    cache = getattr(config, "cache", None)
    if cache is not None:
        inifile = [] if config.inipath is None else [str(config.inipath)]
        cache.set(_KEY, {"reason": reason, "run": _run(config), "files": _files([*inifile, *files])})


def _run(config: pytest.Config) -> list[str]:
    """What takes part in every run: the interpreter and the plugins."""
    plugins = sorted(f"{dist.project_name} {dist.version}" for _, dist in config.pluginmanager.list_plugin_distinfo())
    named = [str(name) for name in getattr(config.known_args_namespace, "plugins", None) or ()]
    return [sys.version, str(config.inipath), *plugins, *named]


def _files(paths: Iterable[str]) -> dict[str, list[int] | None]:
    """What tells of each file whether it has changed; `None` for one that is gone."""
    states: dict[str, list[int] | None] = {}
    for path in paths:
        try:
            status = Path(path).stat()
            states[path] = [status.st_mtime_ns, status.st_size]
        except OSError:
            states[path] = None
    return states
