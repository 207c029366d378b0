"""The plugins of a run with workers that suites ask for by the names that pytest-xdist gives them."""

from __future__ import annotations

from queue import Queue
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

    from pytest_fastest.xdist.nodes import NodeManager, WorkerNode


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
    """What plugins read of a scheduler and ask of it. `nodes`: the workers that are ready and have not ended."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.nodes: list[WorkerNode] = []
        # How many there are at the start.
        self.numnodes = 0
        self.collection: Sequence[str] | None = None
        self._pending: set[str] = set()

    def mark_test_pending(self, item: str) -> None:
        """Within `pytest_handlecrashitem`: the test is to run again. Raises `ValueError` for an unknown node id."""
        if self.collection is None or item not in self.collection:
            raise ValueError(f"{item!r} is not a test of this run")
        self._pending.add(item)

    def take_pending(self, item: str) -> bool:
        """Whether the test is to run again, asked once."""
        wanted = item in self._pending
        self._pending.discard(item)
        return wanted
