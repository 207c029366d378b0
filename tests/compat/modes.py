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
    """Return every start method with every number of workers, and the wrapper.

    Where workers collect for themselves, also with what they need only, for the largest number of workers.
    """
    plugin = [
        Mode(f"{method} -n {count}", "pytest", ("-n", str(count), f"--start-method={method}"))
        for method, count in product(start_methods, workers)
    ]
    needed = [
        Mode(
            f"{method} needed",
            "pytest",
            ("-n", str(max(workers)), f"--start-method={method}", "-o", "fastest_collect=needed"),
        )
        for method in start_methods
        if method != "fork"
    ]
    return [*plugin, *needed, WRAPPER]
