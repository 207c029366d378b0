"""Who owns something for the time of a session: it begins here once, and every forked worker would end it."""

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


# What is called before the fork.
_BEGINNINGS = ("pytest_sessionstart", "pytest_collection", "pytest_collection_finish")


def refusal(config: pytest.Config) -> str | None:
    """The first plugin or conftest that could begin something and end it, unless it is known to be harmless."""
    ending = _having(config, "pytest_sessionfinish")
    for name in _BEGINNINGS:
        for plugin in _having(config, name):
            if plugin in ending and _package(plugin) not in _HARMLESS:
                return f"{_name(plugin, config.rootpath)} has {name} and pytest_sessionfinish"
    # Plugins that look at the end of the session for what they have configured are many, and were tried.
    tidy = _having(config, "pytest_unconfigure")
    for plugin in _having(config, "pytest_configure"):
        if plugin in config.pluginmanager._conftest_plugins and plugin in ending and plugin not in tidy:
            return f"{_name(plugin, config.rootpath)} has pytest_configure and pytest_sessionfinish"
    return None


def _having(config: pytest.Config, name: str) -> list[object]:
    """Plugins and conftests with this hook."""
    return [hook.plugin for hook in getattr(config.hook, name).get_hookimpls()]


def _package(plugin: object) -> str:
    module = plugin.__name__ if isinstance(plugin, ModuleType) else type(plugin).__module__
    return module.partition(".")[0]


def _name(plugin: object, root: Path) -> str:
    if not isinstance(plugin, ModuleType):
        return f"the plugin {type(plugin).__qualname__}"
    file = Path(plugin.__file__ or "")
    return str(file.relative_to(root)) if file.is_relative_to(root) else f"the plugin {plugin.__name__}"
