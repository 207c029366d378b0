"""Run the example suite in one process, then in parallel, and show both side by side.

    make demo
    python examples/demo.py [options of fastest for the second run, instead of -n 0]

Exits with 1 if a run failed, or if both runs differ in the outcome of any test.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

SUITE = Path(__file__).resolve().parent / "suite"
# The suite's own configuration, and nothing else.
FASTEST = [
    sys.executable,
    "-m",
    "fastest",
    "-c",
    str(SUITE / "pytest.ini"),
    "--rootdir",
    str(SUITE),
    "-p",
    "no:cacheprovider",
]

Test = tuple[str, str]


@dataclass(frozen=True)
class Run:
    """What one run took, and what became of its tests."""

    seconds: float
    exit_code: int
    outcomes: Counter[tuple[Test, str]]

    def counts(self) -> Counter[str]:
        """Number of tests for each outcome."""
        return Counter(outcome for _, outcome in self.outcomes.elements())


def main() -> int:
    """Run twice and compare."""
    # Compiled test modules are kept between runs: none of the two should have to pay for them alone.
    collect = [*FASTEST, "--collect-only", "-q"]
    warm_up = subprocess.run(collect, cwd=SUITE, env=environment(), capture_output=True, text=True, check=False)
    if warm_up.returncode:
        print(warm_up.stdout, warm_up.stderr, sep="\n", file=sys.stderr)
        return 1
    plain = run([])
    parallel = run(sys.argv[1:] or ["-n", "0"])
    print(f"{'':10}{'one process':>14}{'in parallel':>14}")
    ratio = f"{plain.seconds / parallel.seconds:.1f} times as fast"
    print(f"{'seconds':10}{plain.seconds:14.2f}{parallel.seconds:14.2f}   {ratio}")
    for outcome in sorted(plain.counts() | parallel.counts()):
        print(f"{outcome:10}{plain.counts()[outcome]:14}{parallel.counts()[outcome]:14}")
    print(f"{'exit code':10}{plain.exit_code:14}{parallel.exit_code:14}\n")
    different = (plain.outcomes - parallel.outcomes) + (parallel.outcomes - plain.outcomes)
    if different:
        print("Different outcomes:", *sorted({"::".join(test) for test, _ in different}), sep="\n  ")
    else:
        print(f"Every one of the {plain.outcomes.total()} tests has the same outcome in both.")
    return 1 if different or plain.exit_code or parallel.exit_code else 0


def run(options: list[str]) -> Run:
    """Run the suite and show what is worth seeing of its output while it comes."""
    print(f"{SUITE.parent.name}/{SUITE.name}$", " ".join(["fastest", *options]), flush=True)
    with tempfile.TemporaryDirectory() as directory:
        report = Path(directory) / "junit.xml"
        command = [*FASTEST, "--no-header", f"--junitxml={report}", *options]
        started = time.perf_counter()
        with subprocess.Popen(
            command, cwd=SUITE, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if is_worth_seeing(line):
                    print("   ", line.strip("= \n"), flush=True)
        seconds = time.perf_counter() - started
        print()
        outcomes = read_outcomes(report) if report.exists() else Counter()
        return Run(seconds, process.returncode, outcomes)


def environment() -> dict[str, str]:
    """The environment without anything that is meant for another run of pytest."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "FASTEST_"))}


def is_worth_seeing(line: str) -> bool:
    """Leave out empty lines, and what is the same in both runs."""
    return (
        bool(line.strip())
        and not line.startswith(("=== ", "---"))
        and "test session starts" not in line
        and "generated xml" not in line
    )


def read_outcomes(report: Path) -> Counter[tuple[Test, str]]:
    """The outcome of each test, from a junit file; a test that fails and then errors counts for both."""
    outcomes: Counter[tuple[Test, str]] = Counter()
    for case in ElementTree.parse(report).iter("testcase"):
        test = (case.get("classname", ""), case.get("name", ""))
        ends = [outcome_of(child) for child in case if child.tag in ("failure", "error", "skipped")]
        for end in ends or ["passed"]:
            outcomes[test, end] += 1
    return outcomes


def outcome_of(end: ElementTree.Element) -> str:
    """What pytest calls the element of a junit file."""
    if end.tag == "skipped":
        return "xfailed" if end.get("type") == "pytest.xfail" else "skipped"
    return "failed" if end.tag == "failure" else "error"


if __name__ == "__main__":
    sys.exit(main())
