"""Tests that keep a core busy."""

from __future__ import annotations

from itertools import pairwise

import pytest
from shop import invoice_number, is_prime


@pytest.mark.parametrize("order", range(20))
def test_number_is_stable(order: int) -> None:
    assert invoice_number(order, rounds=10_000) == invoice_number(order, rounds=10_000)


def test_numbers_differ() -> None:
    assert len({invoice_number(order, rounds=200) for order in range(50)}) == 50


@pytest.mark.parametrize("start", [100_000, 200_000, 300_000, 400_000])
def test_every_gap_between_primes_is_short(start: int) -> None:
    primes = [number for number in range(start, start + 700) if is_prime(number)]
    assert max(b - a for a, b in pairwise(primes)) < 100
