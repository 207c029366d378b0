"""What of a run's order is kept, and which files stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_fastest import trails
from pytest_fastest.trails import Failure, Run, bounded

if TYPE_CHECKING:
    from pathlib import Path


def test_the_order_is_kept_up_to_the_last_failure() -> None:
    failures = [Failure("a", "gw0", 3), Failure("b", "gw1", 0), Failure("c", "gw0", 1)]
    assert bounded(failures) == (failures, {"gw0": 3, "gw1": 0})


def test_a_failure_that_would_take_too_much_is_left_out() -> None:
    long, too_long, short = Failure("a", "gw0", 40_000), Failure("b", "gw1", 10_001), Failure("c", "gw1", 10_000)
    assert bounded([long, too_long, short]) == ([long, short], {"gw0": 40_000, "gw1": 10_000})
    # What is kept for one failure costs nothing for another.
    assert bounded([long, Failure("d", "gw0", 39_999)])[1] == {"gw0": 40_000}


def test_not_all_failures_are_kept() -> None:
    failures = [Failure(str(number), "gw0", number) for number in range(150)]
    assert bounded(failures) == (failures[:100], {"gw0": 99})


def test_what_is_written_is_read(tmp_path: Path) -> None:
    runs = [
        Run(["-n", "2"], ["x\udc80"], False, {"gw0": ["a", "b"]}, [Failure("b", "gw0", number)]) for number in (1, 2)
    ]
    for run in runs:
        trails.write(tmp_path / "trails", run)
    assert list(trails.read(tmp_path / "trails")) == runs[::-1]
    assert runs[0].before(runs[0].failures[0]) == ["a"]
    assert not list(tmp_path.rglob("*.new"))
