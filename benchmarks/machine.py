"""Say what the figures were measured on."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path

VERSIONS = """\
import importlib.metadata as metadata, platform
print("Python", platform.python_version(), end="")
for name in ("pytest", "pytest-xdist", "fastest-pytest"):
    try:
        print(",", name, metadata.version(name), end="")
    except metadata.PackageNotFoundError:
        print(",", name, "is not installed", end="")
"""


def describe_machine() -> str:
    """Return cores, processor and memory, as far as the system tells."""
    model = _field("/proc/cpuinfo", "model name") or platform.processor() or platform.machine()
    total = _field("/proc/meminfo", "MemTotal").removesuffix(" kB")
    memory = f", {int(total) / 2**20:.0f} GiB" if total else ""
    return f"{os.cpu_count()} cores, {model}{memory}, {platform.system()} {platform.release()}"


def describe_versions(python: Path) -> str:
    """Return the versions of Python, pytest and the competitors that `python` has."""
    command = [str(python), "-c", VERSIONS]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _field(path: str, name: str) -> str:
    """Return the first `name: value` of a file of `/proc`; nothing on other systems."""
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    values = (line.partition(":")[2].strip() for line in lines if line.startswith(name))
    return next(values, "")
