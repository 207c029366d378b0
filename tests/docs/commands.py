"""The commands of a page, the files that it shows, and which commands are not run: why, and what is checked."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import yaml
from pages import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pages import Fence, Page

CONSOLE = "console"
_PROMPT = "$ "
_FILE = re.compile(r"# ([\w./-]*\.\w+)\n")
# What stands for something else in the commands within text.
_PLACEHOLDER = re.compile(r"…|\[|\b[A-Z]+\b(?!=)|<")
_PROGRAMS = (
    "pytest",
    "fastest",
    "python",
    ".venv/bin/python",
    "make",
    "cargo",
    "pip",
    "coverage",
    "tests/compat/run.py",
)


@dataclass(frozen=True)
class Command:
    """A command for a shell. `shown` is what the page says that it prints, or nothing."""

    text: str
    shown: str
    line: int
    # What is named within text may be there for a suite with failures.
    may_fail: bool = False


def files(page: Page) -> dict[str, str]:
    """The files that a page shows: blocks of code whose first line is a comment with the name."""
    return {found[1]: fence.text for fence in page.fences if (found := _FILE.match(fence.text))}


def script(page: Page) -> str:
    """All other Python of a page, in its order."""
    parts = [fence.text for fence in page.fences if fence.language == "python" and not _FILE.match(fence.text)]
    return "\n".join(parts)


def commands(page: Page) -> list[Command]:
    """All commands of a page, in its order: in blocks, in the steps of CI recipes, within text."""
    found = []
    for fence in page.fences:
        if fence.language == CONSOLE:
            found += list(_in_console(fence))
        elif fence.language == "yaml":
            found += [Command(step, "", fence.line) for step in _in_recipe(yaml.safe_load(fence.text))]
    for span in page.spans:
        text = " ".join(span.text.split())
        named = text.startswith(tuple(f"{program} " for program in _PROGRAMS)) and not _PLACEHOLDER.search(text)
        if named and not any(command.text.strip() == text for command in found):
            found.append(Command(text, "", span.line, may_fail=True))
    return sorted(found, key=lambda command: command.line)


def _in_console(fence: Fence) -> Iterator[Command]:
    text, shown, start = "", "", 0
    for line, content in enumerate(fence.text.splitlines(keepends=True), fence.line):
        if content.startswith(_PROMPT):
            if text:
                yield Command(text, shown, start)
            text, shown, start = content.removeprefix(_PROMPT), "", line
        elif text.endswith("\\\n"):
            text += content
        else:
            assert text, f"line {line}: a block of commands begins with {_PROMPT!r}"
            shown += content
    yield Command(text, shown, start)


def _in_recipe(recipe: object) -> Iterator[str]:
    """What a recipe runs: `run` of a step on GitHub, `script` of a job on GitLab."""
    match recipe:
        case dict():
            for key, value in recipe.items():
                if key == "run" and isinstance(value, str):
                    yield value
                elif key == "script":
                    yield from value
                else:
                    yield from _in_recipe(value)
        case list():
            for value in recipe:
                yield from _in_recipe(value)


def not_run(command: Command) -> Callable[[], None] | None:
    """What is checked of a command that is not run, or `None` if it is."""
    words = shlex.split(command.text.replace("\\\n", " "), comments=True)
    for start, (_, check) in NOT_RUN.items():
        if words[: len(start.split())] == start.split():
            return lambda: check(words)
    return None


def _is_a_target(words: list[str]) -> None:
    made = subprocess.run([*words, "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr


def _installs_what_is_there(words: list[str]) -> None:
    pinned = "".join(path.read_text("utf-8") for path in (ROOT / "tests/plugins/requirements").glob("*.txt"))
    for name in words[2:]:
        ours = name == "." or name in ("wheels", "wheels/fastest_pytest-*.whl", "requirements.txt")
        assert name.startswith("-") or ours or f"{name}==" in pinned, name
    assert (ROOT / "pyproject.toml").is_file()


def _has_these_options(words: list[str]) -> None:
    program = (
        f"import sys; sys.argv = {words[1:]!r}; sys.path.insert(0, 'benchmarks'); import run; run.parse_arguments()"
    )
    parsed = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert parsed.returncode == 0, parsed.stderr


def _is_known_to_cargo(words: list[str]) -> None:
    helped = subprocess.run(["cargo", words[1], "--help"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert helped.returncode == 0, helped.stderr


def _takes_these_arguments(words: list[str]) -> None:
    known = (ROOT / words[0]).read_text("utf-8")
    for option in (word for word in words[1:] if word.startswith("--")):
        assert f'"{option}"' in known, f"{words[0]} knows no {option}"


# By the beginning of the command: why it is not run, and what is checked.
NOT_RUN: dict[str, tuple[str, Callable[[list[str]], None]]] = {
    "pytest -n 4 --pdb": ("needs a terminal and somebody at it, as in tests/terminal", lambda words: None),
    "make": ("takes from seconds to hours, and works on the checkout itself", _is_a_target),
    "pip install": ("needs the network, and builds a release", _installs_what_is_there),
    "pip wheel": ("builds a release", _installs_what_is_there),
    ".venv/bin/python benchmarks/run.py": ("measures for minutes", _has_these_options),
    "cargo install": ("needs the network", _is_known_to_cargo),
    "cargo audit": ("is not ours, and needs the network", lambda words: None),
    "cargo fuzz": ("is not ours: only where it has its files is said", lambda words: None),
    "cargo": ("builds for minutes", _is_known_to_cargo),
    "tests/compat/run.py": ("fetches other projects' suites", _takes_these_arguments),
}
