"""Runs a part of our own tests with older and newer versions of pytest, each in an environment of its own.

The part is what depends on pytest's inside most: reports, options, start methods, the interface of pytest-xdist, other
people's plugins.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import venv
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


def environment(version: str, wheel: Path) -> Path:
    """Returns the Python of an environment with this pytest and us."""
    home = HOME / version
    python = home / "bin" / "python"
    if not python.exists():
        venv.create(home, with_pip=True, clear=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--force-reinstall", "--no-deps", str(wheel)], check=True)
    subprocess.run([*pip, f"pytest=={version}"], check=True)
    plugins = home / "plugins"
    if not plugins.exists():
        plugins.symlink_to(Path(sys.prefix) / "plugins")
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
    parser.add_argument("versions", nargs="*", default=VERSIONS, metavar="VERSION")
    versions = parser.parse_args().versions
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    wheel = build()
    failed = False
    for version in versions:
        python = environment(version, wheel)
        # Not in the checkout's root, whose packages would come first.
        command = [str(python), "-P", "-m", "pytest", "-n", "2", "-q", *TESTS]
        result = subprocess.run(command, cwd=PROJECT, check=False, text=True, stdout=subprocess.PIPE)
        failed = failed or result.returncode != 0
        if result.returncode != 0:
            print(result.stdout)
        print(f"pytest {version}: {result.stdout.splitlines()[-1]}", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
