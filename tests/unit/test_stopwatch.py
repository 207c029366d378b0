"""What a test is said to need of a processor."""

from __future__ import annotations

import pytest

from pytest_fastest.worker import stopwatch


@pytest.mark.parametrize(
    ("ran", "stood", "needed"),
    [
        pytest.param(0.1, 0.0, 0.1, id="waits, alone"),
        pytest.param(0.1, 0.5, 0.2, id="waits, and stands in line as long"),
        pytest.param(0.5, 0.5, 1.0, id="computes, and shares its processor"),
        pytest.param(0.6, 0.5, 1.0, id="computes, and shorter tests before it are counted in"),
    ],
)
def test_standing_in_line_is_neither_waiting_nor_computing(
    monkeypatch: pytest.MonkeyPatch, ran: float, stood: float, needed: float
) -> None:
    looks = iter([(3.0, 7.0), (3.0 + ran, 7.0 + stood)])
    monkeypatch.setattr(stopwatch, "_busy_seconds", lambda: next(looks))
    monkeypatch.setattr(stopwatch, "_elsewhere_seconds", lambda: 0.0)
    assert stopwatch.Stopwatch(lambda fixture, seconds: None)._needed_of(1.0) == pytest.approx(needed)


def test_without_the_system_s_word_a_test_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopwatch, "_busy_seconds", lambda: None)
    assert stopwatch.Stopwatch(lambda fixture, seconds: None)._needed_of(1.0) == 1.0
