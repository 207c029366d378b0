"""Runs a part of our own tests with older and newer versions of pytest, or all with another Python.

Each has an environment of its own.

The part is what depends on pytest's inside most: reports, options, start methods, the interface of pytest-xdist, other
people's plugins.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
HOME = PROJECT / ".cache" / "matrix"
# The oldest that is supported, the last of each line since, and the newest.
VERSIONS = ("8.0.2", "8.4.2", "9.0.3", "9.2.0")
TESTS = (
    "tests/acceptance/test_outcomes.py",
    "tests/ci",
    "tests/failures",
    "tests/options",
    "tests/plugins",
    "tests/surface/test_hooks.py",
    "tests/surface/test_modes.py",
    "tests/surface/test_options.py",
    "tests/surface/test_shutdown.py",
    "tests/processes/test_tripwires.py",
    "tests/processes/test_remembered.py",
    "tests/processes/test_identity.py",
    "tests/processes/test_nextitem.py",
)


def environment(interpreter: str, version: str, wheel: Path) -> Path:
    """Returns the Python of an environment of that interpreter, with this pytest, us, and what the tests need."""
    tag = subprocess.check_output([interpreter, "-c", "import sys; print(sys.implementation.cache_tag)"], text=True)
    home = HOME / f"{tag.strip()}-{version}"
    python = home / "bin" / "python"
    if not python.exists():
        subprocess.run([interpreter, "-m", "venv", str(home)], check=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--force-reinstall", "--no-deps", str(wheel)], check=True)
    subprocess.run([*pip, "--requirement", "requirements-dev.txt"], check=True, cwd=PROJECT)
    subprocess.run([*pip, f"pytest=={version}"], check=True)
    subprocess.run([str(python), "tests/plugins/install.py"], check=True, cwd=PROJECT)
    return python


def build() -> Path:
    """Builds the wheel that all environments get."""
    target = HOME / "wheel"
    for old in target.glob("*.whl"):
        old.unlink()
    subprocess.run(["maturin", "build", "--release", "--quiet", "--out", str(target)], cwd=PROJECT, check=True)
    [wheel] = target.glob("*.whl")
    return wheel


def main() -> int:
    """Prints one line for each version; the exit code is 1 if any has failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("versions", nargs="*", default=VERSIONS, metavar="VERSION", help="of pytest")
    parser.add_argument("--python", help="the interpreter of the environments; with another one all tests run")
    options = parser.parse_args()
    tests = ("tests",) if options.python else TESTS
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    wheel = build()
    failed = False
    for version in options.versions:
        python = environment(options.python or sys.executable, version, wheel)
        # Not in the checkout's root, whose packages would come first.
        command = [str(python), "-P", "-m", "pytest", "-n", "2", "-q", *tests]
        result = subprocess.run(command, cwd=PROJECT, check=False, text=True, stdout=subprocess.PIPE)
        failed = failed or result.returncode != 0
        if result.returncode != 0:
            print(result.stdout)
        print(f"pytest {version}: {result.stdout.splitlines()[-1]}", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
