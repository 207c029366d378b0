"""How a suite is run: the ways of starting pytest that must all end alike."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product


@dataclass(frozen=True)
class Mode:
    """A way to run pytest: `python -m MODULE OPTIONS… SUITE`."""

    name: str
    module: str
    options: tuple[str, ...]


PLAIN = Mode("plain", "pytest", ("-p", "no:fastest"))
PLAIN_AGAIN = Mode("plain again", "pytest", PLAIN.options)
WRAPPER = Mode("wrapper -n 0", "fastest", ("-n", "0"))


def parallel_modes(workers: list[int], start_methods: list[str]) -> list[Mode]:
    """Return every start method with every number of workers, and the wrapper."""
    plugin = [
        Mode(f"{method} -n {count}", "pytest", ("-n", str(count), f"--start-method={method}"))
        for method, count in product(start_methods, workers)
    ]
    return [*plugin, WRAPPER]
