"""What a worker's memory grows to, test by test, if there is a limit for it."""

from __future__ import annotations

import gc
import heapq
from typing import TYPE_CHECKING

from pytest_fastest import _core

if TYPE_CHECKING:
    import pytest

# So many tests are named that have added most.
_NAMED = 3
# What adds less than this is not worth naming (bytes).
_LITTLE = 1 << 20


class Memory:
    """Of this worker, in bytes, from now on."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = _core.resident_memory() or 0
        # What tests have added and their numbers, the least first.
        self._grew: list[tuple[int, int]] = []

    def outgrown(self, index: int) -> int | None:
        """After a test: what the worker holds if that is more than it may."""
        held = _core.resident_memory()
        if held is None:
            return None
        if held > self._limit:
            # Some of it may be garbage, and some is kept by the allocator for later.
            gc.collect()
            _core.give_back_memory()
            held = _core.resident_memory() or held
        grown = held - self._held
        self._held = held
        if grown >= _LITTLE:
            (heapq.heappush if len(self._grew) < _NAMED else heapq.heappushpop)(self._grew, (grown, index))
        return held if held > self._limit else None

    def growth(self) -> list[tuple[int, int]]:
        """The tests that have added most, and how much, the most first."""
        return [(index, grown) for grown, index in sorted(self._grew, reverse=True)]


def limit(config: pytest.Config) -> int | None:
    """What a worker may hold by `--memory-limit`; `None` if that is not limited, or a share of what nobody knows."""
    said = config.known_args_namespace.memory_limit
    if said is None:
        return None
    amount, is_percentage = said
    if not is_percentage:
        return int(amount)
    total = _core.total_memory()
    return None if total is None else int(total * amount / 100)
