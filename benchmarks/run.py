"""Measure plain pytest, Fastest and pytest-xdist side by side, in whole processes.

    python benchmarks/run.py
    python benchmarks/run.py --full
    python benchmarks/run.py --only one --rounds 10
    python benchmarks/run.py --markdown --save results.json

Prints medians and ratios to plain pytest, with what is aimed at beside them. Times are not judged;
it exits with 1 only when a run failed.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from pathlib import Path

# A script finds its own folder, not the project's.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import record, table
from benchmarks.cases import CASES, Case
from benchmarks.environment import PROJECT, environment
from benchmarks.machine import describe_machine, describe_versions
from benchmarks.rounds import Result, command_of, measure


def main() -> int:
    """Prepare, measure case after case, and print each as it is done."""
    options = parse_arguments()
    full = options.full
    python = options.python or environment(options.wheel or PROJECT, full=full)
    markdown = options.markdown
    cases = [case for case in CASES if (case.name in options.only if options.only else full or not case.is_full)]

    print(f"{describe_machine()}\n{describe_versions(python)}")
    print(f"Median seconds of {options.rounds} rounds, more of short cases (shortest to longest)\n")
    print(table.heading(markdown=markdown), flush=True)
    failures: list[str] = []
    measured: list[tuple[Case, Result]] = []
    for case in cases:
        result = measure(case, python, options.rounds, full=full)
        measured.append((case, result))
        print("\n".join(table.rows(case, result, markdown=markdown)), flush=True)
        failures += [f"{case.name}, {error}" for error in table.errors(result)]
    if options.save:
        options.save.write_text(json.dumps(record.of(measured), indent=1) + "\n", encoding="utf-8")

    print("\nCommands:\n")
    for case, result in measured:
        for competitor in result.series:
            print(f"    {case.name}: {shlex.join(command_of(Path('bin/python'), case, competitor))}")
    for failure in failures:
        print(f"failed: {failure}", file=sys.stderr)
    return 1 if failures else 0


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add = parser.add_argument
    add("--rounds", type=int, default=5, metavar="N", help="how often everybody runs")
    add("--full", action="store_true", help="all cases and competitors; takes an hour")
    add("--save", type=Path, metavar="FILE", help="write the figures down, for benchmarks/chart.py")
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
