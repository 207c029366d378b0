"""Tests without any common state: they may run in any worker, apart from the rest of their module."""

from __future__ import annotations

import time

import pytest
from shop import slug

pytestmark = pytest.mark.parallel_safe

TITLES = [
    ("Green Tea", "green-tea"),
    ("  Green   Tea ", "green-tea"),
    ("Tea, green!", "tea-green"),
    ("Tee für zwei", "tee-für-zwei"),
    ("100% cotton", "100-cotton"),
    ("...", ""),
    ("A/B test", "a-b-test"),
    ("UPPER", "upper"),
    ("under_score", "under-score"),
    ("já-já", "já-já"),
    ("1 2 3", "1-2-3"),
    ("", ""),
]


@pytest.mark.parametrize(("title", "expected"), TITLES)
def test_slug(title: str, expected: str) -> None:
    time.sleep(0.028)
    assert slug(title) == expected


@pytest.mark.parametrize("length", [1, 10, 100, 1_000])
def test_long_titles(length: int) -> None:
    time.sleep(0.012)
    assert slug("tea " * length).count("-") == length - 1
