"""Measure plain pytest, Fastest and pytest-xdist side by side, in whole processes.

    python benchmarks/run.py
    python benchmarks/run.py --only one --rounds 10
    python benchmarks/run.py --markdown

Prints medians and ratios to plain pytest, with what is aimed at beside them. Times are not judged;
it exits with 1 only when a run failed.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

# A script finds its own folder, not the project's.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import table
from benchmarks.cases import CASES
from benchmarks.competitors import COMPETITORS
from benchmarks.environment import PROJECT, environment
from benchmarks.machine import describe_machine, describe_versions
from benchmarks.rounds import command_of, measure


def main() -> int:
    """Prepare, measure case after case, and print each as it is done."""
    options = parse_arguments()
    python = options.python or environment(options.wheel or PROJECT)
    markdown = options.markdown
    cases = [case for case in CASES if not options.only or case.name in options.only]

    print(f"{describe_machine()}\n{describe_versions(python)}")
    print(f"Median seconds of {options.rounds} rounds, more of short cases (shortest to longest)\n")
    print(table.heading(markdown=markdown), flush=True)
    failures: list[str] = []
    for case in cases:
        result = measure(case, python, options.rounds)
        print(table.row(case, result, markdown=markdown), flush=True)
        if line := table.memory_row(case, result, markdown=markdown):
            print(line, flush=True)
        failures += [f"{case.name}, {error}" for error in table.errors(result)]

    print("\nCommands:\n")
    for case in cases:
        for competitor in COMPETITORS:
            command = command_of(Path("python"), case, competitor)
            print(f"    {case.name}: {shlex.join(command)}")
    for failure in failures:
        print(f"failed: {failure}", file=sys.stderr)
    return 1 if failures else 0


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add = parser.add_argument
    add("--rounds", type=int, default=5, metavar="N", help="how often everybody runs")
    names = [case.name for case in CASES]
    add("--only", action="append", default=[], choices=names, help="only this case")
    add("--markdown", action="store_true", help="print the table for docs/benchmarks.md")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--wheel", type=Path, help="install this wheel instead of the project")
    source.add_argument("--python", type=absolute, help="an interpreter that has all it takes")
    return parser.parse_args()


def absolute(path: str) -> Path:
    """Make absolute, not resolved: a virtual environment's interpreter is a link."""
    return Path(path).absolute()


if __name__ == "__main__":
    sys.exit(main())
