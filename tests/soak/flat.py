"""What a controller takes while many tests run: memory and descriptors, beside plain pytest.

    make flat TESTS=100000

Plain pytest keeps every report to the end, for the summary; so does a controller, whose reporter is pytest's own.
Beyond that nothing may grow. The numbers are taken in the process itself, when so many tests have finished.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

# The share of the tests behind which everything is there that is needed once.
_SETTLED = 0.2
_SAMPLES = 20
_PER_MODULE = 1000
_SAMPLER = '''
"""Writes down what this process takes, each time that so many tests have finished."""
import json, os

HERE = os.path.dirname(os.path.abspath(__file__))

class Sampler:
    finished = 0

    def pytest_runtest_logfinish(self):
        self.finished += 1
        if self.finished % {every} == 0:
            with open("/proc/self/statm") as file:
                pages = int(file.read().split()[1])
            # One of them is what lists them.
            sample = dict(tests=self.finished, bytes=pages * os.sysconf("SC_PAGE_SIZE"),
                          descriptors=len(os.listdir("/proc/self/fd")) - 1)
            with open(os.path.join(HERE, "samples"), "a") as file:
                file.write(json.dumps(sample) + "\\n")

def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Sampler())
'''


@dataclass(frozen=True)
class Sample:
    """`bytes`: of memory that the process has in use."""

    tests: int
    bytes: int
    descriptors: int


def measure(tests: int, *arguments: str) -> list[Sample]:
    """Runs so many trivial tests with these arguments of pytest, and returns what was seen on the way."""
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        (root / "pytest.ini").write_text("[pytest]\n", "utf-8")
        (root / "conftest.py").write_text(_SAMPLER.format(every=tests // _SAMPLES), "utf-8")
        for first in range(0, tests, _PER_MODULE):
            numbers = range(first, min(first + _PER_MODULE, tests))
            text = "".join(f"def test_{number}(): pass\n" for number in numbers)
            (root / f"test_m{first}.py").write_text(text, "utf-8")
        subprocess.run(
            [sys.executable, "-m", "pytest", "-q", *arguments], cwd=root, check=True, stdout=subprocess.DEVNULL
        )
        return [Sample(**json.loads(line)) for line in (root / "samples").read_text("utf-8").splitlines()]


def settled(samples: list[Sample]) -> list[Sample]:
    """Those from which on everything is there that is needed once."""
    return [sample for sample in samples if sample.tests >= samples[-1].tests * _SETTLED]


def growth(samples: list[Sample]) -> float:
    """Bytes for each test."""
    first, last = settled(samples)[0], samples[-1]
    return (last.bytes - first.bytes) / (last.tests - first.tests)


def main() -> None:
    """Print a table as Markdown."""
    parser = argparse.ArgumentParser(prog="flat", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tests", type=int, default=100_000)
    tests: int = parser.parse_args().tests
    print("| | descriptors | MiB after a fifth | MiB at the end | bytes for each test |\n|---|---|---|---|---|")
    for name, arguments in {"plain pytest": ("-n", "no"), "controller, `-n 2`": ("-n", "2")}.items():
        samples = measure(tests, *arguments)
        descriptors = sorted({sample.descriptors for sample in settled(samples)})
        mebibytes = [f"{sample.bytes / 2**20:.0f}" for sample in (settled(samples)[0], samples[-1])]
        columns = [name, ", ".join(map(str, descriptors)), *mebibytes, f"{growth(samples):,.0f}"]
        print(f"| {' | '.join(columns)} |", flush=True)


if __name__ == "__main__":
    main()
