"""The workers of a run: who comes, who goes, and what is said of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_fastest import _core, codec
from pytest_fastest.controller import crashes, memory
from pytest_fastest.controller.lending import Lending
from pytest_fastest.controller.outputs import Outputs
from pytest_fastest.controller.shortage import MissingWorkers
from pytest_fastest.controller.warn import warn

if TYPE_CHECKING:
    import pytest

    from pytest_fastest.controller.launch import Launched
    from pytest_fastest.controller.nodes import Nodes
    from pytest_fastest.controller.replay import Replay
    from pytest_fastest.controller.screen import Screen
    from pytest_fastest.xdist.nodes import WorkerNode

# Replacements for crashed workers, per worker; pytest-xdist's default.
_RESTARTS_PER_WORKER = 4


class Crew:
    """Starts workers, and takes note of those that come and go."""

    def __init__(self, config: pytest.Config, run: Launched, nodes: Nodes, replay: Replay, screen: Screen) -> None:
        self._config = config
        self._run = run
        self._coordinator = run.coordinator
        self._nodes = nodes
        self._replay = replay
        self._screen = screen
        self.method = run.method
        self.memory = memory.Memory(config, replay.nodeid)
        self.missing = MissingWorkers()
        self.lending = Lending(run, screen)
        self.outputs = Outputs(config, run.directory, screen)
        self.most_restarts = 0
        self._count = 0
        self._not_replaced: str | None = None

    def plan(self, count: int, restarts: int | None) -> None:
        """There will be `count` workers at the start, and at most so many `restarts` after crashes."""
        self._count = count
        self.most_restarts = count * _RESTARTS_PER_WORKER if restarts is None else restarts
        self._nodes.set_count(count)

    def start(self, worker: int) -> None:
        """Starts a worker, one of the first or a replacement."""
        self.outputs.open(worker)
        workerinput = self._nodes[worker].encoded_input()
        match self.method:
            case "fork":
                self._coordinator.fork_worker(worker, workerinput)
                return
            case "forkserver":
                self._coordinator.fork_worker_from_base(worker)
            case _:
                command = [*self._run.spawn_command, str(worker)]
                self._coordinator.spawn_worker(worker, command, self._run.environment)
        self._coordinator.configure_worker(worker, workerinput)

    def handle(self, event: _core.Event) -> None:
        """Does what follows from an event, if it is about who comes or goes."""
        match event:
            case _core.Event.Needed(worker=worker):
                self._screen.say(f"replacing {self.memory.why(worker)}")
                self.start(self._nodes.next_number)
            case _core.Event.Confirm(item=item):
                worker = self._nodes.next_number
                self._screen.say(f"running {self._replay.nodeid(item)} again, alone in gw{worker}")
                self._coordinator.confirm(worker)
                self.start(worker)
            case _core.Event.Outgrown(worker=worker, bytes=held, grew=grew):
                self._screen.say(self.memory.outgrown(worker, held, grew))
            case _core.Event.MemoryShort():
                self._screen.say(self.memory.short(event.available, event.total, event.leaving, event.postponed))
            case _core.Event.Terminal(worker=worker, wanted=wanted):
                (self.lending.wanted if wanted else self.lending.ended)(worker)
            case _core.Event.LeftBehind(worker=worker, pid=pid, command=command, tests=tests):
                text = f"left a process behind, which was ended: {pid} ({command})"
                self._warn(f"{crashes.one_of(tests) or f'a test of gw{worker}'} has {text}", tests)
            case _core.Event.Lingered(worker=worker):
                self._warn(f"gw{worker} did not end when it had nothing more to do, and was killed", [])
            case _core.Event.NotReplaced(worker=worker, orphaned=orphaned):
                self._not_replaced = crashes.not_replaced(worker, self.most_restarts, orphaned=orphaned)
                self._screen.say(self._not_replaced)
            case _core.Event.NotStarted(worker=int(worker), reason=reason):
                self.is_down(self._nodes[worker], "can't be started")
                self.missing.add(worker, reason, self._count)
            case _core.Event.Ready(worker=worker):
                self._is_ready(self._nodes[worker])
            case _core.Event.Ended(worker=worker, payload=payload):
                node = self._nodes[worker]
                node.workeroutput = codec.loads(payload)
                self.is_down(node, None)

    def _is_ready(self, node: WorkerNode) -> None:
        node.make_ready()
        self._config.hook.pytest_testnodeready(node=node)
        self._nodes.sched.nodes.append(node)
        self._config.hook.pytest_xdist_node_collection_finished(node=node, ids=self._replay.nodeids)

    def _warn(self, text: str, tests: list[str]) -> None:
        """About one of these tests, or about none."""
        known = len(tests) == 1 and tests[0] in self._replay.nodeids
        location = self._replay.locations[self._replay.nodeids.index(tests[0])] if known else None
        warn(self._config, text, tests[0] if known else "", location)

    def is_down(self, node: WorkerNode, error: object) -> None:
        """Tells plugins that a worker is gone; `error`: what happened to it, if anything did."""
        node.shutting_down = True
        self.lending.ended(int(node.gateway.id.removeprefix("gw")), error)
        self._config.hook.pytest_testnodedown(node=node, error=error)
        if node in self._nodes.sched.nodes:  # Not if it never became ready.
            self._nodes.sched.nodes.remove(node)

    def write(self, reporter: Any) -> None:
        """Writes below pytest's own summary what has happened."""
        if self._not_replaced is not None:
            reporter.write_sep("=", f"fastest: {self._not_replaced}", red=True)
        self.memory.write(reporter)
