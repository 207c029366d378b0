"""Who is measured: the same pytest, with at most one plugin that runs tests in parallel."""

from __future__ import annotations

from dataclasses import dataclass

COMMON = ("-q", "-p", "no:cacheprovider")
# Blocked by name, as both are installed. The second is the other entry point of pytest-xdist: left
# in, it would make plain pytest and us import xdist.
NO_XDIST = ("-p", "no:xdist", "-p", "no:xdist.looponfail")
NO_FASTEST = ("-p", "no:fastest")


@dataclass(frozen=True)
class Competitor:
    """A way to run a suite: options for pytest, and whether it takes a number of workers."""

    name: str
    options: tuple[str, ...]
    parallel: bool = True

    def arguments(self, workers: int) -> list[str]:
        """Return the command line after `python`, without the suite."""
        parallel = ("-n", str(workers)) if self.parallel else ()
        return ["-m", "pytest", *COMMON, *parallel, *self.options]


PLAIN = Competitor("plain", (*NO_FASTEST, *NO_XDIST), parallel=False)
FASTEST = Competitor("fastest", NO_XDIST)
XDIST = Competitor("xdist", NO_FASTEST)
COMPETITORS = (PLAIN, FASTEST, XDIST)
