"""unittest works too."""

from __future__ import annotations

import time
import unittest

from shop import slug


class SearchTest(unittest.TestCase):
    """A case whose set-up takes a moment."""

    def setUp(self) -> None:
        time.sleep(0.02)
        self.index = {slug(title): title for title in ("Green Tea", "Black Tea", "Coffee")}

    def test_finds(self) -> None:
        self.assertIn("green-tea", self.index)

    def test_ignores_case(self) -> None:
        self.assertIn(slug("BLACK TEA"), self.index)

    def test_does_not_find(self) -> None:
        self.assertNotIn("milk", self.index)

    def test_counts(self) -> None:
        self.assertEqual(len(self.index), 3)

    @unittest.skip("there is no ranking yet")
    def test_ranks(self) -> None:
        self.fail()

    def test_keeps_titles(self) -> None:
        for title in ("Green Tea", "Black Tea", "Coffee"):
            with self.subTest(title=title):
                self.assertEqual(self.index[slug(title)], title)


def test_many_searches() -> None:
    for _ in range(5):
        time.sleep(0.005)
        assert slug("Green Tea") == "green-tea"
