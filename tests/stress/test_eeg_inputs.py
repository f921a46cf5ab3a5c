"""Inputs of the EEG expert: order, the personal first minute, missing channels."""

from __future__ import annotations

import math

import numpy as np
import pytest

from device.stress.eeg_inputs import (
    ADAPTATION_S,
    BANDS,
    CHANNELS,
    CLIP,
    READY_S,
    FirstMinute,
    input_names,
    model_vector,
    read_powers,
)
from device.vitals import EegFeatures

SIZE = len(CHANNELS) * len(BANDS)


def eeg(rows):
    return EegFeatures(theta=0.2, alpha=0.2, beta=0.2, beta_alpha=1.0, theta_beta=1.0, good_channels=8,
                       quality=1.0, ln_power=tuple(rows))


def taught(value, size=1):
    usual = FirstMinute(size)
    for second in range(int(READY_S)):
        assert np.isnan(usual.update(float(second), np.full(size, value))).all()
    return usual


def test_names_run_over_bands_within_channels():
    names = input_names()
    assert names[:5] == ["Fp1_theta", "Fp1_alpha", "Fp1_low_beta", "Fp1_high_beta", "Fp2_theta"]
    assert len(names) == len(set(names)) == SIZE


def test_powers_leave_delta_out_and_mark_missing_channels():
    rows = [tuple(10.0 * channel + band for band in range(5)) for channel in range(8)]
    rows[3] = None
    found = read_powers(eeg(rows))
    assert found[:4].tolist() == [1.0, 2.0, 3.0, 4.0]
    assert np.isnan(found[12:16]).all()
    assert found[28:].tolist() == [71.0, 72.0, 73.0, 74.0]


@pytest.mark.parametrize("channels", [0, 4, 16])
def test_powers_of_another_montage_are_unknown(channels):
    assert np.isnan(read_powers(eeg([(1.0,) * 5] * channels))).all()


def test_first_minute_gives_deviations_after_a_minute_and_not_before():
    usual = taught(5.0)
    assert usual.update(READY_S, np.array([5.5]))[0] == pytest.approx(0.5, rel=0.01)


def test_first_minute_adapts_at_a_constant_gain_so_that_no_clock_shows():
    early, late = taught(5.0), taught(5.0)
    for second in range(3000):
        late.update(READY_S + second, np.array([5.0]))
    soon = early.update(READY_S + 1.0, np.array([6.0]))[0]
    assert soon == pytest.approx(late.update(READY_S + 3001.0, np.array([6.0]))[0], abs=1e-12)


def test_first_minute_follows_slowly():
    usual = taught(0.0)
    for second in range(int(ADAPTATION_S)):
        found = usual.update(READY_S + second, np.array([1.0]))[0]
    assert found == pytest.approx(math.exp(-1.0), abs=0.01)


def test_first_minute_forgets_after_two_minutes_without_signal():
    usual = taught(5.0)
    usual.update(READY_S + 60.0, np.array([math.nan]))
    assert math.isfinite(usual.update(READY_S + 100.0, np.array([5.0]))[0])
    assert math.isnan(usual.update(READY_S + 300.0, np.array([9.0]))[0])
    for second in range(int(READY_S)):
        found = usual.update(READY_S + 301.0 + second, np.array([9.0]))[0]
    assert found == pytest.approx(0.0, abs=1e-9)


def test_first_minute_of_each_value_is_its_own():
    usual = FirstMinute(2)
    for second in range(60):
        found = usual.update(float(second), np.array([1.0, math.nan]))
    assert math.isfinite(found[0])
    assert math.isnan(found[1])
    assert math.isnan(usual.update(60.0, np.array([1.0, 7.0]))[1])


def test_vector_scales_and_clips():
    deviations = np.zeros(SIZE)
    deviations[0], deviations[1] = 0.3, -100.0
    vector = model_vector(deviations, np.full(SIZE, 0.2))
    assert vector.dtype == np.float32
    assert vector[0] == pytest.approx(1.5)
    assert vector[1] == -CLIP


def test_vector_fills_a_missing_channel_by_the_others_of_its_band():
    deviations = np.tile([1.0, 2.0, 3.0, 4.0], 8)
    deviations[4:8] = np.nan
    deviations[9] = 9.0
    vector = model_vector(deviations, np.ones(SIZE))
    assert vector[4:8] == pytest.approx([1.0, (6 * 2.0 + 8.0) / 7, 3.0, 4.0])


@pytest.mark.parametrize(("missing", "known"), [(3, True), (4, False)])
def test_vector_needs_five_channels(missing, known):
    deviations = np.zeros(SIZE)
    deviations[: 4 * missing] = np.nan
    assert (model_vector(deviations, np.ones(SIZE)) is not None) is known
