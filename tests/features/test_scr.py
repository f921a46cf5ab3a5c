"""Responses of known amplitude, rise and time."""

from __future__ import annotations

import numpy as np
import pytest

from device.features.scr import ScrFinder

RATE = 5.0


def bateman(time, onset_s, amplitude_us, rise_s=0.75, decay_s=2.0):
    since = np.maximum(time - onset_s, 0.0)
    shape = np.exp(-since / decay_s) - np.exp(-since / rise_s)
    peak_s = rise_s * decay_s / (decay_s - rise_s) * np.log(decay_s / rise_s)
    return amplitude_us * shape / (np.exp(-peak_s / decay_s) - np.exp(-peak_s / rise_s))


def find(values, rate=RATE, threshold_us=0.01):
    finder = ScrFinder(rate)
    pushed = [finder.push(cell, float(value), threshold_us) for cell, value in enumerate(values)]
    return [found for found, _ in pushed if found is not None], np.array([band for _, band in pushed])


@pytest.mark.parametrize("rate", [4.0, 5.0, 7.5])
@pytest.mark.parametrize("rise_s", [0.5, 0.75, 1.2])
def test_scr_has_its_amplitude_rise_and_time(rate, rise_s):
    time = np.arange(0.0, 60.0, 1.0 / rate)
    decay_s = 3.0
    (found,), _ = find(3.0 + bateman(time, 20.0, 0.5, rise_s, decay_s), rate)
    to_peak_s = rise_s * decay_s / (decay_s - rise_s) * np.log(decay_s / rise_s)
    assert found.amplitude_us == pytest.approx(0.5, rel=0.15)
    assert found.rise_s == pytest.approx(to_peak_s + 0.4, abs=0.35)  # of smoothing
    assert found.peak / rate == pytest.approx(20.0 + to_peak_s, abs=0.4)


def test_scr_is_found_once_and_soon():
    time = np.arange(0.0, 30.0, 1.0 / RATE)
    finder = ScrFinder(RATE)
    known = [cell for cell, value in enumerate(3.0 + bateman(time, 10.0, 0.3))
             if finder.push(cell, float(value), 0.01)[0] is not None]
    assert len(known) == 1
    assert known[0] / RATE < 13.0


@pytest.mark.parametrize("count", [1, 3, 8, 12])
def test_scr_are_all_counted(count):
    time = np.arange(0.0, 70.0, 1.0 / RATE)
    onsets = 5.0 + np.arange(count) * 55.0 / count
    found, _ = find(3.0 + sum(bateman(time, onset, 0.2) for onset in onsets))
    assert len(found) == count


def test_scr_on_the_recovery_of_another_counts():
    time = np.arange(0.0, 40.0, 1.0 / RATE)
    found, _ = find(3.0 + bateman(time, 10.0, 1.0, decay_s=5.0) + bateman(time, 13.5, 0.5, decay_s=5.0))
    assert [round(one.peak / RATE) for one in found] == pytest.approx([12, 15], abs=1)


@pytest.mark.parametrize("slope_us_per_s", [-0.05, -0.01, 0.01, 0.04])
def test_scr_on_a_drift_keeps_its_amplitude(slope_us_per_s):
    time = np.arange(0.0, 60.0, 1.0 / RATE)
    found, _ = find(6.0 + slope_us_per_s * time + bateman(time, 40.0, 0.4))
    assert [one.amplitude_us for one in found] == pytest.approx([0.4], rel=0.15)


def test_scr_below_the_threshold_are_none():
    time = np.arange(0.0, 60.0, 1.0 / RATE)
    signal = 3.0 + bateman(time, 20.0, 0.05)
    assert len(find(signal, threshold_us=0.04)[0]) == 1
    assert find(signal, threshold_us=0.06)[0] == []


def test_scr_rise_no_slower_than_five_and_no_faster_than_half_a_second():
    time = np.arange(0.0, 120.0, 1.0 / RATE)
    assert find(3.0 + 0.5 * np.sin(2 * np.pi * time / 40.0))[0] == []
    for part in (0.0, 0.25, 0.5, 0.75):  # of the cell in which the step falls
        step = 3.0 + 0.5 * (time > 30.0)
        step[150] = 3.0 + 0.5 * part
        assert find(step)[0] == []
    assert find(3.0 + 0.5 * ((time > 30.0) & (time < 30.5)))[0] == []


def test_scr_does_not_reach_over_a_restart():
    time = np.arange(0.0, 60.0, 1.0 / RATE)
    signal = 3.0 + bateman(time, 20.0, 0.5)
    finder = ScrFinder(RATE)
    found = []
    for cell, value in enumerate(signal):
        if cell == round(20.6 * RATE):
            finder.restart()
        found.append(finder.push(cell, float(value), 0.01)[0])
    assert [one.amplitude_us for one in found if one] == []


def test_scr_plateau_longer_than_what_is_kept_is_none():
    time = np.arange(0.0, 120.0, 1.0 / RATE)
    values = 3.0 + np.where(time > 30.0, 0.5, 0.0) + np.where(time > 30.0, 0.01 * (time - 30.0), 0.0)
    values[time > 110.0] -= 1.0
    assert find(values)[0] == []


@pytest.mark.parametrize(("hz", "passes"), [(0.005, 0.15), (0.1, 0.9), (0.2, 0.9), (2.0, 0.05)])
def test_scr_band_lets_stress_through_and_little_else(hz, passes):
    time = np.arange(0.0, 600.0, 1.0 / RATE)
    _, band = find(3.0 + np.sin(2 * np.pi * hz * time))
    gain = band[500:].std() * np.sqrt(2.0)
    assert gain == pytest.approx(passes, abs=0.12)
