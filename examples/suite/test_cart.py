"""Single functions and parametrised ones."""

from __future__ import annotations

import pytest
from shop import Cart, Product


@pytest.mark.parametrize("count", range(1, 13))
@pytest.mark.usefixtures("network")
def test_total_grows_with_the_count(cart: Cart, tea: Product, count: int) -> None:
    cart.add(tea, count)
    assert cart.total() == 450 * count


@pytest.mark.parametrize("discount", [0, 5, 10, 25, 50, 100])
@pytest.mark.usefixtures("network")
def test_discount(cart: Cart, tea: Product, discount: int) -> None:
    cart.add(tea, 2)
    assert cart.total(discount) == 900 * (100 - discount) // 100


@pytest.mark.parametrize("count", [0, -1])
def test_refuses_a_count_below_one(cart: Cart, tea: Product, count: int) -> None:
    with pytest.raises(ValueError, match="cannot add"):
        cart.add(tea, count)


@pytest.mark.xfail(reason="removing what is not there should be allowed", raises=KeyError)
def test_remove_twice(cart: Cart, tea: Product) -> None:
    cart.add(tea)
    cart.remove(tea)
    cart.remove(tea)
