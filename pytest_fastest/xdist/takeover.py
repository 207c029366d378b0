"""Takes the place of pytest-xdist: its names among the plugins, its hooks, its package and its version."""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from typing import TYPE_CHECKING, Any

import pytest

from pytest_fastest.xdist import hooks, options

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from importlib.machinery import ModuleSpec
    from importlib.metadata import Distribution

DISTRIBUTION = "pytest-xdist"
AUTOMATIC_WORKERS = "PYTEST_XDIST_AUTO_NUM_WORKERS"
# Both entry points of pytest-xdist, and the module that some name instead.
_NAMES = ("xdist", "xdist.looponfail", "xdist.plugin")


class Automatic(int):
    """A number of workers that nobody has chosen: it may change once the tests are known."""


class FromEnvironment(int):
    """A number of workers that the environment has chosen, not a hook of somebody's."""


def cores() -> int:
    """How many cores this process may use; the native module, which knows of quotas too, may not be loaded."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Xdist:
    """In the place of the plugin `xdist`."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_cmdline_main(self, config: pytest.Config) -> None:
        """Asked for and blocked, the plugin is gone, but not the options that it has taken over."""
        if config.pluginmanager.is_blocked("fastest") and options.asks_for_workers(config.option):
            raise pytest.UsageError(
                "-p no:fastest, but -p fastest before it has loaded the plugin already: workers are asked for, and "
                "nobody starts them; take -p fastest out of addopts or PYTEST_PLUGINS"
            )

    @pytest.hookimpl(trylast=True)
    def pytest_xdist_auto_num_workers(self) -> int:
        """The environment's number, or the number of cores."""
        if (asked := os.environ.get(AUTOMATIC_WORKERS)) and asked.strip():
            if asked.strip().isdecimal():
                return FromEnvironment(asked)
            warnings.warn(f"{AUTOMATIC_WORKERS} is not a number: {asked!r}. Ignoring it.", stacklevel=2)
        return Automatic(cores())


class Taken:
    """In the place of a plugin that must not be loaded."""


class Finder:
    """Answers `import xdist`, and who asks for its version, where pytest-xdist is not installed.

    Python asks this finder last, so whatever is installed comes first.
    """

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: object = None) -> ModuleSpec | None:
        if name != "xdist":
            return None
        from importlib.machinery import PathFinder

        return PathFinder.find_spec(name, [_standin()])

    def find_distributions(self, context: Any) -> Iterator[Distribution]:
        """Only for who asks by name: it is not in lists of what is installed."""
        if (context.name or "").lower().replace("_", "-") == DISTRIBUTION:
            from importlib.metadata import Distribution

            yield Distribution.at(os.path.join(_standin(), "metadata"))  # noqa: PTH118 (no pathlib for one join)


def _standin() -> str:
    return os.path.join(os.path.dirname(__file__), "standin")  # noqa: PTH118, PTH120


def take_over(pluginmanager: pytest.PytestPluginManager) -> None:
    """Takes the place of pytest-xdist, whether it is installed or not, loaded already, or blocked.

    Two plugins can't both run the tests. The names stay taken, so that its entry points are not loaded later.
    """
    for name in _NAMES:
        if pluginmanager.is_blocked(name):
            # By `-p no:xdist`, which is as good as done.
            del pluginmanager._name2plugin[name]
        elif (plugin := pluginmanager.get_plugin(name)) is not None:
            pluginmanager.unregister(plugin)
            _forget(pluginmanager, plugin)
    pluginmanager.register(Xdist(), "xdist")
    for name in _NAMES[1:]:
        # Not blocked: `-p xdist.plugin` would unblock it.
        pluginmanager.register(Taken(), name)
    hooks.add_hookspecs(pluginmanager)
    if not any(isinstance(finder, Finder) for finder in sys.meta_path):
        sys.meta_path.append(Finder())
    _be_found_as_required(pluginmanager)
    _tell_who_has_asked_already()


def _forget(pluginmanager: pytest.PytestPluginManager, plugin: object) -> None:
    """Whoever asks later which plugins were registered (pytest does, for their fixtures) is not told of this one."""
    history: Any = pluginmanager.hook.pytest_plugin_registered._call_history
    history[:] = [call for call in history if call[0]["plugin"] is not plugin]


def _be_found_as_required(pluginmanager: pytest.PytestPluginManager) -> None:
    """A project may name pytest-xdist in `required_plugins`, for which pytest looks among the entry points."""
    config: Any = pluginmanager.get_plugin("pytestconfig")
    required = ""
    # A plugin that is loaded before the configuration file is read finds the value unknown.
    with contextlib.suppress(ValueError, KeyError):
        required = str(config.getini("required_plugins"))
    if DISTRIBUTION not in required:
        return
    from importlib.metadata import distribution

    import pluggy

    # pluggy keeps distributions as they are, or, before 1.7, in a wrapper that does not mind being wrapped again.
    found: Any = pluggy._manager.DistFacade(distribution(DISTRIBUTION))  # type: ignore[attr-defined]
    pluginmanager._plugin_distinfo.append((pluginmanager.get_plugin("xdist"), found))


def _tell_who_has_asked_already() -> None:
    """pytest-rerunfailures asks for `xdist.newhooks` when it is imported, which may be before the stand-in is there."""
    asked = sys.modules.get("pytest_rerunfailures")
    if getattr(asked, "HAS_PYTEST_HANDLECRASHITEM", True) is False:
        asked.HAS_PYTEST_HANDLECRASHITEM = True  # type: ignore[union-attr]
