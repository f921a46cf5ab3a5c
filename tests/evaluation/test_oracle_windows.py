"""The windows of the comparison: what is true of them, and that they are what the device saw."""

from __future__ import annotations

import math

import numpy as np
import pytest

from device.evaluation.oracle_windows import (
    EDA_HZ,
    PPG_HZ,
    Stream,
    consensus_windows,
    ecg_windows,
    of_beats,
    recorded_windows,
    said,
    simulated_windows,
)
from device.evaluation.oracles import Said
from device.features.extractor import FeatureExtractor
from device.messages import Features
from device.vitals import EdaFeatures


@pytest.fixture(scope="module")
def patient():
    return simulated_windows(2, 3)


def test_beats_give_the_mean_rate_and_the_differences_of_successive_intervals():
    intervals_s = np.tile([0.9, 1.1], 40)
    ends_s = np.cumsum(intervals_s)
    found = of_beats(ends_s, intervals_s, 70.0, 0.8)
    assert found.hr_bpm == pytest.approx(60.0, abs=0.2)
    assert found.rmssd_ms == pytest.approx(200.0)
    assert math.isnan(found.scr_count)


def test_beats_across_a_gap_are_no_successive_intervals():
    intervals_s = np.full(60, 1.0)
    intervals_s[30:] = 0.8
    ends_s = np.cumsum(intervals_s)
    joined = of_beats(ends_s, intervals_s, ends_s[-1], 0.8)
    ends_s[30:] += 2.0
    split = of_beats(ends_s, intervals_s, ends_s[-1], 0.8)
    assert joined.rmssd_ms == pytest.approx(200.0 / math.sqrt(59), rel=0.02)
    assert split.rmssd_ms == pytest.approx(0.0, abs=1e-6)


def test_beats_that_cover_too_little_say_nothing():
    intervals_s = np.full(40, 1.0)
    assert of_beats(np.cumsum(intervals_s), intervals_s, 60.0, 0.8) is None
    assert of_beats(np.empty(0), np.empty(0), 60.0, 0.8) is None


def test_features_are_said_in_counts_a_window_and_nothing_where_absent():
    eda = EdaFeatures(tonic_us=5.0, tonic_slope_us_per_min=0.0, scr_per_min=6.0, scr_amplitude_us=0.2,
                      quality=0.5)
    found = said(Features(at_s=60.0, window_s=60.0, eda=eda, ppg=None, temperature=None, eeg=None))
    assert math.isnan(found.hr_bpm)
    assert math.isnan(found.rmssd_ms)
    assert found.scr_count == pytest.approx(3.0)


def test_stream_is_cut_into_blocks_as_the_device_s():
    stream = Stream(np.arange(300.0), np.arange(30.0))
    assert stream.seconds == 3
    blocks = stream.second(2)
    assert [(block.signal, block.start_s, len(block.values)) for block in blocks[:4]] == [
        ("ppg", 1.0, 20), ("eda", 1.0, 2), ("ppg", pytest.approx(1.2), 20), ("eda", pytest.approx(1.2), 2)]
    assert [value for block in blocks if block.signal == "ppg" for value in block.values] == [
        float(value) for value in range(100, 200)]
    assert [value for block in blocks if block.signal == "eda" for value in block.values] == [
        float(value) for value in range(10, 20)]
    assert {block.signal for block in Stream(np.arange(300.0), np.empty(0)).second(1)} == {"ppg"}


def test_simulated_windows_hold_what_the_patient_did(patient):
    assert [window.end_s for window in patient] == [60, 120, 180]
    for window in patient:
        assert (window.ppg_v.size, window.eda_us.size) == (60 * PPG_HZ, 60 * EDA_HZ)
        assert window.ours.hr_bpm == pytest.approx(window.truth.hr_bpm, abs=1.0)
        assert window.ours.rmssd_ms == pytest.approx(window.truth.rmssd_ms, abs=4.0)
        assert 0 <= window.truth.scr_count <= 30
    assert sum(window.truth.scr_count for window in patient) > 3


def test_window_s_features_are_those_the_device_would_have_published(patient):
    stream = Stream(np.concatenate([window.ppg_v for window in patient]),
                    np.concatenate([window.eda_us for window in patient]))
    extractor = FeatureExtractor()
    for number in range(1, 121):
        for block in stream.second(number):
            extractor.push(block)
        features = extractor.features(float(number))
    assert said(features) == patient[1].ours


def test_recorded_windows_are_clean_to_the_watch_and_near_it(shared_data):
    windows = recorded_windows(shared_data / "stress-predict" / "S08")
    assert len(windows) >= 5
    for window in windows:
        assert np.isfinite(window.ppg_v).all()
        assert np.isfinite(window.eda_us).all()
        assert 40.0 < window.truth.hr_bpm < 150.0
    errors = [abs(window.ours.hr_bpm - window.truth.hr_bpm) for window in windows]
    assert np.nanmedian(errors) < 1.0


def test_ecg_windows_have_the_rate_of_the_reference(shared_data):
    windows = ecg_windows(shared_data / "ppg" / "icu-ecg-reference")
    assert len(windows) >= 10
    assert all(window.eda_us.size == 0 for window in windows)
    assert np.mean([window.truth.hr_bpm for window in windows]) == pytest.approx(127.0, abs=3.0)
    assert np.nanmean([abs(window.ours.hr_bpm - window.truth.hr_bpm) for window in windows]) < 1.0


def test_consensus_windows_are_minutes_of_one_drive(shared_data):
    windows = consensus_windows(shared_data / "ppg" / "heartpy")
    assert 3 <= len(windows) <= 8
    assert all(isinstance(window.truth, Said) and 50.0 < window.truth.hr_bpm < 120.0 for window in windows)
    assert all(window.ppg_v.min() >= 0.0 and window.ppg_v.max() <= 3.3 for window in windows)
