"""A pytest plugin that keeps of a collection what was asked for, and notes what came of it.

It is loaded by name (``-p``) and configured by an option, both of which reach a worker however it
was started: whichever process collects must make the selection. The first to finish collecting
leaves its findings in a file.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fastest._collected import inner_id, source_path

if TYPE_CHECKING:
    from collections.abc import Iterable

OPTION = "--fastest-selection"
_DEST = "fastest_selection"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(OPTION, dest=_DEST, default=None, help="(internal) the request of fastest's API")


def pytest_configure(config: pytest.Config) -> None:
    file = config.getoption(_DEST)
    if file is not None:
        config.pluginmanager.register(_Selector(Path(file)), "fastest-selection")


class Selection:
    """Which files and items are wanted."""

    def __init__(self, wanted: Iterable[dict[str, Any]], whole: Iterable[str]) -> None:
        self.whole = set(whole)
        self.exact: dict[tuple[str, str], str] = {}
        self.prefixes: dict[tuple[str, str], str] = {}
        for want in wanted:
            kind = self.exact if want["exact"] else self.prefixes
            kind[want["path"], want["inner"]] = want["asked_as"]
        self.everything = not self.exact and not self.prefixes
        self._on_the_way = set(self.whole)
        for path in {path for path, _ in (*self.exact, *self.prefixes)}:
            self._on_the_way.update((path, *map(str, Path(path).parents)))

    def leads_to_wanted(self, path: Path) -> bool:
        """Whether anything wanted is in this file or below this directory."""
        return self.everything or str(path) in self._on_the_way or self._is_in_whole(str(path))

    def find(self, path: str, inner: str) -> str | None:
        """What the item was asked for as; ``""``: as part of a path, `None`: not at all."""
        if (asked_as := self.exact.get((path, inner))) is not None:
            return asked_as
        if self.prefixes:
            for prefix in _prefixes(inner):
                if (asked_as := self.prefixes.get((path, prefix))) is not None:
                    return asked_as
        return "" if self.everything or self._is_in_whole(path) else None

    def all_asked(self) -> set[str]:
        """Everything that was asked for by id."""
        return {*self.exact.values(), *self.prefixes.values()}

    def _is_in_whole(self, path: str) -> bool:
        if not self.whole:
            return False
        return path in self.whole or any(str(parent) in self.whole for parent in Path(path).parents)


class _Selector:
    """The hooks, in the process that collects."""

    def __init__(self, file: Path) -> None:
        request = json.loads(file.read_text(encoding="utf-8"))
        self._findings = Path(request["findings"])
        self._selection = Selection(request["wanted"], request["whole"])
        self._unknown: list[str] = []
        self._missing: list[str] = []
        self._asked_as: dict[str, str] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        return None if self._selection.leads_to_wanted(collection_path) else True

    @pytest.hookimpl(tryfirst=True)  # before -k, -m and the like: what those drop is known, but not run
    def pytest_collection_modifyitems(self, session: pytest.Session, items: list[pytest.Item]) -> None:
        missing = self._selection.all_asked()
        kept: list[pytest.Item] = []
        for item in items:
            asked_as = self._selection.find(str(source_path(item)), inner_id(item.nodeid))
            if asked_as is None:
                continue
            kept.append(item)
            if asked_as:
                missing.discard(asked_as)
                self._asked_as[item.nodeid] = asked_as
        if session.testsfailed:  # after a collection error, what is missing may be in the file that failed
            self._missing = sorted(missing)
        elif missing:
            self._unknown = sorted(missing)
            kept = []
        items[:] = kept

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        if not (session.items or self._unknown or self._missing or self._asked_as):
            return
        collected = [item.nodeid for item in session.items]
        remaining = set(collected)
        findings = {
            "unknown": self._unknown,
            "missing": self._missing,
            "collected": collected,
            "deselected": [id_ for id_ in self._asked_as if id_ not in remaining],
            "asked_as": list(self._asked_as.items()),
        }
        # Another worker may have been faster; its findings are the same.
        with suppress(FileExistsError), self._findings.open("x", encoding="utf-8") as stream:
            json.dump(findings, stream)


def _prefixes(inner: str) -> Iterable[str]:
    """``A::b[1]`` → itself, ``A::b``, ``A``: what an id may have been asked for as."""
    yield inner
    whole, bracket, _ = inner.partition("[")
    if bracket:
        yield whole
    while "::" in whole:
        whole = whole.rpartition("::")[0]
        yield whole
