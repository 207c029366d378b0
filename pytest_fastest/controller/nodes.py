"""The workers' nodes: made where plugins expect it, with their hooks called."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest

from pytest_fastest.worker.tripwires.identity import presence, value
from pytest_fastest.xdist.facade import DSession, Sched
from pytest_fastest.xdist.nodes import Gateway, NodeManager, Spec, WorkerNode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_BEFORE_NODES = (
    "pytest_configure_node",
    "pytest_xdist_setupnodes",
    "pytest_xdist_newgateway",
    "pytest_xdist_getremotemodule",
)


class Nodes:
    """The nodes of one run, by the worker's number; each is made when it is asked for first."""

    def __init__(self, config: pytest.Config, testrunuid: str, retire: Callable[[int], None]) -> None:
        """`retire` lets a worker leave before the end of the run."""
        self._config = config
        self._retire = retire
        self._manager = NodeManager(config, testrunuid)
        self._nodes: dict[int, WorkerNode] = {}
        # How many workers there will be; how many there may be, until that is known.
        self._count = 1
        self.sched = Sched(config)

    def register(self) -> None:
        """Registers the plugins that a run has under the names that pytest-xdist gives them."""
        session = DSession(self._config, self._manager, self.sched)
        self._config.pluginmanager.register(session, "dsession")
        self._config.pluginmanager.register(session.trdist, "terminaldistreporter")

    def set_count(self, count: int) -> None:
        """How many workers there are, as they are told."""
        self._count = self.sched.numnodes = count
        for node in self._nodes.values():
            node.workerinput["workercount"] = count

    def hook(self) -> str | None:
        """A hook that somebody has for nodes before they run."""
        relay = self._config.hook
        return next((name for name in _BEFORE_NODES if getattr(relay, name).get_hookimpls()), None)

    def announce(self) -> None:
        """Tells plugins that nodes will be made, and forgets those that there are.

        Raises `pytest.UsageError` if one asks for what can't be honoured.
        """
        self._nodes.clear()
        self._manager.specs = [Spec(f"gw{worker}") for worker in range(self._count)]
        self._config.hook.pytest_xdist_setupnodes(config=self._config, specs=self._manager.specs)
        if self._config.hook.pytest_xdist_getremotemodule() is not None:
            raise pytest.UsageError(
                "a pytest_xdist_getremotemodule hook returns a module, which fastest can't honour: its workers run its "
                "own code"
            )

    def __getitem__(self, worker: int) -> WorkerNode:
        if worker not in self._nodes:
            self._nodes[worker] = self._make(worker)
        return self._nodes[worker]

    @property
    def next_number(self) -> int:
        """The number of a worker that takes the place of another."""
        return max(self._nodes) + 1

    def differing(self, reads: Mapping[str, str], count: int) -> str | None:
        """What of `workerinput` somebody has read that is another for each of the first `count` nodes: the reason not
        to fork them. `reads`: what, as one would write it, and where.
        """
        given = [self[worker].workerinput for worker in range(count)]
        for key in {key: None for one in given for key in one}:
            values, presences = [one.get(key) for one in given], [key in one for one in given]
            for what, found in ((value(key), values), (presence(key), presences)):
                if what in reads and any(other != found[0] for other in found):
                    return f"{reads[what]} read {what}, which is another for each worker"
        return None

    def _make(self, worker: int) -> WorkerNode:
        workerinput: dict[str, Any] = {
            "workerid": f"gw{worker}",
            "workercount": self._count,
            "testrunuid": self._manager.testrunuid,
            "mainargv": [str(argument) for argument in self._config.invocation_params.args],
        }
        # There is none with -p no:tmpdir.
        factory = getattr(self._config, "_tmp_path_factory", None)
        if factory is not None:
            # Without a place for it, only tests that ask for a temporary directory fail.
            with contextlib.suppress(OSError):
                workerinput["basetemp"] = str(factory.getbasetemp() / f"popen-gw{worker}")
        gateway = Gateway(f"gw{worker}", Spec(f"gw{worker}"))
        self._config.hook.pytest_xdist_newgateway(gateway=gateway)
        node = WorkerNode(gateway, workerinput, self._manager, self._retire)
        self._config.hook.pytest_configure_node(node=node)
        return node
