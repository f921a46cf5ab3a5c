"""Velocity follows intensity and accents; the drift is 1/f and needs no memory."""

from __future__ import annotations

import itertools

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.messages import MusicalTarget, Voice
from device.music.dynamics import HIGHEST, LOWEST, drift_at, velocity

CALM = MusicalTarget(pitch=0.5, tempo_bpm=60.0, timbre=0.5, intensity=0.5, density=0.5, percussiveness=0.0)
VOICES: tuple[Voice, ...] = ("pad", "bass", "melody", "texture")
shares = st.floats(0, 1)


@given(st.sampled_from(VOICES), shares, shares, st.integers(0, 31), st.floats(-1, 1))
def test_velocity_stays_within_its_range(
    voice: Voice, intensity: float, percussiveness: float, half: int, drift: float,
) -> None:
    target = msgspec.structs.replace(CALM, intensity=intensity, percussiveness=percussiveness)
    assert LOWEST <= velocity(voice, target, half / 2, drift) <= HIGHEST


@pytest.mark.parametrize("voice", VOICES)
def test_velocity_rises_with_intensity(voice: Voice) -> None:
    found = [velocity(voice, msgspec.structs.replace(CALM, intensity=i), 1.0, 0.0) for i in (0.0, 0.5, 1.0)]
    assert found[0] < found[1] < found[2]
    assert found[2] > 1.9 * found[0]


def test_velocity_accents_the_first_beat_only_when_percussive() -> None:
    marked = msgspec.structs.replace(CALM, percussiveness=1.0)
    assert velocity("bass", CALM, 0.0, 0.0) == velocity("bass", CALM, 1.5, 0.0)
    for voice in VOICES:
        plain = velocity(voice, CALM, 0.0, 0.0)
        assert velocity(voice, marked, 0.0, 0.0) == pytest.approx(1.25 * plain, rel=1e-3)
        assert velocity(voice, marked, 1.5, 0.0) < velocity(voice, marked, 1.0, 0.0)


def test_velocity_of_the_melody_swells_towards_the_middle_of_a_phrase() -> None:
    start, middle, end = (velocity("melody", CALM, beat, 0.0) for beat in (0.0, 8.0, 15.0))
    assert middle > 1.06 * start
    assert middle > 1.06 * end
    assert velocity("pad", CALM, 0.0, 0.0) == velocity("pad", CALM, 8.0, 0.0)


def test_melody_is_in_front() -> None:
    loud = {voice: velocity(voice, CALM, 1.0, 0.0) for voice in VOICES}
    assert max(loud, key=lambda voice: loud[voice]) == "melody"
    assert min(loud, key=lambda voice: loud[voice]) == "texture"


@given(st.integers(0, 2**31), st.integers(0, 10**6))
def test_drift_is_bounded_and_repeatable(seed: int, beat: int) -> None:
    assert -1.0 <= drift_at(seed, beat) <= 1.0
    assert drift_at(seed, beat) == drift_at(seed, beat)


def test_drift_differs_between_seeds_and_centres_on_nothing() -> None:
    one, other = (np.array([drift_at(seed, beat) for beat in range(4096)]) for seed in (1, 2))
    assert abs(one.mean()) < 0.1
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.25


def test_drift_falls_off_as_one_over_f() -> None:
    exponents = []
    for seed in range(8):
        row = np.array([drift_at(seed, beat) for beat in range(4096)])
        power = np.abs(np.fft.rfft((row - row.mean()) * np.hanning(len(row)))) ** 2
        frequency = np.fft.rfftfreq(len(row))
        edges = np.geomspace(1 / 64, 0.5, 9)
        bands = [power[(frequency >= low) & (frequency < high)].mean()
                 for low, high in itertools.pairwise(edges)]
        exponents.append(-np.polyfit(np.log(edges[:-1]), np.log(bands), 1)[0])
    assert 0.7 < np.mean(exponents) < 1.4
