"""The smoothed stress level follows what is known, ignores noise, and forgets what is not."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.control.reading import (
    BACKLASH,
    DEADBAND,
    NEUTRAL,
    SMOOTHING_S,
    StressReading,
    bend_share,
    known_level,
)


def test_reading_takes_a_fresh_confident_level(stress):
    assert known_level(stress(100.0, 0.7), 104.9) == 0.7


@pytest.mark.parametrize(("level", "confidence", "age_s"), [
    (None, 0.9, 0.0), (0.7, 0.19, 0.0), (0.7, 0.9, 5.1), (math.nan, 0.9, 0.0), (0.7, math.nan, 0.0),
    (math.inf, 0.9, 0.0),
])
def test_reading_refuses_unknown_unsure_stale_and_broken_levels(stress, level, confidence, age_s):
    assert known_level(stress(100.0, level, confidence), 100.0 + age_s) is None


def test_reading_without_any_estimate_knows_nothing():
    assert known_level(None, 100.0) is None


@pytest.mark.parametrize(("level", "share"), [
    (0.0, -1.0), (NEUTRAL - DEADBAND, 0.0), (NEUTRAL, 0.0), (NEUTRAL + DEADBAND, 0.0), (1.0, 1.0),
    (0.775, 0.5),
])
def test_reading_bend_has_a_deadband_and_full_range(level, share):
    assert bend_share(level) == pytest.approx(share)


@given(low=st.floats(0.0, 1.0), high=st.floats(0.0, 1.0))
def test_reading_bend_is_monotonic(low, high):
    low, high = sorted((low, high))
    assert bend_share(low) <= bend_share(high)


def test_reading_follows_a_step_with_the_time_constant():
    reading = StressReading()
    for _ in range(int(SMOOTHING_S * 10)):
        reading.follow(1.0, 1.0, 0.1)
    expected = 1.0 - 0.5 * math.exp(-1.0) - BACKLASH
    assert reading.level == pytest.approx(expected, abs=0.01)


def test_reading_follows_more_slowly_when_less_sure():
    sure, unsure = StressReading(), StressReading()
    sure.follow(1.0, 0.9, 3.0)
    unsure.follow(1.0, 0.3, 3.0)
    assert NEUTRAL < unsure.level < sure.level


def test_reading_step_size_of_time_does_not_matter():
    fine, coarse = StressReading(), StressReading()
    for _ in range(100):
        fine.follow(0.9, 0.8, 0.1)
    coarse.follow(0.9, 0.8, 10.0)
    assert fine.level == pytest.approx(coarse.level, abs=1e-9)


def test_reading_backlash_swallows_noise():
    noise = random.Random(3)
    reading = StressReading()
    for _ in range(300):
        reading.follow(0.8, 0.9, 1.0)
    levels = []
    for _ in range(600):
        reading.follow(0.8 + noise.uniform(-0.08, 0.08), 0.9, 1.0)
        levels.append(reading.level)
    settled = levels[300:]
    assert max(settled) - min(settled) < 0.02


@pytest.mark.parametrize("level", [0.0, 0.2, 0.9, 1.0])
def test_reading_forgets_within_a_minute(level):
    reading = StressReading(level)
    for _ in range(60):
        before = abs(reading.level - NEUTRAL)
        reading.forget(1.0)
        assert abs(reading.level - NEUTRAL) <= before
    assert reading.level == pytest.approx(NEUTRAL)


@given(levels=st.lists(st.one_of(st.none(), st.floats(0.0, 1.0)), max_size=60),
       confidence=st.floats(0.2, 1.0), step_s=st.floats(0.0, 30.0))
def test_reading_stays_between_0_and_1(levels, confidence, step_s):
    reading = StressReading()
    for level in levels:
        if level is None:
            reading.forget(step_s)
        else:
            reading.follow(level, confidence, step_s)
        assert 0.0 <= reading.level <= 1.0


def test_reading_settles_at_once_when_asked():
    reading = StressReading()
    reading.settle(0.85)
    assert reading.level == 0.85
