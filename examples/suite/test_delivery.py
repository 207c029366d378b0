"""A class with a class fixture: the tests of a class stay in one worker, in order."""

from __future__ import annotations

import time

import pytest


class Delivery:
    """A parcel on its way, from stop to stop."""

    stops = ("packed", "collected", "sorted", "in transit", "at the depot", "on the van", "delivered")

    def __init__(self) -> None:
        self.history: list[str] = []

    def advance(self) -> str:
        """Move on to the next stop."""
        time.sleep(0.028)
        self.history.append(self.stops[len(self.history)])
        return self.history[-1]


@pytest.fixture(scope="class")
def delivery() -> Delivery:
    return Delivery()


class TestDelivery:
    """Each test goes on where the one before has stopped."""

    @pytest.mark.parametrize("stop", Delivery.stops)
    def test_advances(self, delivery: Delivery, stop: str) -> None:
        assert delivery.advance() == stop

    def test_has_seen_every_stop(self, delivery: Delivery) -> None:
        assert tuple(delivery.history) == Delivery.stops


class TestReturn:
    """The same again: a new parcel for another class."""

    @pytest.mark.parametrize("stop", Delivery.stops[:4])
    def test_advances(self, delivery: Delivery, stop: str) -> None:
        assert delivery.advance() == stop

    def test_is_not_delivered(self, delivery: Delivery) -> None:
        assert "delivered" not in delivery.history
