"""What the pages say: their sections, blocks of code, code within text, and links."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from markdown_it.token import Token

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference.md"


class Unexplained(Exception):
    """Something is missing on the pages, or can't be told from the source."""


@dataclass(frozen=True)
class Section:
    """A heading, with the anchor that GitHub gives it."""

    title: str
    anchor: str


@dataclass(frozen=True)
class Fence:
    """A block of code. `line` is that of its first line of code, counted from 1."""

    language: str
    text: str
    line: int
    section: Section


@dataclass(frozen=True)
class Span:
    """Code within text or a table. `line` is that of the paragraph or row."""

    text: str
    line: int
    in_table: bool
    section: Section


@dataclass
class Row:
    """A row of a table: the code in its first cell, and the targets of its links."""

    section: Section
    names: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Link:
    """A link or an image, as it is written."""

    target: str
    line: int


@dataclass
class Page:
    """A page, taken apart."""

    path: Path
    sections: list[Section] = field(default_factory=list)
    fences: list[Fence] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The path from the project's root on."""
        return self.path.relative_to(ROOT).as_posix()


def written() -> list[Page]:
    """All pages that are written by hand, those that explain in full before the others."""
    first = [DOCS / name for name in ("configuration.md", "xdist.md")]
    others = sorted(path for path in DOCS.rglob("*.md") if path not in (*first, REFERENCE))
    return [read(path) for path in (ROOT / "README.md", *first, *others, ROOT / "CHANGELOG.md")]


def read(path: Path) -> Page:
    """Takes a page apart."""
    page = Page(path)
    section = Section("", "")
    anchors: Counter[str] = Counter()
    in_heading = in_table = False
    cell = 0
    for token in MarkdownIt("commonmark").enable("table").parse(path.read_text("utf-8")):
        match token.type:
            case "heading_open" | "heading_close":
                in_heading = token.nesting > 0
            case "table_open" | "table_close":
                in_table = token.nesting > 0
            case "fence" | "code_block":
                # The fence itself is a line, before the code.
                line = _line(token) + (token.type == "fence")
                page.fences.append(Fence(token.info.partition(" ")[0], token.content, line, section))
            case "tr_open":
                page.rows.append(Row(section))
                cell = 0
            case "th_close" | "td_close":
                cell += 1
            case "inline":
                if in_heading:
                    section = _section(token, anchors)
                    page.sections.append(section)
                    continue
                spans, links = len(page.spans), len(page.links)
                _look_at(token, page, section, in_table)
                if in_table:
                    page.rows[-1].links += [link.target for link in page.links[links:]]
                    if cell == 0:
                        page.rows[-1].names += [span.text for span in page.spans[spans:]]
    return page


def _line(token: Token) -> int:
    return (token.map or [0])[0] + 1


def _section(token: Token, anchors: Counter[str]) -> Section:
    title = "".join(child.content for child in token.children or ())
    anchor = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
    anchors[anchor] += 1
    return Section(title, anchor if anchors[anchor] == 1 else f"{anchor}-{anchors[anchor] - 1}")


def _look_at(token: Token, page: Page, section: Section, in_table: bool) -> None:
    line = _line(token)
    for child in token.children or ():
        match child.type:
            case "code_inline":
                page.spans.append(Span(child.content, line, in_table, section))
            case "link_open" | "image":
                target = child.attrs.get("href") or child.attrs.get("src")
                page.links.append(Link(str(target), line))
