"""Every command of the docs and of the README does what the page says."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pages
import pytest
from processes.harness import PLUGINS as PLUGINS_FOLDER
from processes.harness import Result, Suite

from docs import commands, screens

if TYPE_CHECKING:
    from pages import Page

# Where a page shows no tests of its own.
PROJECT = {
    "pytest.ini": "# The rest is run by name.\n[pytest]\ntestpaths = tests\n",
    "tests/test_a.py": """
        import pytest

        def test_one(): pass

        @pytest.mark.parametrize("number", range(20))
        def test_many(number): pass
    """,
    "tests/test_b.py": """
        import pytest

        @pytest.mark.parametrize("number", range(20))
        def test_many(number): pass
    """,
}
PROJECTS = {"docs/getting-started.md": pages.ROOT / "examples" / "suite"}
# Of `tests/plugins/requirements`.
PLUGINS = {
    "docs/howto/asyncio.md": ("asyncio",),
    "docs/howto/coverage.md": ("cov",),
    "docs/howto/django.md": ("django",),
    "docs/howto/resources.md": ("filelock",),
}
# Two processors, as the machine has that made the screens, however many there are.
TWO = (
    "import os, sys; os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2]); "
    "os.execvp('sh', ['sh', '-c', sys.argv[1]])"
)
WRITTEN = pages.written()
WITH_COMMANDS = [page for page in WRITTEN if commands.commands(page)]


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    """A directory for a project, which a page says what is in it."""
    return Suite(tmp_path / "project")


def lay_out(suite: Suite, page: Page) -> None:
    """Makes the files that a page shows, and a project if none of them is a test in its first folder."""
    shown = commands.files(page)
    if page.name in PROJECTS:
        shutil.copytree(
            PROJECTS[page.name], suite.root, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__")
        )
    elif not any(name.startswith("test_") for name in shown):
        shown = PROJECT | shown
    for name, text in shown.items():
        (suite.root / name).parent.mkdir(parents=True, exist_ok=True)
        if text.lstrip().startswith("#"):
            (suite.root / name).write_text(text, "utf-8")
        else:
            suite.write(**{name.removesuffix(".py"): text})


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=lambda page: page.name)
def test_commands(page: Page, suite: Suite) -> None:
    lay_out(suite, page)
    for command in commands.commands(page):
        where = f"{page.name}:{command.line}: {command.text.strip()}"
        if (check := commands.not_run(command)) is not None:
            check()
            assert not command.shown, f"{where}\nis not run: nobody knows whether it prints this"
            continue
        result = run(suite, page, ["-c", TWO, command.text])
        if command.shown:
            assert screens.same(command.shown, result.output), (
                f"{where}\nprints:\n{result.output}\n"
                f"that is:\n{screens.normal(result.output.splitlines())}\n"
                f"and not:\n{screens.normal(command.shown.splitlines())}"
            )
        else:
            assert result.returncode in ((0, 1) if command.may_fail else (0,)), (
                f"{where}\nexits with {result.returncode}:\n{result.output}"
            )


@pytest.mark.parametrize("page", [page for page in WRITTEN if commands.script(page)], ids=lambda page: page.name)
def test_python(page: Page, suite: Suite) -> None:
    """The Python that is no file of a project runs as one script."""
    lay_out(suite, page)
    (suite.root / "script.py").write_text(commands.script(page), "utf-8")
    result = run(suite, page, ["script.py"])
    assert result.returncode == 0, result.output


def run(suite: Suite, page: Page, arguments: list[str]) -> Result:
    """Runs Python with these arguments, as wide as the pages are."""
    plugins = PLUGINS.get(page.name, ())
    folders = [Path(sys.executable).parent, *(PLUGINS_FOLDER / name / "bin" for name in plugins)]
    path = os.pathsep.join([*map(str, folders), os.environ["PATH"]])
    return suite.run(*arguments, command=[sys.executable], env={"COLUMNS": "80", "PATH": path}, plugins=plugins)
