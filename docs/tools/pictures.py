"""Takes docs/report.png, of a real run of the example suite, and prints what its terminal showed in the middle.

    .venv/bin/python docs/tools/pictures.py

It needs what `make plugins` and `make browser` install.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from pages import DOCS, ROOT

sys.path += [str(ROOT / "tests"), str(Path(sys.prefix) / "plugins" / "playwright")]

from playwright.sync_api import sync_playwright
from processes.harness import wait_until
from terminal.screen import screen

# What the examples do not have: a test that takes long, and one that fails.
ADDED = '''
import time

def test_year(cart):
    """All invoices of a year."""
    time.sleep(1.5)

def test_discount(cart, tea):
    print("a cart with ten teas")
    cart.add(tea, 10)
    assert cart.total() == 4050
'''
COMMAND = ["-m", "pytest", "-n", "4", "--fastest-progress", "on", "--fastest-report", "run.html"]
# Of the picture (pixels). Below the timeline the page goes on.
WIDTH, MARGIN = 1100, 10
_HALF = 50


def run(suite: Path) -> list[str]:
    """The screen when half of the tests were over. The first of two runs is for the timings."""
    _run(suite)
    return next(rows for rows in _run(suite) if any(_share(row) >= _HALF for row in rows))


def _run(suite: Path) -> list[list[str]]:
    """What the terminal showed, one look after the other."""
    looks: list[list[str]] = []
    environment = {name: value for name, value in os.environ.items() if name not in ("CI", "BUILD_NUMBER")}
    environment["TERM"] = "xterm-256color"
    with screen(88, 20) as terminal:
        command = [sys.executable, *COMMAND]
        process = subprocess.Popen(command, cwd=suite, env=environment, stdout=terminal.line, stderr=terminal.line)

        def is_over() -> bool:
            looks.append(terminal.rows())
            return process.poll() is not None

        wait_until(is_over, 60.0, "the end of the run")
    return looks


def _share(row: str) -> int:
    """How much of the run is over, in percent, if the row tells it."""
    words = row.split()
    return int(words[1]) if len(words) > 2 and words[2] == "%" and words[1].isdigit() else 0


def main() -> None:
    """Run, take the picture, print the screen."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        sys.exit("there is no Chromium: `make browser` installs it")
    with tempfile.TemporaryDirectory() as folder:
        suite = Path(folder) / "shop"
        shutil.copytree(ROOT / "examples" / "suite", suite, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        (suite / "test_year.py").write_text(ADDED, "utf-8")
        rows = run(suite)
        with sync_playwright() as playwright:
            # Root has no sandbox; the page is our own.
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": WIDTH, "height": 800}, color_scheme="light")
            page.goto((suite / "run.html").as_uri())
            end = page.locator("#timeline-section").bounding_box()
            clip = {"x": 0, "y": 0, "width": WIDTH, "height": end["y"] + end["height"] + MARGIN}
            page.screenshot(path=DOCS / "report.png", full_page=True, clip=clip)
            browser.close()
    print("\n".join(rows).rstrip())


if __name__ == "__main__":
    main()
