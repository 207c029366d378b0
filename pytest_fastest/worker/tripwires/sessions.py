"""Who owns something for the time of a session: one begins here, and every forked worker would end it."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
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
    module = plugin.__name__ if isinstance(plugin, ModuleType) else type(plugin).__module__
    return module.partition(".")[0]


def _name(plugin: object, root: Path) -> str:
    if not isinstance(plugin, ModuleType):
        return f"the plugin {type(plugin).__qualname__}"
    file = Path(plugin.__file__ or "")
    return str(file.relative_to(root)) if file.is_relative_to(root) else f"the plugin {plugin.__name__}"
