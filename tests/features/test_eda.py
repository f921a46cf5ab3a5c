"""Skin conductance features on curves whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from device.features.eda import eda_features, scr_amplitudes

RATE = 10.0
TIME = np.arange(600) / RATE


def response(onset_s, amplitude_us, rise_s=0.75, decay_s=2.0):
    """A difference of exponentials (Bateman), scaled to its peak."""
    since = np.maximum(TIME - onset_s, 0.0)
    shape = np.exp(-since / decay_s) - np.exp(-since / rise_s)
    return amplitude_us * shape / shape.max()


def test_eda_reports_a_constant_level():
    found = eda_features(np.full(600, 4.2), RATE)
    assert found.tonic_us == pytest.approx(4.2)
    assert found.tonic_slope_us_per_min == pytest.approx(0.0, abs=1e-9)
    assert (found.scr_per_min, found.scr_amplitude_us, found.quality) == (0.0, 0.0, 1.0)


@pytest.mark.parametrize("slope", [-1.5, -0.2, 0.3, 2.0])
def test_eda_reports_the_slope_of_a_drift_and_no_response(slope):
    found = eda_features(5.0 + slope * TIME / 60.0, RATE)
    assert found.tonic_slope_us_per_min == pytest.approx(slope, rel=0.05)
    assert found.scr_per_min == 0.0


@pytest.mark.parametrize("amplitude", [0.05, 0.2, 1.0])
def test_eda_counts_responses_and_measures_them(amplitude):
    onsets = (6.0, 18.0, 30.0, 42.0)
    found = eda_features(3.0 + sum(response(onset, amplitude) for onset in onsets), RATE)
    assert found.scr_per_min == pytest.approx(4.0)
    assert found.scr_amplitude_us == pytest.approx(amplitude, rel=0.2)


def test_eda_finds_responses_on_a_drift():
    found = eda_features(3.0 + TIME / 60.0 + sum(response(onset, 0.3) for onset in (10.0, 25.0, 40.0)), RATE)
    assert found.scr_per_min == pytest.approx(3.0)


def test_eda_ignores_rises_that_are_too_slow_for_a_response():
    slow = 3.0 + 0.5 * np.sin(2 * np.pi * TIME / 50.0)
    assert eda_features(slow, RATE).scr_per_min == 0.0


def test_eda_ignores_responses_below_a_hundredth_of_a_microsiemens():
    assert eda_features(3.0 + response(20.0, 0.006), RATE).scr_per_min == 0.0
    assert eda_features(3.0 + response(20.0, 0.03), RATE).scr_per_min == pytest.approx(1.0)


@pytest.mark.parametrize("step_us", [0.005, 0.02, 0.1])
def test_eda_takes_neither_noise_nor_converter_steps_for_responses(step_us):
    random = np.random.default_rng(1)
    noisy = 5.0 + 0.4 * TIME / 60.0 + random.normal(0.0, step_us, 600)
    assert eda_features(np.round(noisy / step_us) * step_us, RATE).scr_per_min <= 2.0


def test_eda_is_none_with_less_than_twenty_good_seconds():
    values = np.full(600, 4.0)
    values[:410] = np.nan
    assert eda_features(values, RATE) is None
    assert eda_features(np.full(600, np.nan), RATE) is None
    assert eda_features(np.zeros(600), RATE) is None


def test_eda_quality_is_the_share_of_good_samples_with_a_guard_around_bad_ones():
    values = np.full(600, 4.0)
    values[200:300] = np.nan
    assert eda_features(values, RATE).quality == pytest.approx(500 / 600, abs=25 / 600)
    assert eda_features(values, RATE).quality < 500 / 600


def test_eda_does_not_doubt_a_window_that_is_still_filling():
    values = np.full(600, np.nan)
    values[300:580] = 4.0
    assert eda_features(values, RATE).quality == pytest.approx(280 / 600)


def test_eda_takes_a_loose_electrode_for_no_response():
    values = 4.0 + response(10.0, 0.3)
    values[300:320] = 0.0
    found = eda_features(values, RATE)
    assert found.scr_per_min == pytest.approx(60.0 / (60.0 * found.quality))
    assert found.tonic_us == pytest.approx(4.0, abs=0.05)


def test_eda_refuses_steps_steeper_than_skin_can_make():
    values = np.full(600, 4.0)
    values[300:] = 9.0
    found = eda_features(values, RATE)
    assert found.quality < 1.0
    assert found.scr_per_min == 0.0


@pytest.mark.parametrize("rate", [4.0, 25.0])
def test_eda_works_at_other_rates(rate):
    time = np.arange(round(60 * rate)) / rate
    values = 3.0 + np.interp(time, TIME, response(20.0, 0.3) + response(40.0, 0.3))
    assert eda_features(values, rate).scr_per_min == pytest.approx(2.0)


def test_scr_amplitudes_need_good_samples_throughout():
    phasic = np.interp(np.arange(100), [0, 40, 60, 99], [0.1, 0.0, 0.5, 0.1])
    good = np.ones(100, dtype=bool)
    assert scr_amplitudes(phasic, good, RATE, 0.01) == pytest.approx([0.5])
    good[50] = False
    assert scr_amplitudes(phasic, good, RATE, 0.01).size == 0
