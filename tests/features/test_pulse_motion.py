"""What is quicker and higher than the pulse was is a movement; what arousal does is not."""

from __future__ import annotations

import numpy as np
import pytest

from device.features.ppg import PulseTracker
from device.features.pulse_motion import ACCEPTED_S, MotionWatch
from device.features.pulse_wave import SHAPE_POINTS, Peaks


def peaks(start_s, interval_s, rise, seconds, *, whole=True):
    at_s = start_s + np.arange(0.0, seconds, interval_s)
    size = at_s.size
    return Peaks(at_s, np.full(size, rise), np.full(size, 1.2 * rise), np.full(size, whole),
                 np.zeros((size, SHAPE_POINTS)))


def moved_share(watch, *stretches):
    return [float(watch.moved(peaks(*stretch)).mean()) for stretch in stretches]


def test_watch_tells_a_quicker_and_higher_rhythm_after_a_few_beats_and_its_end():
    watch = MotionWatch()
    assert moved_share(watch, (0.0, 0.85, 0.5, 120.0)) == [0.0]
    moved = watch.moved(peaks(120.0, 0.5, 0.85, 90.0))
    assert not moved[:4].any()
    assert moved[8:].all()
    after = watch.moved(peaks(210.0, 0.85, 0.5, 60.0))
    assert after[:3].all()
    assert not after[8:].any()


@pytest.mark.parametrize(("interval_s", "rise"), [
    (0.5, 0.25),  # arousal: quicker and smaller
    (0.5, 0.5), (0.85, 0.9),  # only one of both: exertion, or the clip was moved
    (1.1, 0.9),  # calmer
    (0.75, 0.6),  # a little of both
])
def test_watch_lets_the_heart_do_what_hearts_do(interval_s, rise):
    watch = MotionWatch()
    assert moved_share(watch, (0.0, 0.85, 0.5, 120.0), (120.0, interval_s, rise, 120.0)) == [0.0, 0.0]


def test_watch_follows_a_slow_change_of_both():
    watch = MotionWatch()
    told = [watch.moved(peaks(60.0 * minute, 0.9 - 0.03 * minute, 0.4 + 0.03 * minute, 60.0)).any()
            for minute in range(12)]
    assert not any(told)


def test_watch_takes_what_stays_for_minutes_as_the_new_pulse():
    watch = MotionWatch()
    watch.moved(peaks(0.0, 0.85, 0.5, 120.0))
    moved = watch.moved(peaks(120.0, 0.5, 0.85, ACCEPTED_S + 60.0))
    told_s = 0.5 * np.flatnonzero(moved)
    assert told_s[-1] == pytest.approx(ACCEPTED_S, abs=6.0)


def test_watch_starts_anew_when_time_goes_back_and_ignores_peaks_that_are_not_whole():
    watch = MotionWatch()
    watch.moved(peaks(1000.0, 0.85, 0.5, 120.0))
    assert not watch.moved(peaks(0.0, 0.5, 0.85, 30.0)).any()
    torn = MotionWatch()
    torn.moved(peaks(0.0, 0.85, 0.5, 120.0))
    assert not torn.moved(peaks(120.0, 0.5, 0.85, 30.0, whole=False)).any()


def test_pulse_tracker_does_not_take_tapping_for_a_heart():
    rate_hz, at_s = 100.0, np.arange(0.0, 240.0, 0.01)
    pulse = 0.5 * np.exp(-0.5 * (((at_s % 0.85) - 0.3) / 0.08) ** 2)
    taps = 0.8 * np.exp(-0.5 * (((at_s % 0.5) - 0.25) / 0.06) ** 2)
    volts = 1.65 + pulse + np.where((at_s >= 120.0) & (at_s < 210.0), taps, 0.0)
    tracker, told = PulseTracker(rate_hz), {}
    for second in range(240):
        tracker.push(float(second), volts[second * 100:second * 100 + 100].tolist())
        told[second + 1] = tracker.features(second + 1.0)
    assert told[120].hr_bpm == pytest.approx(60 / 0.85, abs=0.5)
    for second in range(130, 210):
        found = told[second]
        assert found is None or found.quality < 0.25 or found.hr_bpm == pytest.approx(60 / 0.85, abs=10.0)
    assert all(told[second] is None or told[second].quality < 0.3 for second in range(180, 210))
