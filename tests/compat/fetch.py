"""Prepare what the suites run on: a virtual environment of their own, and unpacked sdists."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parents[1]
CACHE = PROJECT / ".cache" / "compat"
REQUIREMENTS = HERE / "requirements.txt"
DISTRIBUTION = "fastest-pytest"
PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>\S+)", re.MULTILINE)


def isolate() -> None:
    """Keep the suites from this project's own pytest settings, which are in a folder above them.

    pytest looks upwards for a configuration file, and a `pytest.ini` ends the search even if empty.
    """
    CACHE.mkdir(parents=True, exist_ok=True)
    (CACHE / "pytest.ini").touch()


def environment(target: Path) -> Path:
    """Return the Python of the suites' environment, with `target` (project or wheel) in it."""
    home = CACHE / "venv"
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        venv.create(home, with_pip=True, clear=True)
    # Uninstalled first: pip keeps an installed version when a wheel has the same one.
    pip(python, "uninstall", "-qq", "--yes", DISTRIBUTION)
    pip(python, "install", "-qq", "--requirement", str(REQUIREMENTS), str(target))
    return python


def sdist(name: str) -> Path:
    """Return the unpacked sdist of `name`, in the version that the requirements pin."""
    version = pinned_version(name)
    folder = CACHE / "sdists" / f"{name}-{version}"
    if not folder.exists():
        download = CACHE / "downloads" / name
        shutil.rmtree(download, ignore_errors=True)
        options = ("-qq", "--no-deps", "--no-binary", name, "--dest", str(download))
        pip(Path(sys.executable), "download", *options, f"{name}=={version}")
        (archive,) = download.glob("*.tar.gz")
        _unpack(archive, folder)
    return folder


def pinned_version(name: str, requirements: str | None = None) -> str:
    """Look up the version of `name` in the text of the requirements. `KeyError`: it has none."""
    text = REQUIREMENTS.read_text(encoding="utf-8") if requirements is None else requirements
    return {pin["name"]: pin["version"] for pin in PIN.finditer(text)}[name]


def pip(python: Path, *arguments: str) -> None:
    """Run pip. `CalledProcessError`: it failed, and has said why."""
    command = [str(python), "-m", "pip", "--disable-pip-version-check", *arguments]
    subprocess.run(command, check=True)


def _unpack(archive: Path, folder: Path) -> None:
    """Unpack to a sibling and rename: half an sdist is never taken for a whole one."""
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    with tarfile.open(archive) as tar:
        tar.extractall(partial, filter="data")
    (root,) = partial.iterdir()
    root.rename(folder)
    partial.rmdir()
