"""What a seed makes."""

from __future__ import annotations

import ast
from collections import Counter

import pytest

from soak import actor, source
from soak.suite import WORDS, Kind, Phase, Stop, draw

SEEDS = range(40)


def test_a_seed_alone_makes_the_suite() -> None:
    assert draw(7, 100, 3) == draw(7, 100, 3)
    assert source.files(draw(7, 100, 3)) == source.files(draw(7, 100, 3))
    assert draw(7, 100, 3) != draw(8, 100, 3)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_test_is_there_once_and_can_be_compiled(seed: int) -> None:
    plan = draw(seed, 100, 3)
    tests = plan.tests()
    assert len(tests) >= 100
    assert [test.number for test in tests] == list(range(len(tests)))
    assert len({test.nodeid for test in tests}) == len(tests)
    for text in source.files(plan).values():
        ast.parse(text)


def test_everything_occurs() -> None:
    plans = [draw(seed, 300, 3) for seed in SEEDS]
    tests = [test for plan in plans for test in plan.tests()]
    assert {test.deed for test in tests} == {None, *actor.DEEDS}
    assert {test.kind for test in tests} == set(Kind)
    assert {test.phase for test in tests if test.kind is Kind.CRASHES} == set(Phase)
    assert {plan.stop for plan in plans} == set(Stop)
    assert {plan.method for plan in plans} == {"fork", "forkserver", "spawn"}
    kinds = Counter(test.kind for test in tests)
    assert 0.005 < kinds[Kind.CRASHES] / len(tests) < 0.02
    assert 0.001 < kinds[Kind.HANGS] / len(tests) < 0.004


def test_there_is_a_word_for_every_crash() -> None:
    assert set(WORDS) == set(actor.CRASHES)
