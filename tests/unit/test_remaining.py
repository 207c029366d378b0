"""How long a run will still take."""

from __future__ import annotations

import pytest

from pytest_fastest.controller.running import Running, remaining


@pytest.mark.parametrize(
    ("left", "seen", "expected"),
    [
        # What is left is shared.
        (20.0, [(0.0, 1.0), (0.0, 1.0)], 10.0),
        (20.0, [(1.0, 1.0), (1.0, 1.0)], 9.0),
        # But for one long test.
        (12.0, [(1.0, 11.0), (0.0, 1.0)], 10.0),
        # Who takes longer than usual has nothing from the others.
        (21.0, [(50.0, 1.0), (0.0, 10.0)], 10.0),
        (1.0, [(50.0, 1.0)], 0.0),
    ],
)
def test_it(left: float, seen: list[tuple[float, float]], expected: float) -> None:
    running = [Running(number, number, seconds) for number, (seconds, _) in enumerate(seen)]
    assert remaining(left, running, [usual for _, usual in seen]) == expected
