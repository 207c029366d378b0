"""A module fixture that is expensive to set up: its module is split only if there is nothing else to steal."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from shop import Stock


@pytest.fixture(scope="module")
def stock() -> Iterator[Stock]:
    stock = Stock(latency=0.006)
    for number in range(8):
        stock.put(f"product {number}", 100)
    yield stock
    stock.put("end", 1)


@pytest.mark.parametrize("number", range(8))
@pytest.mark.parametrize("amount", [1, 2])
def test_take_and_put_back(stock: Stock, number: int, amount: int) -> None:
    name = f"product {number}"
    before = stock.count(name)
    stock.take(name, amount)
    stock.put(name, amount)
    assert stock.count(name) == before


def test_refuses_to_take_too_much(stock: Stock) -> None:
    with pytest.raises(LookupError, match="not enough"):
        stock.take("product 1", 10_000)
