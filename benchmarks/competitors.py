"""Who is measured: the same pytest, with at most one plugin that runs tests in parallel, and a runner of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

COMMON = ("-q", "-p", "no:cacheprovider")
# Blocked by name, as both are installed. The second is the other entry point of pytest-xdist: left in, it would make
# plain pytest and us import xdist.
NO_XDIST = ("-p", "no:xdist", "-p", "no:xdist.looponfail")
NO_FASTEST = ("-p", "no:fastest")


@dataclass(frozen=True)
class Competitor:
    """A way to run a suite: options, whether it takes a number of workers, and its command if that is not pytest."""

    name: str
    options: tuple[str, ...] = ()
    parallel: bool = True
    command: str = ""

    def command_line(self, python: Path, workers: int, suite: tuple[str, ...]) -> list[str]:
        """Return the whole command."""
        start = [str(python), "-m", "pytest", *COMMON]
        if self.command:
            start = [str(python.parent / self.command), "--python", str(python)]
        parallel = ["-n", str(workers)] if self.parallel else []
        return [*start, *parallel, *self.options, *suite]

    def is_installed(self, python: Path) -> bool:
        """Tell whether its command is there."""
        return not self.command or (python.parent / self.command).exists()


PLAIN = Competitor("plain pytest", (*NO_FASTEST, *NO_XDIST), parallel=False)
LOADED = Competitor("Fastest without -n", NO_XDIST, parallel=False)
FASTEST = Competitor("Fastest", NO_XDIST)
FORKSERVER = Competitor("Fastest, forkserver", ("--start-method", "forkserver", *NO_XDIST))
SPAWN = Competitor("Fastest, spawn", ("--start-method", "spawn", *NO_XDIST))
XDIST = Competitor("pytest-xdist", NO_FASTEST)
WORKSTEAL = Competitor("pytest-xdist, worksteal", ("--dist", "worksteal", *NO_FASTEST))
LOADSCOPE = Competitor("pytest-xdist, loadscope", ("--dist", "loadscope", *NO_FASTEST))
RSTEST = Competitor("rstest", command="rstest")

QUICK = (PLAIN, FASTEST, XDIST)
# In the long benchmark: most suites, those that take long, and those that are about something.
MOST = (PLAIN, FASTEST, FORKSERVER, SPAWN, XDIST, RSTEST)
SHORTLIST = (PLAIN, FASTEST, XDIST, RSTEST)
START = (PLAIN, LOADED, FASTEST, FORKSERVER, SPAWN, XDIST, RSTEST)
MODES = (PLAIN, FASTEST, XDIST, WORKSTEAL, LOADSCOPE, RSTEST)
