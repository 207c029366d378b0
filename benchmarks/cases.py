"""What is measured: the suites, how they are made, and what is aimed at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Write = Callable[[Path], None]


@dataclass(frozen=True)
class Case:
    """A suite at a number of workers.

    `write` makes the suite in a folder, or is `None` for one that is installed. `more_rounds`
    multiplies the rounds of a case that is short, and so more easily disturbed. `overhead` asks for
    the seconds over plain pytest instead of the ratio. With a `memory_goal` the peak of memory is
    measured as well.
    """

    name: str
    workers: int
    goal: str
    write: Write | None = None
    arguments: tuple[str, ...] = ()
    more_rounds: int = 1
    overhead: bool = False
    memory_goal: str = ""


def modules(body: str, *, tests: int, per_module: int) -> Write:
    """Return a writer of `tests` functions with the same body, so many in a module."""

    def write(folder: Path) -> None:
        for start in range(0, tests, per_module):
            numbers = range(start, min(start + per_module, tests))
            functions = [f"def test_{number}():\n    {body}\n" for number in numbers]
            source = "\n\n".join(["import time\n", *functions])
            (folder / f"test_{start // per_module:04}.py").write_text(source, encoding="utf-8")

    return write


SLEEP = "time.sleep(0.0187)"

# Processor time, not wall time: a worker that has to wait for a processor has as much left to do.
BURN = "end = time.process_time() + 0.005\n    while time.process_time() < end:\n        pass"

CASES = (
    Case("sleep-100", 4, ">= 2.1x", modules(SLEEP, tests=100, per_module=20)),
    Case("sleep-500", 4, ">= 3.2x", modules(SLEEP, tests=500, per_module=20)),
    Case("sleep-1000", 4, ">= 3.6x", modules(SLEEP, tests=1000, per_module=20)),
    Case("cpu-1000", 2, "", modules(BURN, tests=1000, per_module=20)),
    Case("empty-10000", 2, "> 1.0x", modules("pass", tests=10_000, per_module=50)),
    Case(
        "one",
        2,
        "<= +0.10 s",
        modules("pass", tests=1, per_module=1),
        more_rounds=3,
        overhead=True,
    ),
    Case(
        "pandas-dtypes",
        4,
        "",
        arguments=("--pyargs", "pandas.tests.dtypes"),
        memory_goal="<= 60 % of xdist",
    ),
)
