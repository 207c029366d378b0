"""Installs the plugins that the tests use, each into a folder of its own that a run can put on its path.

So a run sees the plugin under test and no other. What a plugin needs is pinned beside it, except what the
environment has anyway.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

REQUIREMENTS = Path(__file__).parent / "requirements"
FOLDER = Path(sys.prefix) / "plugins"
# pip waits for the network most of the time.
_AT_ONCE = 4


def folder(name: str) -> Path:
    """Where the plugin with this requirements file is."""
    return FOLDER / name


def install(requirements: Path) -> None:
    """Installs what one file asks for, unless it is there already."""
    target = folder(requirements.stem)
    stamp = target / ".installed"
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text("utf-8") == wanted:
        return
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--upgrade"]
    subprocess.run([*pip, "--target", str(target), "--requirement", str(requirements)], check=True)
    stamp.write_text(wanted, "utf-8")


def main() -> None:
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(install, sorted(REQUIREMENTS.glob("*.txt"))))


if __name__ == "__main__":
    main()
