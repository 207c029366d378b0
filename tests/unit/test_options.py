"""Values of `-n`."""

from __future__ import annotations

import pytest

from pytest_fastest import options


@pytest.mark.parametrize("text", ["0", "auto", "AUTO", " auto "])
def test_automatic(text: str) -> None:
    assert options.parse_count(text) == options.AUTOMATIC


@pytest.mark.parametrize("text", ["logical", "Logical"])
def test_automatic_by_another_word(text: str) -> None:
    assert options.parse_count(text) == options.LOGICAL


@pytest.mark.parametrize(("text", "count"), [("1", 1), ("2", 2), (" 3 ", 3), ("007", 7), ("10000", 10_000)])
def test_a_number(text: str, count: int) -> None:
    assert options.parse_count(text) == count


@pytest.mark.parametrize("text", ["no", "NO", " no"])
def test_off(text: str) -> None:
    assert options.parse_count(text) == options.OFF


@pytest.mark.parametrize(
    "text",
    ["foo", "-1", "1.5", "1e3", "²", "٣", "+2", "0x2", "2 workers", "", " ", "None", "1_0", "00", "10001", "9" * 5000],
)
def test_anything_else_is_told_with_what_is_allowed(text: str) -> None:
    with pytest.raises(ValueError, match="allowed") as caught:
        options.parse_count(text)
    assert repr(text) in str(caught.value)
    assert options.ALLOWED in str(caught.value)
