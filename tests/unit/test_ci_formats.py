"""What stands in the formats of CI systems."""

from __future__ import annotations

import pytest

from pytest_fastest.ci import github, gitlab
from pytest_fastest.texts import one_line


@pytest.mark.parametrize(
    ("message", "properties", "line"),
    [
        ("plain", {}, "::error::plain"),
        ("a: b, 100%\r\nnext", {}, "::error::a: b, 100%25%0D%0Anext"),
        ("m", {"file": "a,b:c%.py", "line": 3}, "::error file=a%2Cb%3Ac%25.py,line=3::m"),
        ("m", {"file": None, "line": None, "title": "a\nb"}, "::error title=a%0Ab::m"),
        ("%0A", {"title": "%3A"}, "::error title=%253A::%250A"),
    ],
)
def test_a_workflow_command(message: str, properties: dict[str, object], line: str) -> None:
    assert github.command("error", message, **properties) == line


def test_a_section_of_gitlab() -> None:
    start, line, end = gitlab.section("gw0: x", "title", ["line"])
    marker, _, rest = start.partition(":")
    timestamp, _, name = rest.partition(":")
    name, _, text = name.partition("[collapsed=true]\r\x1b[0K")
    assert (marker, text, line) == ("\x1b[0Ksection_start", "title", "line")
    assert timestamp.isdecimal()
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789_.-")
    assert end == f"\x1b[0Ksection_end:{timestamp}:{name}\r\x1b[0K"


def test_lines_stay_lines() -> None:
    assert one_line("a\nb\x1b[0mü\u2028") == "a\\nb\\x1b[0mü\\u2028"
