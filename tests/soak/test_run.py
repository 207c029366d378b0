"""A short run; `make soak` makes long ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from soak.flat import measure
from soak.observe import marks
from soak.run import Figures, soak
from soak.states import State
from soak.suite import draw

if TYPE_CHECKING:
    from pathlib import Path


def test_a_suite_is_as_its_tests_say(tmp_path: Path) -> None:
    figures = Figures()
    assert soak(draw(10, 100, 2), tmp_path / "soak", figures) == []
    assert figures.states[State.CRASHED] > 1
    assert figures.died_of_it > 0
    assert not (tmp_path / "soak").exists(), "only what was wrong is kept"


def test_descriptors_do_not_grow_with_tests() -> None:
    samples = measure(4000, "-n", "2")
    assert len(samples) == 20
    descriptors = [sample.descriptors for sample in samples]
    # Whoever starts late or ends early: the connections of two workers.
    assert max(descriptors) - min(descriptors) <= 2


def test_a_mark_that_is_half_written_is_not_there_yet(tmp_path: Path) -> None:
    (tmp_path / "marks").write_text("start\t1\t100\tgw0\t0.5\nsetup\t1\t1", "utf-8")
    assert [mark.step for mark in marks(tmp_path)] == ["start"]
