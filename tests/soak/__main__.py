"""Runs random suites for some minutes, and compares what is reported with what their tests wrote down.

    make soak MINUTES=10
    make soak SEED=17 RUNS=1

Each run has a number of its own, its seed. Exits with 1 if there was any difference; the directories of such runs stay.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from pathlib import Path

from soak.run import Figures, soak
from soak.suite import draw

# Differences of one run that are printed.
_SHOWN = 20


def main() -> int:
    """Run suites until the time is up."""
    options = _parse_arguments()
    # In the background of a script it is ignored, and the runs would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    seed = options.seed if options.seed is not None else time.time_ns() // 10**6 % 10**9
    figures = Figures()
    try:
        _run(options, seed, figures)
    finally:
        print(f"\nfirst seed {seed}\n\n{figures.table()}")
    return 1 if figures.differences else 0


def _run(options: argparse.Namespace, seed: int, figures: Figures) -> None:
    end = time.monotonic() + options.minutes * 60
    number = 0
    while number < options.runs if options.runs else time.monotonic() < end:
        plan = draw(seed + number, options.size, options.workers)
        number += 1
        place = options.directory.absolute() / str(plan.seed)
        began = time.monotonic()
        differences = soak(plan, place, figures)
        told = " ".join(plan.arguments())
        print(f"seed {plan.seed}: {len(plan.tests())} tests, {told}: {time.monotonic() - began:.1f} s", flush=True)
        for difference in differences[:_SHOWN]:
            print(f"  {difference}", flush=True)
        if differences:
            again = f"make soak SEED={plan.seed} RUNS=1 SIZE={options.size} WORKERS={options.workers}"
            print(f"  {len(differences)} differences; kept: {place}; again: {again}", flush=True)


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="soak", description=(__doc__ or "").partition("\n")[0])
    add = parser.add_argument
    add("--minutes", type=float, default=10)
    add("--runs", type=int, default=0, help="so many suites, instead of minutes")
    add("--seed", type=int, help="of the first; the next ones count on from there")
    add("--size", type=int, default=300, help="tests of a suite, roughly")
    add("--workers", type=int, default=3, help="no more than these")
    add("--directory", type=Path, default=Path(".cache/soak"), help="where suites lie")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
