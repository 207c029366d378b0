"""Run other projects' suites under plain pytest and under Fastest, and compare them test by test.

    python tests/compat/run.py --quick
    python tests/compat/run.py --suite click --workers 4 --start-method fork

Exits with 1 when a test ended otherwise than under plain pytest. Each suite runs under plain pytest
twice: what those two disagree about is flaky, is named, and is not counted.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

import fetch
from compare import Difference, compare, flaky_subjects
from execute import Place, Timed, execute
from modes import PLAIN, PLAIN_AGAIN, Mode, parallel_modes
from suites import SUITES, Suite, select

LISTED = 20
"""How many differences of one run are printed; the record beside the log has them all."""

LEAST_TIMEOUT = 180.0
"""Seconds after which a run hangs, unless `TIMEOUT_FACTOR` times plain pytest's time is longer."""

TIMEOUT_FACTOR = 4


def main() -> int:
    """Prepare, run every suite, and sum up in the exit status."""
    options = parse_arguments()
    fetch.isolate()
    python = options.python or fetch.environment(options.wheel or fetch.PROJECT)
    modes = parallel_modes(options.workers, options.start_method)
    print(f"\n{'suite':<16}{'tests':>7}  {'mode':<18}{'seconds':>8}{'ratio':>7}  differences")
    differing = [
        suite.name for suite in select(options.suite, quick=options.quick) if not run_suite(suite, modes, python)
    ]
    print(f"\ndiffer from plain pytest: {', '.join(differing) or 'none'}")
    return 1 if differing else 0


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add = parser.add_argument
    add("--suite", action="append", default=[], choices=[s.name for s in SUITES], help="only this")
    add("--workers", type=int, nargs="+", default=[2, 4], metavar="N", help="numbers of workers")
    methods = ["fork", "forkserver", "spawn"]
    add("--start-method", nargs="+", default=["fork", "spawn"], choices=methods)
    add("--quick", action="store_true", help="only the small suites")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--wheel", type=Path, help="install this wheel instead of the project")
    source.add_argument("--python", type=absolute, help="an interpreter that has all it takes")
    return parser.parse_args()


def absolute(path: str) -> Path:
    """Make absolute, not resolved: a virtual environment's interpreter is a link."""
    return Path(path).absolute()


def run_suite(suite: Suite, modes: list[Mode], python: Path) -> bool:
    """Run `suite` in every mode, print a line for each, and tell whether all ended as plain."""
    results = fetch.CACHE / "results" / suite.name
    shutil.rmtree(results, ignore_errors=True)
    results.mkdir(parents=True)
    place = Place(python, fetch.sdist(suite.sdist) if suite.sdist else results, results)

    plain = execute(suite, PLAIN, place, timeout=3600)
    print_row(suite, PLAIN, plain, plain.seconds)
    if not plain.run.tests:
        print(f"  nothing to compare with: plain pytest ran no test, see {plain.log}")
        return False
    timeout = max(LEAST_TIMEOUT, TIMEOUT_FACTOR * plain.seconds)
    again = execute(suite, PLAIN_AGAIN, place, timeout)
    flaky = flaky_subjects(plain.run, again.run)
    print_row(suite, PLAIN_AGAIN, again, plain.seconds, f"{len(flaky)} flaky")
    print_list(sorted(flaky))
    # The first run compiles, unless another has before it.
    baseline = min(plain.seconds, again.seconds)

    alike = True
    for mode in modes:
        timed = execute(suite, mode, place, timeout)
        differences = compare(plain.run, timed.run, ignore=flaky)
        print_row(suite, mode, timed, baseline, describe(timed, differences))
        print_list([str(difference) for difference in differences])
        alike = alike and not differences
    return alike


def describe(timed: Timed, differences: list[Difference]) -> str:
    """Sum up a run's differences, and say where to look."""
    if not differences:
        return "none"
    hung = ", did not end in time" if timed.run.exit_code is None else ""
    return f"{len(differences)}{hung}, see {timed.log}"


def print_row(suite: Suite, mode: Mode, timed: Timed, plain: float, remark: str = "") -> None:
    """Print one line of the table."""
    figures = f"{timed.seconds:>8.1f}{timed.seconds / plain:>6.2f}x"
    line = f"{suite.name:<16}{timed.run.tests:>7}  {mode.name:<18}{figures}  {remark}"
    print(line.rstrip(), flush=True)


def print_list(lines: list[str]) -> None:
    """Print the first lines, indented, and how many are left."""
    for line in lines[:LISTED]:
        print(f"    {line}")
    if len(lines) > LISTED:
        print(f"    … and {len(lines) - LISTED} more")


if __name__ == "__main__":
    sys.exit(main())
