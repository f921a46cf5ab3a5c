"""Tension is a share that every parameter raises."""

from __future__ import annotations

import msgspec
import pytest

from device.messages import MusicalTarget
from device.music.tension import tension_of

LOW = MusicalTarget(pitch=0.0, tempo_bpm=50.0, timbre=0.0, intensity=0.0, density=0.0, percussiveness=0.0)
HIGH = MusicalTarget(pitch=1.0, tempo_bpm=90.0, timbre=1.0, intensity=1.0, density=1.0, percussiveness=1.0)


def test_tension_runs_from_nothing_to_one() -> None:
    assert tension_of(LOW) == 0.0
    assert tension_of(HIGH) == pytest.approx(1.0)


@pytest.mark.parametrize("name", ["pitch", "tempo_bpm", "timbre", "intensity", "density", "percussiveness"])
def test_tension_rises_with_every_parameter(name: str) -> None:
    raised = msgspec.structs.replace(LOW, **{name: getattr(HIGH, name)})
    assert tension_of(raised) > 0.04


def test_tension_heeds_percussiveness_and_tempo_more_than_register() -> None:
    marked, high = (msgspec.structs.replace(LOW, **{name: 1.0}) for name in ("percussiveness", "pitch"))
    quick = msgspec.structs.replace(LOW, tempo_bpm=90.0)
    assert tension_of(marked) > tension_of(quick) > 2 * tension_of(high)


def test_tension_of_a_tempo_out_of_bounds_is_that_of_the_nearer_end() -> None:
    assert tension_of(msgspec.structs.replace(LOW, tempo_bpm=20.0)) == 0.0
    assert tension_of(msgspec.structs.replace(HIGH, tempo_bpm=240.0)) == pytest.approx(1.0)
