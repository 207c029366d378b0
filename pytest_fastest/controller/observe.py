"""What a person sees of a run while it goes on: progress, slow tests, and, on demand, where the tests are."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from pytest_fastest import _core
from pytest_fastest.controller import live
from pytest_fastest.controller.interrupts import wipe_before_endings
from pytest_fastest.controller.running import Running, Watch, remaining
from pytest_fastest.controller.tally import Tally
from pytest_fastest.texts import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

    from pytest_fastest.controller.launch import Launched
    from pytest_fastest.controller.nodes import Nodes
    from pytest_fastest.controller.replay import Replay
    from pytest_fastest.controller.screen import Screen
    from pytest_fastest.controller.stacks import Stacks

# Seconds between two looks.
_EVERY = 0.1


class Observer:
    """Of one run, from the time when tests are dealt."""

    def __init__(
        self, config: pytest.Config, run: Launched, nodes: Nodes, replay: Replay, screen: Screen, stacks: Stacks
    ) -> None:
        self._config = config
        self._coordinator = run.coordinator
        self._replay = replay
        self._screen = screen
        self._stacks = stacks
        self._total = 0
        slow_after: float | None = config.option.slow_after
        self._watch = Watch(self._coordinator, nodes, slow_after)
        self._reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
        self._tally = Tally(self._reporter)
        self._live = live.Live(self._reporter) if self._is_wanted() else None
        # Without lines, output is held back all the same while a worker has the terminal.
        self._held: live.Live | None = None
        # Where nobody looks, only what was asked for is said.
        self._names_slow = self._live is not None or slow_after is not None
        self._next = 0.0

    def _is_wanted(self) -> bool:
        wish = self._config.option.fastest_progress
        if wish == "off" or self._reporter is None or not live.can_be_drawn(self._reporter._tw._file):
            return False
        return wish == "on" or (self._config.option.verbose >= 0 and not live.is_ci())

    @contextmanager
    def watching(self, total: int) -> Iterator[None]:
        """Shows what there is to see of `total` tests until the end of the block."""
        self._total = total
        with ExitStack() as stack:
            if self._live is not None:
                self._live.begin()
                stack.callback(self._live.end)
                stack.callback(wipe_before_endings(self._wipe, self._live.soon))
            stack.callback(self.go_on)
            yield

    def _wipe(self) -> None:
        if self._live is not None and self._held is None:
            self._live.show([])

    def hold(self) -> None:
        """From now on nothing is written; what is to be written waits."""
        if self._reporter is None:
            return
        self._held = self._live or live.Live(self._reporter)
        if self._live is None:
            self._held.begin()
        self._held.show([])

    def go_on(self) -> None:
        """Writes what has waited."""
        if self._held is not None and self._live is None:
            self._held.end()
        self._held = None

    def look(self) -> None:
        """Shows what is new, if it is time to. To be called often."""
        now = _core.monotonic()
        if self._stacks.are_due(of_tests=True):
            self._stacks.show([(self._named(running), running) for running in self._watch.look()])
        # Nobody is hurried who debugs.
        if now < self._next or not self._names_slow or self._held is not None:
            return
        self._next = now + _EVERY
        seen = self._watch.look()
        for running in self._watch.newly_slow(seen):
            self._screen.say(f"slow: {self._named(running)} has been running for {_in_words(running.seconds)}")
        if self._live is not None:
            self._live.show(self._lines(self._live, seen))

    def _named(self, running: Running) -> str:
        return f"gw{running.worker} {self._replay.nodeid(running.item)}"

    def _lines(self, canvas: live.Live, seen: list[Running]) -> list[str]:
        width, rows = canvas.size()
        shown = seen[: rows - 1]
        running = [
            (f"gw{test.worker}", test.seconds, self._shown(test.item, width), self._watch.is_slow(test))
            for test in shown
        ]
        return _core.progress_lines(
            done=self._replay.done,
            total=self._total,
            tally=self._tally.text(),
            remaining=self._remaining(seen),
            running=running,
            width=width,
            is_coloured=self._reporter._tw.hasmarkup,
            is_ascii=canvas.is_ascii,
        )

    def _shown(self, item: int, width: int) -> str:
        nodeid = one_line(self._replay.nodeid(item))
        file, separator, rest = nodeid.partition("::")
        # The end says more than the folders.
        return nodeid if len(nodeid) + 20 <= width else file.rpartition("/")[2] + separator + rest

    def _remaining(self, seen: list[Running]) -> float | None:
        """Seconds until the end of the run."""
        left = self._coordinator.left()
        # If every worker runs everything, there is no history of it.
        if left is None or not seen or self._total != len(self._replay.nodeids):
            return None
        return remaining(left, seen, [self._coordinator.usual(running.item) or 0.0 for running in seen])


def _in_words(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
