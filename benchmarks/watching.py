"""What it costs to watch a run: 10,000 empty tests with two workers on a terminal, with and without.

Prints medians, and of each round the ratio to the run without.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.cases import modules
from benchmarks.environment import environment
from benchmarks.machine import describe_machine, describe_versions
from benchmarks.measure import Sample, run_once

QUIET = ("--fastest-progress", "off")
VARIANTS = {
    "nothing": QUIET,
    "progress": ("--fastest-progress", "on"),
    "`--slow-after 60`": (*QUIET, "--slow-after", "60"),
    "`--show-failures-now`": (*QUIET, "--show-failures-now"),
    "`-s`": (*QUIET, "-s"),
    "`--fastest-report`": (*QUIET, "--fastest-report", "report.html"),
}


def main() -> None:
    """Measure all in turn, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=9, metavar="N", help="how often everybody runs")
    parser.add_argument("--python", type=Path, help="an interpreter that has all it takes")
    options = parser.parse_args()
    python = str(options.python.absolute() if options.python else environment())
    samples: dict[str, list[Sample]] = {name: [] for name in VARIANTS}
    with tempfile.TemporaryDirectory() as folder:
        suite = Path(folder)
        modules("pass", tests=10_000, per_module=50)(suite)
        # The first run writes what others read: bytecode, timings.
        for number in range(options.rounds + 1):
            for name, arguments in VARIANTS.items():
                command = [python, "-m", "pytest", "-n", "2", *arguments]
                sample = run_once(command, suite, terminal=True, variables={"TERM": "xterm-256color", "CI": ""})
                samples[name] += [sample] * (number > 0)
    print(f"{describe_machine()}\n{describe_versions(Path(python))}\n")
    print("| | seconds | ratio | processor | ratio |\n|---|---|---|---|---|")
    for name, series in samples.items():
        print(
            f"| {name} | {_cells([each.seconds for each in series], [each.seconds for each in samples['nothing']])} "
            f"| {_cells([each.processor for each in series], [each.processor for each in samples['nothing']])} |"
        )


def _cells(series: list[float], base: list[float]) -> str:
    ratios = [one / other for one, other in zip(series, base, strict=True)]
    return f"{median(series):.2f} | {median(ratios):.3f} ({min(ratios):.2f} to {max(ratios):.2f})"


if __name__ == "__main__":
    main()
