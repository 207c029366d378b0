"""The plugins that suites ask for by the names that pytest-xdist gives them."""

from __future__ import annotations

import contextlib
import os
import warnings
from queue import Queue
from typing import TYPE_CHECKING, Any

import pytest

from pytest_fastest.xdist import finder, hooks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_fastest.xdist.nodes import NodeManager, WorkerNode

AUTOMATIC_WORKERS = "PYTEST_XDIST_AUTO_NUM_WORKERS"
# Both entry points of pytest-xdist, and the module that some name instead.
_NAMES = ("xdist", "xdist.looponfail", "xdist.plugin")


class Automatic(int):
    """A number of workers that nobody has chosen: it may change once the tests are known."""


class Xdist:
    """In the place of the plugin `xdist`."""

    @pytest.hookimpl(trylast=True)
    def pytest_xdist_auto_num_workers(self) -> int:
        """The environment's number, or the number of cores."""
        if (asked := os.environ.get(AUTOMATIC_WORKERS)) and asked.strip():
            if asked.strip().isdecimal():
                return int(asked)
            warnings.warn(f"{AUTOMATIC_WORKERS} is not a number: {asked!r}. Ignoring it.", stacklevel=2)
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        return Automatic(cores or 1)


class LoopOnFail:
    """In the place of the plugin `xdist.looponfail`."""


class DSession:
    """In the place of the plugin that runs pytest-xdist's main loop on the controller."""

    def __init__(self, config: pytest.Config, nodemanager: NodeManager, sched: Sched) -> None:
        self.config = config
        self.nodemanager = nodemanager
        self.sched = sched
        self.queue: Queue[Any] = Queue()
        self.terminal = config.pluginmanager.getplugin("terminalreporter")
        self.trdist = TerminalDistReporter()


class TerminalDistReporter:
    """In the place of the plugin that prints how workers start."""


class Sched:
    """What plugins read of a scheduler and ask of it."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.nodes: list[WorkerNode] = []
        self.collection: Sequence[str] | None = None
        self.pending_again: list[str] = []

    @property
    def numnodes(self) -> int:
        return len(self.nodes)

    def mark_test_pending(self, item: str) -> None:
        """Within `pytest_handlecrashitem`: the test is to run again. Raises `ValueError` for an unknown node id."""
        if self.collection is None or item not in self.collection:
            raise ValueError(f"{item!r} is not a test of this run")
        self.pending_again.append(item)


def take_over(pluginmanager: pytest.PytestPluginManager) -> None:
    """Takes the place of pytest-xdist, whether it is installed or not, loaded already, or blocked.

    Two plugins can't both run the tests. The names stay taken, so that its entry points are not loaded later.
    """
    for name in _NAMES:
        if pluginmanager.is_blocked(name):
            # By `-p no:xdist`, which is as good as done.
            del pluginmanager._name2plugin[name]
        elif pluginmanager.get_plugin(name) is not None:
            pluginmanager.unregister(name=name)
    pluginmanager.register(Xdist(), "xdist")
    pluginmanager.register(LoopOnFail(), "xdist.looponfail")
    pluginmanager.set_blocked("xdist.plugin")
    hooks.add_hookspecs(pluginmanager)
    finder.install()
    _be_found_as_required(pluginmanager)


def _be_found_as_required(pluginmanager: pytest.PytestPluginManager) -> None:
    """A project may name pytest-xdist in `required_plugins`, for which pytest looks among the entry points."""
    config: Any = pluginmanager.get_plugin("pytestconfig")
    required = ""
    # A plugin that is loaded before the configuration file is read finds the value unknown.
    with contextlib.suppress(ValueError, KeyError):
        required = str(config.getini("required_plugins"))
    if finder.DISTRIBUTION not in required:
        return
    from importlib.metadata import distribution

    import pluggy

    # pluggy keeps distributions as they are, or, before 1.7, in a wrapper that does not mind being wrapped again.
    found: Any = pluggy._manager.DistFacade(distribution(finder.DISTRIBUTION))  # type: ignore[attr-defined]
    pluginmanager._plugin_distinfo.append((pluginmanager.get_plugin("xdist"), found))
