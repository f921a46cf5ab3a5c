"""The streaming band-pass and its systolic peaks."""

from __future__ import annotations

import numpy as np
import pytest
from support.pulses import wave

from device.features.pulse_beats import BeatStore, judge
from device.features.pulse_wave import Peaks, PulseWave, band_pass_taps, refine


def gain(taps, hertz, rate):
    lags = np.arange(taps.size) - taps.size // 2
    return float(taps @ np.cos(2 * np.pi * hertz / rate * lags))


@pytest.mark.parametrize("rate", [50.0, 64.0, 100.0, 250.0])
def test_band_pass_keeps_the_pulse_and_drops_what_lies_outside(rate):
    taps = band_pass_taps(rate)
    np.testing.assert_allclose(taps, taps[::-1], atol=1e-12)
    for hertz, expected in ((0.0, 0.0), (0.1, 0.0), (0.5, 0.5), (1.0, 1.0), (3.0, 1.0), (20.0, 0.0)):
        assert gain(taps, hertz, rate) == pytest.approx(expected, abs=0.06)
    assert taps.size / rate < 2.5


@pytest.mark.parametrize("rate", [25.0, 64.0, 100.0, 250.0])
def test_pulse_wave_times_every_beat(rate):
    beats = np.arange(2.003, 40.0, 0.8037)
    stream, found = PulseWave(rate), []
    values = wave(beats, rate, 40.0)
    for first in range(0, values.size, 7):
        found += stream.push(1000.0 + first / rate, values[first:first + 7].tolist())
    at_s = np.concatenate([each.at_s for each in found]) - 1000.0
    inner = beats[(beats > 3.0) & (beats < 37.0)]
    apart = np.array([at_s[np.abs(at_s - beat).argmin()] - beat for beat in inner])
    assert np.abs(apart - apart.mean()).max() < 0.004
    assert np.abs(apart).max() < 0.05
    assert np.all(np.diff(at_s) > 0.7)


def test_refine_finds_the_vertex_of_a_parabola():
    index = np.arange(20)
    assert refine(-((index - 9.3) ** 2.0), np.array([9]))[0] == pytest.approx(9.3)
    assert refine(np.ones(20), np.array([9]))[0] == 9.0


def peaks_of(at_s, rise):
    shape = np.tile(np.hanning(25) - np.hanning(25).mean(), (at_s.size, 1))
    shape /= np.linalg.norm(shape, axis=1, keepdims=True)
    return Peaks(at_s, rise, rise, np.ones(at_s.size, dtype=bool), shape)


def test_judge_leaves_out_second_waves_and_does_not_trust_odd_ones():
    at_s, rise = np.arange(20) * 0.4, np.where(np.arange(20) % 2, 0.3, 1.0)
    assert judge(peaks_of(at_s, rise), 0.0).at_s.tolist() == [*at_s[::2].tolist(), at_s[-1]]
    rise = np.ones(20)
    rise[7] = 9.0
    odd = peaks_of(at_s, rise)
    odd.shape[12] *= -1.0
    odd.whole[3] = False
    assert np.flatnonzero(~judge(odd, 0.0).good).tolist() == [3, 7, 12]
    assert not judge(peaks_of(at_s, rise), 20.0).good.any()
    assert judge(peaks_of(at_s[:0], rise[:0]), 0.0).at_s.size == 0


def test_beat_store_keeps_the_newest_and_forgets_a_restarted_clock():
    store = BeatStore()
    for first in range(0, 3000, 3):
        store.add(peaks_of(first + np.arange(3.0), np.ones(3)))
    assert store.between(2900.0, 2990.0).at_s.tolist() == list(np.arange(2901.0, 2991.0))
    store.add(peaks_of(np.array([5.0]), np.ones(1)))
    assert store.between(0.0, 5000.0).at_s.tolist() == [5.0]
