"""A report as a browser's parser would take it."""

from __future__ import annotations

import itertools
import json
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

_VOID = ("meta", "input", "br", "link", "img")
# What would ask for something outside of the page.
_REFERENCES = ("src", "href", "srcset", "action")


class Page(HTMLParser):
    """Its visible text, and its data. Elements must nest, and nothing may be asked for."""

    def __init__(self, path: Path) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[str] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self._data: list[str] | None = None
        text = path.read_text("utf-8")
        assert text.startswith("<!doctype html>")
        self.feed(text)
        self.close()
        assert self._open == []
        assert self._data is not None
        self.data: dict[str, Any] = json.loads("".join(self._data))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not [name for name, _ in attrs if name in _REFERENCES or name.startswith("on")]
        self.elements.append(tag)
        if tag not in _VOID:
            self._open.append(tag)
        if ("id", "data") in attrs:
            self._data = []

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] not in ("script", "style"):
            self.texts.append(data)
        elif self._data is not None and self._open[-1:] == ["script"] and self.elements.count("script") == 1:
            self._data.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def outcomes(self) -> dict[str, str]:
        """By node id."""
        names = [self.data["outcomes"][number] for number in self.data["outcome"]]
        return dict(zip(self.data["nodeids"], names, strict=True))

    def ran(self) -> list[tuple[str, str]]:
        """Node ids, and the workers that ran them."""
        runs, lanes = self.data["runs"], self.data["lanes"]
        each = zip(runs["item"], runs["lane"], strict=True)
        return [(self.data["nodeids"][item], lanes[lane]["name"]) for item, lane in each]

    def fixtures(self) -> dict[str, str]:
        """What the table of fixtures says, by their names."""
        texts = [text.strip() for text in self.texts if text.strip()]
        rows = texts[texts.index("Slowest fixtures") + 4 :]
        return {name: details for name, details in itertools.pairwise(rows) if ", set up " in details}
