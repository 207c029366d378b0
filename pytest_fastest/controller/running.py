"""What workers run at this moment, and which of it takes unusually long."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pytest_fastest import _core

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_fastest.controller.nodes import Nodes

# Without a history, a test is slow after so many seconds.
_SLOW = 60.0
# With one, if it takes so many times as long as usual, and at least so many seconds: nobody looks at what is faster.
_TIMES_USUAL = 5.0
_LEAST = 10.0


class Running(NamedTuple):
    """A test that a worker is at: the numbers of worker and item, and for how many seconds."""

    worker: int
    item: int
    seconds: float


def remaining(left: float, seen: Sequence[Running], usual: Sequence[float]) -> float:
    """Seconds until the end of a run of which one worker would need `left` for what has not finished, `seen` among it,
    which take so many seconds as a rule.
    """
    # Who takes longer than usual says nothing of the others.
    done = sum(min(running.seconds, whole) for running, whole in zip(seen, usual, strict=True))
    longest = max(whole - running.seconds for running, whole in zip(seen, usual, strict=True))
    return max((left - done) / len(seen), longest, 0.0)


class Watch:
    """Looks at all workers of one run, again and again."""

    def __init__(self, coordinator: _core.Coordinator, nodes: Nodes, slow_after: float | None) -> None:
        """`slow_after`: seconds after which a test is slow; 0: never; `None`: judged by its history."""
        self._coordinator = coordinator
        self._nodes = nodes
        self._slow_after = slow_after
        self._since: dict[tuple[int, int], float] = {}
        # When a test is slow next (seconds).
        self._threshold: dict[tuple[int, int], float] = {}

    def look(self) -> list[Running]:
        """The running tests, the longest first. Their times are as exact as the looks are frequent."""
        now = _core.monotonic()
        before = self._since
        self._since = {at: before.get(at, now) for at in self._coordinator.running(self._nodes.next_number)}
        for ended in before.keys() - self._since.keys():
            self._threshold.pop(ended, None)
        found = [Running(worker, item, now - since) for (worker, item), since in self._since.items()]
        return sorted(found, key=lambda running: -running.seconds)

    def is_slow(self, running: Running) -> bool:
        """Whether it takes unusually long."""
        return running.seconds >= self._limit(running.item)

    def newly_slow(self, seen: list[Running]) -> list[Running]:
        """Those that have become slow since the last call, or take twice as long as when that was said of them."""
        found = []
        for running in seen:
            at = running[:2]
            if running.seconds >= self._threshold.setdefault(at, self._limit(running.item)):
                self._threshold[at] = 2 * running.seconds
                found.append(running)
        return found

    def _limit(self, item: int) -> float:
        if self._slow_after is not None:
            return self._slow_after or float("inf")
        usual = self._coordinator.usual(item)
        return _SLOW if usual is None else max(_LEAST, _TIMES_USUAL * usual)
