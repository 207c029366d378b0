"""A small shop: the code under test of the examples."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Product:
    """Something to buy; the price is in cents."""

    name: str
    price: int


@dataclass
class Cart:
    """What a customer wants to buy."""

    lines: dict[Product, int] = field(default_factory=dict)

    def add(self, product: Product, count: int = 1) -> None:
        """Put `count` of a product into the cart."""
        if count < 1:
            raise ValueError(f"cannot add {count} of {product.name}")
        self.lines[product] = self.lines.get(product, 0) + count

    def remove(self, product: Product) -> None:
        """Take a product out of the cart."""
        del self.lines[product]

    def total(self, discount: int = 0) -> int:
        """Cents to pay, with a discount in percent."""
        amount = sum(product.price * count for product, count in self.lines.items())
        return amount - amount * discount // 100


class Stock:
    """What is in the warehouse. It answers as slowly as a service across a network."""

    def __init__(self, latency: float) -> None:
        self._latency = latency
        self._counts: dict[str, int] = {}

    def put(self, name: str, count: int) -> None:
        """Store some more of a product."""
        time.sleep(self._latency)
        self._counts[name] = self._counts.get(name, 0) + count

    def take(self, name: str, count: int) -> None:
        """Take some of a product out."""
        time.sleep(self._latency)
        if self._counts.get(name, 0) < count:
            raise LookupError(f"not enough {name}")
        self._counts[name] -= count

    def count(self, name: str) -> int:
        """How many of a product are there."""
        time.sleep(self._latency)
        return self._counts.get(name, 0)


def invoice_number(order: int, rounds: int = 4_000) -> str:
    """An invoice number that is expensive to guess, and to compute."""
    digest = str(order).encode()
    for _ in range(rounds):
        digest = hashlib.sha256(digest).digest()
    return digest.hex()[:12]


def is_prime(number: int) -> bool:
    """Whether a number is prime, by trial division."""
    return number > 1 and all(number % divisor for divisor in range(2, int(number**0.5) + 1))


def slug(title: str) -> str:
    """A title as it stands in an address."""
    words = "".join(letter.lower() if letter.isalnum() else " " for letter in title).split()
    return "-".join(words)


def write_export(path: Path, rows: list[tuple[str, int]]) -> int:
    """Write rows as CSV; returns the number of bytes."""
    return path.write_bytes("".join(f"{name},{count}\n" for name, count in rows).encode())
