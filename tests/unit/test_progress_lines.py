"""What the first line of progress leaves out where there is no room."""

from __future__ import annotations

import pytest

from pytest_fastest import _core


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (100, "8/204   3 % >                        4 failed, 163 passed, about 70 seconds left"),
        (72, "8/204   3 % 4 failed, 163 passed, about 70 seconds left"),
        (40, "8/204   3 % 4 failed, 163 passed"),
        (20, "8/204   3 % 4 failed"),
    ],
)
def test_the_estimate_goes_as_a_whole(width: int, expected: str) -> None:
    (line,) = _core.progress_lines(
        done=8,
        total=204,
        tally="4 failed, 163 passed",
        remaining=70.0,
        running=[],
        width=width,
        is_coloured=False,
        is_ascii=True,
    )
    assert line == expected
