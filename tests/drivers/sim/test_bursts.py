"""Bursts: repeatable, at the chance and of the lengths that were asked for."""

from __future__ import annotations

import pytest

from drivers.sim.bursts import Burst, Bursts


def everything(bursts: Bursts, seconds: int) -> set[Burst]:
    return {burst for tenth in range(10 * seconds) for burst in bursts.at(tenth / 10.0)}


def test_bursts_begin_at_their_chance_and_last_as_long_as_they_may() -> None:
    found = everything(Bursts(3, 1, 0.5, (0.5, 3.0)), 600)
    assert len(found) / 600 == pytest.approx(0.5, abs=0.07)
    lengths = [burst.length_s for burst in found]
    assert min(lengths) >= 0.5
    assert max(lengths) <= 3.0
    assert sum(lengths) / len(lengths) == pytest.approx(1.75, abs=0.15)


def test_bursts_are_those_of_the_seed_and_the_stream_whatever_was_asked_before() -> None:
    straight = everything(Bursts(3, 1, 0.5, (0.5, 3.0)), 100)
    late = Bursts(3, 1, 0.5, (0.5, 3.0))
    for at_s in (90.0, 12.5, 60.0):
        assert set(late.at(at_s)) <= straight
    assert straight != everything(Bursts(3, 2, 0.5, (0.5, 3.0)), 100)
    assert straight != everything(Bursts(4, 1, 0.5, (0.5, 3.0)), 100)


def test_burst_is_under_way_from_its_beginning_to_its_end_only() -> None:
    bursts = Bursts(3, 1, 1.0, (2.0, 2.0))
    first = min(everything(bursts, 10), key=lambda burst: burst.start_s)
    assert first not in bursts.at(first.start_s - 0.01)
    assert first in bursts.at(first.start_s + 0.01)
    assert first in bursts.at(first.start_s + 1.99)
    assert first not in bursts.at(first.start_s + 2.01)
    assert first.phase(first.start_s + 0.5) == pytest.approx(0.25)
    assert all(0.0 <= draw < 1.0 for draw in first.draws)


def test_bursts_of_no_chance_never_come() -> None:
    assert everything(Bursts(3, 1, 0.0, (0.5, 3.0)), 30) == set()
