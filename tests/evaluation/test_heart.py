"""Heart rate against the watch's own beats."""

from __future__ import annotations

import math

import numpy as np
import pytest
from support.courses import course_of

from device.evaluation.heart import MINIMUM_QUALITY, heart_error


def beats(start_s, end_s, interval_s=0.8):
    ends = np.arange(start_s + interval_s, end_s + 1e-9, interval_s)
    return [(float(one), interval_s) for one in ends]


def followed(hr_bpm, watch, quality=0.9, seconds=201):
    return heart_error(course_of(np.zeros(seconds), hr_bpm=hr_bpm, quality=quality, beats=watch))


def test_heart_error_is_the_mean_distance_to_the_watch():
    found = followed(78.0, beats(0.0, 200.0))
    assert found.mae_bpm == pytest.approx(3.0, abs=1e-6)
    assert found.windows == 15  # 60, 70 ... 200 s


def test_heart_error_counts_windows_that_the_watch_covers_by_more_than_half():
    # The minute to 60 s holds 40 s of beats, that to 70 s 29.6 s of them.
    assert followed(75.0, beats(0.0, 40.0)).windows == 1
    assert followed(75.0, beats(0.0, 29.0)).windows == 0


def test_heart_error_ignores_windows_of_poor_pulse():
    assert followed(90.0, beats(0.0, 200.0), quality=MINIMUM_QUALITY - 0.01).mae_bpm is None
    quality = np.full(201, 0.9)
    quality[150:] = 0.1
    assert followed(75.0, beats(0.0, 200.0), quality=quality).windows == 9


def test_heart_error_without_beats_or_pulse_is_none():
    assert followed(75.0, []) == (None, 0)
    assert followed(math.nan, beats(0.0, 200.0)) == (None, 0)


def test_heart_error_uses_beats_of_the_same_minute_only():
    watch = [*beats(0.0, 60.0), *beats(60.0, 120.0, 0.5)]
    found = heart_error(course_of(np.zeros(121), hr_bpm=75.0, beats=watch))
    errors = [0.0]  # at 60 s
    for second in range(70, 121, 10):
        slow, fast = max(0, int((120 - second) / 0.8)), (second - 60) / 0.5
        errors.append(abs(75.0 - 60.0 / ((slow * 0.8 + fast * 0.5) / (slow + fast))))
    assert found.mae_bpm == pytest.approx(np.mean(errors), abs=0.3)
