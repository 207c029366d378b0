"""What is measured: the suites, how they are made, and what is aimed at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.competitors import MODES, MOST, SHORTLIST, START, Competitor

Write = Callable[[Path], None]


@dataclass(frozen=True)
class Case:
    """A suite at a number of workers.

    `write` makes the suite in a folder, or is `None` for one that is installed. A `waiting` suite could use more
    workers than there are cores. `more_rounds` multiplies the rounds of a case that is short, and so more easily
    disturbed. `overhead` asks for the seconds over plain pytest instead of the ratio. With a `memory_goal` the peak of
    memory is measured as well. `is_full`: only in the long benchmark, where `competitors` take part.
    """

    name: str
    workers: int
    goal: str
    write: Write | None = None
    arguments: tuple[str, ...] = ()
    waiting: bool = False
    more_rounds: int = 1
    overhead: bool = False
    memory_goal: str = ""
    is_full: bool = False
    competitors: tuple[Competitor, ...] = MOST


def modules(body: str, *, tests: int, per_module: int, head: str = "") -> Write:
    """Return a writer of `tests` functions with the same body, so many in a module, below `head`."""

    def write(folder: Path) -> None:
        for start in range(0, tests, per_module):
            numbers = range(start, min(start + per_module, tests))
            functions = [f"def test_{number}():\n    {body}\n" for number in numbers]
            source = "\n\n".join(["import time\n", *([head] if head else []), *functions])
            (folder / f"test_{start // per_module:04}.py").write_text(source, encoding="utf-8")

    return write


SLEEP = "time.sleep(0.0187)"

# Processor time, not wall time: a worker that has to wait for a processor has as much left to do.
BURN = "end = time.process_time() + {}\n    while time.process_time() < end:\n        pass"

EXPENSIVE = """import pytest


@pytest.fixture(scope="module", autouse=True)
def expensive():
    time.sleep(0.3)
"""
LONG = f"def test_long():\n    {BURN.format(2.0)}\n"
PANDAS = ("--pyargs", "pandas.tests.arithmetic", "pandas.tests.indexes", "pandas.tests.dtypes")

CASES = (
    Case("sleep-100", 4, ">= 2.35x", modules(SLEEP, tests=100, per_module=20), waiting=True),
    Case("sleep-500", 4, ">= 3.45x", modules(SLEEP, tests=500, per_module=20), waiting=True, competitors=SHORTLIST),
    Case("sleep-1000", 4, ">= 3.7x", modules(SLEEP, tests=1000, per_module=20), waiting=True, competitors=SHORTLIST),
    Case("cpu-1000", 2, "efficiency >= 97 %", modules(BURN.format(0.005), tests=1000, per_module=20)),
    Case("empty-10000", 2, ">= 1.6x", modules("pass", tests=10_000, per_module=50)),
    Case(
        "one", 2, "<= +0.05 s", modules("pass", tests=1, per_module=1), more_rounds=3, overhead=True, competitors=START
    ),
    Case(
        "one-8",
        8,
        "<= +0.07 s",
        modules("pass", tests=1, per_module=1),
        more_rounds=3,
        overhead=True,
        is_full=True,
        competitors=START,
    ),
    Case("long-test", 2, "", modules(BURN.format(0.01), tests=200, per_module=200, head=LONG), is_full=True),
    Case(
        "giant-module",
        4,
        "never slower than xdist",
        modules(BURN.format(0.001), tests=2000, per_module=2000, head=EXPENSIVE),
        is_full=True,
        competitors=MODES,
    ),
    Case(
        "pandas-dtypes",
        4,
        "",
        arguments=("--pyargs", "pandas.tests.dtypes"),
        memory_goal="<= 50 % of xdist",
        competitors=SHORTLIST,
    ),
    Case(
        "pandas-dtypes-8",
        8,
        "",
        arguments=("--pyargs", "pandas.tests.dtypes"),
        memory_goal="<= 40 % of xdist",
        is_full=True,
        competitors=SHORTLIST,
    ),
    Case("pandas", 2, ">= 1.9x", arguments=PANDAS, is_full=True, competitors=SHORTLIST),
    Case(
        "networkx",
        2,
        "efficiency >= 97 %",
        arguments=("--pyargs", "networkx.algorithms"),
        is_full=True,
        competitors=SHORTLIST,
    ),
)
