"""Make the virtual environment that holds everybody who is measured."""

from __future__ import annotations

import os
import subprocess
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent
HOME = PROJECT / ".cache" / "bench"
DISTRIBUTION = "fastest-pytest"


def environment(target: Path = PROJECT, *, full: bool = False) -> Path:
    """Return the Python of an environment with the competitors and `target`, project or wheel; with all, if `full`."""
    python = HOME / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        venv.create(HOME, with_pip=True, clear=True)
    # Ends pytest's search upwards, even empty: the suites are not to find this project's settings.
    (HOME / "pytest.ini").touch()
    # Uninstalled first: pip keeps an installed version when a wheel has the same one.
    _pip(python, "uninstall", "--yes", DISTRIBUTION)
    lists = ("requirements.txt", "requirements-full.txt") if full else ("requirements.txt",)
    requirements = [option for name in lists for option in ("--requirement", str(HERE / name))]
    _pip(python, "install", *requirements, str(target))
    return python


def _pip(python: Path, action: str, *arguments: str) -> None:
    command = [str(python), "-m", "pip", "--disable-pip-version-check", action, "-qq"]
    subprocess.run([*command, *arguments], check=True)
