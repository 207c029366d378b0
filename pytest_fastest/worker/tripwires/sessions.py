"""Who owns something for the time of a session: one begins here, and every forked worker would end it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

# Both hooks of these were run in forked workers, with the plugin's own effect looked at: see docs/plugins.md.
_HARMLESS = (
    "_pytest",
    "pytest_fastest",
    "fastest",
    "pytest_cov",
    "pytest_html",
    "pytest_jsonreport",
    "pytest_metadata",
    "syrupy",
)


def refusal(config: pytest.Config) -> str | None:
    """The first plugin or conftest with both hooks, unless it is known to be harmless."""
    ending = {id(hook.plugin) for hook in config.hook.pytest_sessionfinish.get_hookimpls()}
    for hook in config.hook.pytest_sessionstart.get_hookimpls():
        if id(hook.plugin) in ending and _package(hook.plugin) not in _HARMLESS:
            return f"{_name(hook.plugin, config.rootpath)} has pytest_sessionstart and pytest_sessionfinish"
    return None


def _package(plugin: object) -> str:
    name = getattr(plugin, "__name__", None) or type(plugin).__module__
    if getattr(plugin, "__file__", None) is None:
        name = type(plugin).__module__
    return str(name).partition(".")[0]


def _name(plugin: object, root: Path) -> str:
    file = getattr(plugin, "__file__", None)
    if file is not None and Path(file).is_relative_to(root):
        return str(Path(file).relative_to(root))
    return f"the plugin {getattr(plugin, '__name__', None) or type(plugin).__qualname__}"
