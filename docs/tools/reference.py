"""Writes docs/reference.md: what the plugin adds to pytest, as pytest and the source say it.

    python docs/tools/reference.py            # writes it
    python docs/tools/reference.py --check    # exits with 1 if it would change

Fails if something has no text, or is not explained on a page that is written by hand.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import inspect
import io
import os
import re
import sys
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import environment
import pages
import pytest
from _pytest.fixtures import FixtureFunctionDefinition
from pages import Unexplained

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_HEAD = """\
# Reference

Everything that Fastest adds to pytest, in its own words. This page is made from the code by `make reference`; the last
column leads to what explains it.
"""
_OPTION = re.compile(r"(?<![\w`-])--?[a-z][\w-]*(=\w+)?")


@dataclass(frozen=True)
class Option:
    """A command line option: how it is written, what `--help` says, the title of its group."""

    usage: str
    names: tuple[str, ...]
    help: str
    group: str


@dataclass
class Known:
    """What one run of pytest knows."""

    options: dict[str, Option]
    inis: dict[str, str]
    markers: dict[str, str]

    def without(self, other: Known) -> Known:
        """What the other one does not know."""
        return Known(
            {name: option for name, option in self.options.items() if name not in other.options},
            {name: text for name, text in self.inis.items() if name not in other.inis},
            {name: text for name, text in self.markers.items() if name not in other.markers},
        )


class _Spy:
    """Looks at a configured pytest."""

    def __init__(self) -> None:
        self.known = Known({}, {}, {})

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        parser: Any = config._parser
        for action in parser.optparser._actions:
            if action.option_strings and action.help is not argparse.SUPPRESS:
                option = _option(action)
                self.known.options[option.names[-1]] = option
        self.known.inis = {name: entry[0] or "" for name, entry in parser._inidict.items()}
        for line in config.getini("markers"):
            usage, _, text = line.partition(":")
            self.known.markers[usage] = text.strip()


def _option(action: Any) -> Option:
    value = ""
    if action.nargs != 0:
        value = action.metavar or action.dest.upper()
        value = f"[={value}]" if action.nargs == "?" else f" {value}"
    names = tuple(action.option_strings)
    usage = ", ".join(f"`{name}{value}`" for name in names)
    text = (action.help or "") % {"default": action.default}
    if action.choices:
        text += f" One of {', '.join(action.choices)}."
    return Option(usage, names, text, action.container.title)


def known(*plugins: str) -> Known:
    """What pytest knows with these plugins and no other."""
    spy = _Spy()
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    with tempfile.TemporaryDirectory() as empty, contextlib.redirect_stdout(io.StringIO()):
        arguments = ["--markers", "-c", os.devnull, "--rootdir", empty, *(f"-p{name}" for name in plugins)]
        code = pytest.main(arguments, plugins=[spy])
    if code:
        raise RuntimeError(f"pytest --markers has ended with {code!r}")
    return spy.known


def hooks() -> Iterator[tuple[str, str]]:
    """The hooks that are specified anywhere in the package, with their arguments, and what is said of them."""
    for path in sorted((pages.ROOT / "pytest_fastest").rglob("*.py")):
        if "@pytest.hookspec" in path.read_text("utf-8"):
            name = ".".join(path.relative_to(pages.ROOT).with_suffix("").parts)
            for hook, function in vars(importlib.import_module(name)).items():
                if getattr(function, "pytest_spec", None) is not None:
                    arguments = ", ".join(inspect.signature(function).parameters)
                    yield f"{hook}({arguments})", inspect.getdoc(function) or ""


def fixtures() -> Iterator[tuple[str, str, str]]:
    """The fixtures of the plugin: name, scope, what is said of them."""
    from pytest_fastest import plugin

    for name, value in vars(plugin).items():
        if isinstance(value, FixtureFunctionDefinition):
            text = inspect.getdoc(value._get_wrapped_function()) or ""
            yield name, str(value._fixture_function_marker.scope), text


def variables() -> Iterator[tuple[str, str]]:
    """The environment variables, and what is said of them."""
    found = {use.name: use.where for use in environment.uses()}
    if missing := sorted(found.keys() - environment.TEXTS.keys()):
        raise Unexplained(f"{missing[0]} ({found[missing[0]]}) has no text in docs/tools/environment.py")
    if gone := sorted(environment.TEXTS.keys() - found.keys()):
        raise Unexplained(f"{gone[0]} stands in docs/tools/environment.py, and nothing in the source reads or sets it")
    yield from sorted(environment.TEXTS.items())


class Explained:
    """Where things are explained.

    That is where the row of a table that is about it leads, or the section of that row. If there is none, it is the
    section that says most of it, in text rather than in a table.
    """

    def __init__(self, written: list[pages.Page]) -> None:
        self._pages = [page for page in written if page.path.parent.is_relative_to(pages.DOCS)]

    def link(self, *names: str) -> str:
        """A link for the last column; `names` are all ways to write the thing."""
        word = re.compile("|".join(rf"(?<![\w-]){re.escape(name)}(?![\w-])" for name in names))
        if (row := next(filter(None, (_rows(page, word) for page in self._pages)), None)) is not None:
            return row
        for page in self._pages:
            counts: dict[pages.Section, tuple[int, int]] = {}
            for section, text, in_table in self._code(page):
                if word.search(text):
                    whole, part = counts.get(section, (0, 0))
                    counts[section] = (whole + (not in_table), part + 1)
            if counts:
                section = max(counts, key=lambda found: counts[found])
                return _link(page, section)
        raise Unexplained(f"{names[-1]} is explained nowhere: name it, as code, on a page in docs/")

    @staticmethod
    def _code(page: pages.Page) -> Iterator[tuple[pages.Section, str, bool]]:
        for span in page.spans:
            yield span.section, span.text, span.in_table
        for fence in page.fences:
            yield fence.section, fence.text, False


def _rows(page: pages.Page, word: re.Pattern[str]) -> str | None:
    """Where the rows lead that begin with the word: one with a link before others."""
    rows = [row for row in page.rows if any(word.search(name) for name in row.names)]
    for row in rows:
        for target in row.links:
            name, _, anchor = target.partition("#")
            if "://" not in name:
                other = pages.read((page.path.parent / name).resolve()) if name else page
                section = next(each for each in other.sections if anchor in ("", each.anchor))
                return _link(other, section)
    return _link(page, rows[0].section) if rows else None


def _link(page: pages.Page, section: pages.Section) -> str:
    path = page.path.relative_to(pages.DOCS)
    return f"[{path.stem}: {section.title}]({path.as_posix()}#{section.anchor})"


def page() -> str:
    """The text of the reference."""
    explained = Explained(pages.written())
    ours = known("fastest").without(known())
    parts = [_HEAD, "## Options\n"]
    for group in dict.fromkeys(option.group for option in ours.options.values()):
        title = group[0].upper() + group[1:]
        options = [option for option in ours.options.values() if option.group == group]
        parts += [f"### {title}\n", _table(options_rows(options, explained), "option")]
    parts += ["## Configuration keys\n", "For the configuration file: `pytest.ini`, `pyproject.toml`, …\n"]
    parts.append(
        _table(((f"`{name}`", _marked(text), explained.link(name)) for name, text in ours.inis.items()), "key")
    )
    parts.append("## Environment variables\n")
    rows = ((f"`{name}`", text, explained.link(name)) for name, text in variables())
    parts.append(_table(rows, "variable"))
    parts.append("## Markers\n")
    rows = ((f"`{name}`", text, explained.link(name.partition("(")[0])) for name, text in ours.markers.items())
    parts.append(_table(rows, "marker"))
    parts.append("## Fixtures\n")
    rows = ((f"`{name}`", f"{text} Scope: {scope}.", explained.link(name)) for name, scope, text in fixtures())
    parts.append(_table(rows, "fixture"))
    parts.append("## Hooks\n")
    rows = ((f"`{usage}`", text, explained.link(usage.partition("(")[0])) for usage, text in hooks())
    parts.append(_table(rows, "hook"))
    return "\n".join(parts)


def options_rows(options: Iterable[Option], explained: Explained) -> Iterator[tuple[str, str, str]]:
    """Rows of a table."""
    for option in options:
        yield option.usage, _marked(option.help), explained.link(*option.names)


def _marked(text: str) -> str:
    """The text of `--help` with its options as code."""
    return _OPTION.sub(r"`\g<0>`", text)


def _table(rows: Iterable[tuple[str, str, str]], kind: str) -> str:
    lines = [f"| {kind} | | explained in |", "|---|---|---|"]
    for row in rows:
        lines.append("| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in row) + " |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the page, or say whether it would change."""
    try:
        text = page()
    except Unexplained as error:
        print(f"docs/reference.md: {error}", file=sys.stderr)
        return 1
    if "--check" not in sys.argv[1:]:
        pages.REFERENCE.write_text(text, "utf-8")
    elif not pages.REFERENCE.exists() or pages.REFERENCE.read_text("utf-8") != text:
        print("docs/reference.md is not what the code says: run `make reference`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
