"""Fixtures that all examples share."""

from __future__ import annotations

import time

import pytest
from shop import Cart, Product


@pytest.fixture
def cart() -> Cart:
    """An empty cart."""
    return Cart()


@pytest.fixture(scope="session")
def tea() -> Product:
    """A product; session fixtures are set up once in each worker."""
    return Product("tea", 450)


@pytest.fixture
def network() -> None:
    """The time that a request to a service takes."""
    time.sleep(0.028)
