"""Listeners whom music irritates, and those whom it does not reach, on top of the shipped patient."""

from __future__ import annotations

import math

import numpy as np
import pytest

from drivers.sim.arousal import PERSON_SD, Arousal, annoyance
from drivers.sim.body import Heard
from drivers.sim.patient import SimulatedPatient, mind_of

SOFT = Heard(tempo_bpm=60, pitch=0.4, timbre=0.3, intensity=0.4, density=0.25, percussiveness=0.05,
             loudness_lufs=-35.0)
PACE_BPM = 70.0


def course(heard, *, responsiveness=0.0, irritation=0.0, pace_bpm=PACE_BPM, seed=3, seconds=1200):
    mind = Arousal(mind_of(seed), responsiveness, irritation, pace_bpm)
    return np.array([mind.level.last] + [mind.step(heard) * 0.0 + mind.level.last for _ in range(seconds)])


@pytest.mark.parametrize(("changes", "expected"), [
    ({}, 0.0), ({"intensity": 1.0}, 0.35), ({"density": 0.4}, 0.10), ({"percussiveness": 0.5}, 0.10),
    ({"tempo_bpm": 80}, 0.10), ({"tempo_bpm": 60}, 0.10), ({"tempo_bpm": 20}, 0.20),
    ({"pitch": 1.0, "timbre": 1.0, "loudness_lufs": -10.0}, 0.0),
])
def test_annoyance_is_the_sum_of_its_parts(changes, expected):
    nothing = Heard(PACE_BPM, 0.5, 0.5, 0.0, 0.0, 0.0, -35.0)
    assert annoyance(nothing._replace(**changes), PACE_BPM) == pytest.approx(expected)


def test_annoyance_is_bounded_and_silence_annoys_nobody():
    assert annoyance(None, PACE_BPM) == 0.0
    assert annoyance(Heard(200, 1, 1, 1, 1, 1, 0.0), PACE_BPM) == pytest.approx(1.0)


@pytest.mark.parametrize("irritation", [1.0, 3.0])
def test_irritation_raises_arousal_by_how_much_music_there_is(irritation):
    shift = course(SOFT, irritation=irritation)[-60:] - course(None, irritation=irritation)[-60:]
    expected = irritation * 0.38 * PERSON_SD * annoyance(SOFT, PACE_BPM)
    np.testing.assert_allclose(shift, expected, atol=1e-4)


def test_irritation_is_less_at_the_listeners_own_pace():
    own, other = (course(SOFT, irritation=2.0, pace_bpm=pace)[-1] for pace in (60.0, 85.0))
    assert other - own == pytest.approx(2.0 * 0.38 * PERSON_SD * 0.2, abs=1e-4)


def test_without_irritation_pace_means_nothing():
    np.testing.assert_array_equal(course(SOFT, responsiveness=1.0, pace_bpm=55.0),
                                  course(SOFT, responsiveness=1.0, pace_bpm=90.0))


def test_a_mind_without_a_body_is_the_same_persons():
    body = SimulatedPatient(9, 0.0, responsiveness=0.7, irritation=0.5, pace_bpm=80.0)
    body.hear(0.0, SOFT)
    own = [body.truth(float(second)).arousal for second in range(300)]
    bare = course(SOFT, responsiveness=0.7, irritation=0.5, pace_bpm=80.0, seed=9, seconds=299)
    np.testing.assert_allclose(own, bare, atol=1e-12)


@pytest.mark.parametrize("value", [-0.1, math.nan, math.inf])
def test_an_impossible_irritation_is_refused(value):
    with pytest.raises(ValueError, match="irritation"):
        SimulatedPatient(1, 0.0, irritation=value)
