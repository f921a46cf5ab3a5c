"""Pulse features: synthetic waves with known beats, and recordings with references."""

from __future__ import annotations

import csv
import gzip

import numpy as np
import pytest

from device.features.ppg import band_pass, find_beats, ppg_features, trusted_intervals
from drivers.sim.recording import open_recording

RATE = 100.0


def wave(beat_s, rate=RATE, seconds=60.0, amplitude=0.5):
    """Beats at given times: a systolic and a smaller dicrotic hump around 1.65 V."""
    time = np.arange(round(seconds * rate)) / rate
    values = np.full(time.size, 1.65)
    for beat in beat_s:
        values += amplitude * np.exp(-0.5 * ((time - beat) / 0.08) ** 2)
        values += 0.3 * amplitude * np.exp(-0.5 * ((time - beat - 0.3) / 0.09) ** 2)
    return values


def beats(ibi_s):
    return 0.7 + np.cumsum(np.asarray(ibi_s))


@pytest.mark.parametrize("bpm", [45, 60, 75, 100, 130, 160])
def test_ppg_reports_the_rate_of_a_steady_pulse(bpm):
    found = ppg_features(wave(np.arange(0.5, 60.0, 60.0 / bpm)), RATE)
    assert found.hr_bpm == pytest.approx(bpm, abs=0.2)
    assert found.rmssd_ms < 3.0
    assert found.quality > 0.9


def test_ppg_reports_variability_to_a_few_milliseconds():
    random = np.random.default_rng(3)
    ibi = 0.85 + 0.04 * np.sin(2 * np.pi * 0.25 * np.arange(70) * 0.85) + random.normal(0.0, 0.01, 70)
    at = beats(ibi)
    inside = np.diff(at[(at > 0.5) & (at < 59.5)])
    found = ppg_features(wave(at), RATE)
    assert found.hr_bpm == pytest.approx(60.0 / np.median(inside), abs=0.5)
    assert found.rmssd_ms == pytest.approx(1000 * np.sqrt(np.mean(np.diff(inside) ** 2)), abs=4.0)
    assert found.sdnn_ms == pytest.approx(1000 * inside.std(ddof=1), abs=4.0)


def test_ppg_refines_peaks_beyond_the_sample_grid():
    found = ppg_features(wave(np.arange(0.5, 60.0, 0.8037)), RATE)
    assert found.rmssd_ms < 1.5


@pytest.mark.parametrize("amplitude", [0.01, 0.1, 1.0])
def test_ppg_follows_the_amplitude(amplitude):
    small, large = (ppg_features(wave(np.arange(0.5, 60.0, 0.8), amplitude=size), RATE)
                    for size in (amplitude, 1.3 * amplitude))
    assert large.pulse_amplitude_v / small.pulse_amplitude_v == pytest.approx(1.3, rel=0.02)


def test_ppg_ignores_slow_wander_and_mains():
    time = np.arange(6000) / RATE
    clean = wave(np.arange(0.5, 60.0, 0.8))
    dirty = clean + 0.5 * np.sin(2 * np.pi * 0.1 * time) + 0.05 * np.sin(2 * np.pi * 49.0 * time)
    assert ppg_features(dirty, RATE).hr_bpm == pytest.approx(75.0, abs=0.3)


def test_ppg_is_none_without_pulse():
    random = np.random.default_rng(1)
    assert ppg_features(np.full(6000, 1.65), RATE) is None
    assert ppg_features(np.full(6000, np.nan), RATE) is None
    noise = ppg_features(1.65 + random.normal(0.0, 0.2, 6000), RATE)
    assert noise is None or noise.quality < 0.4


def test_ppg_survives_motion_without_absurd_variability():
    random = np.random.default_rng(2)
    values = wave(np.arange(0.5, 60.0, 0.8))
    values[2000:3500] += np.cumsum(random.normal(0.0, 0.15, 1500))
    found = ppg_features(values, RATE)
    assert found.hr_bpm == pytest.approx(75.0, abs=2.5)
    assert found.rmssd_ms < 80.0
    assert found.quality < 0.95


def test_ppg_rejects_a_missed_beat_and_what_lies_beside_a_hole():
    at = np.delete(np.arange(0.5, 60.0, 0.8), 30)
    found = ppg_features(wave(at), RATE)
    assert found.rmssd_ms < 3.0
    values = wave(np.arange(0.5, 60.0, 0.8))
    values[1500:2500] = np.nan
    holed = ppg_features(values, RATE)
    assert holed.hr_bpm == pytest.approx(75.0, abs=0.3)
    assert holed.quality == pytest.approx(50 / 60, abs=0.06)


def test_ppg_bridges_single_missed_samples():
    values = wave(np.arange(0.5, 60.0, 0.8))
    values[::211] = np.nan
    assert ppg_features(values, RATE).quality > 0.9


@pytest.mark.parametrize("rate", [25.0, 50.0, 250.0])
def test_ppg_works_at_other_rates(rate):
    found = ppg_features(wave(np.arange(0.5, 60.0, 0.8), rate=rate), rate)
    assert found.hr_bpm == pytest.approx(75.0, abs=0.3)


def test_band_pass_keeps_the_pulse_and_drops_what_lies_outside():
    time = np.arange(6000) / RATE
    for hertz, gain in ((0.2, 0.0), (1.0, 1.0), (4.0, 1.0), (20.0, 0.0)):
        tone = np.sin(2 * np.pi * hertz * time)
        assert band_pass(tone, RATE).std() / tone.std() == pytest.approx(gain, abs=0.02)


def _table(path):
    with (gzip.open(path, "rt") if path.suffix == ".gz" else path.open()) as lines:
        return list(csv.DictReader(lines))


def test_ppg_matches_the_ecg_of_an_intensive_care_record(shared_data):
    folder = shared_data / "ppg" / "icu-ecg-reference"
    signal = np.array([float(row["ppg"]) for row in _table(folder / "cinc2015_a103l.csv.gz")])
    r_peaks = np.array([float(row["r_peak_s"]) for row in _table(folder / "cinc2015_a103l_ref_beats.csv")])
    errors = []
    for end_s in range(60, 256, 5):
        found = ppg_features(signal[(end_s - 60) * 250:end_s * 250], 250.0)
        ecg = np.diff(r_peaks[(r_peaks > end_s - 60) & (r_peaks <= end_s)])
        errors.append(found.hr_bpm - 60.0 / np.median(ecg))
    assert np.abs(errors).mean() < 1.0
    assert np.abs(errors).max() < 2.5


def test_ppg_finds_the_consensus_beats_of_a_clean_finger(shared_data):
    folder = shared_data / "ppg" / "heartpy"
    signal = np.loadtxt(folder / "data.csv")
    expected = np.array([int(row["sample_index"]) for row in _table(folder / "data_consensus_beats.csv")])
    found = find_beats(signal, 100.0)
    inner = expected[(expected > 50) & (expected < signal.size - 50)]
    distance = np.abs(found.peak_s[:, None] * 100.0 - inner[None, :]).min(axis=0)
    assert (distance <= 10).mean() == 1.0
    assert abs(found.peak_s.size - inner.size) <= 1


def test_ppg_finds_most_consensus_beats_of_an_arduino_in_a_car(shared_data):
    folder = shared_data / "ppg" / "heartpy"
    with gzip.open(folder / "data3_first8min.csv.gz", "rt") as lines:
        signal = np.array([float(row[-1]) for row in list(csv.reader(lines))[1:]])
    expected = np.array(
        [int(row["sample_index"]) for row in _table(folder / "data3_first8min_consensus_beats.csv")])
    hits, wanted, trusted_wrong, trusted = 0, 0, 0, 0
    for start in range(0, signal.size - 6000, 6000):
        found = find_beats(signal[start:start + 6000], 100.0)
        inner = expected[(expected >= start + 50) & (expected < start + 5950)] - start
        distance = np.abs(found.peak_s[found.good][:, None] * 100.0 - inner[None, :])
        hits += int((distance.min(axis=0) <= 10).sum())
        wanted += inner.size
        trusted_wrong += int((distance.min(axis=1) > 10).sum())
        trusted += distance.shape[0]
    assert hits / wanted > 0.9
    assert trusted_wrong / trusted < 0.1


@pytest.mark.parametrize("subject", ["S08", "S34"])
def test_ppg_agrees_with_the_beat_intervals_of_a_watch(shared_data, subject):
    folder = shared_data / "stress-predict" / subject
    body = open_recording(folder, 0.0)
    with gzip.open(folder / "IBI.csv.gz", "rt") as lines:
        ends_s, ibi_s = np.loadtxt(lines, delimiter=",", skiprows=1).T
    errors = []
    for end_s in range(60, 601, 20):
        inside = (ends_s > end_s - 60) & (ends_s <= end_s)
        if ibi_s[inside].sum() < 30.0:
            continue
        signal = np.array([body.pulse_v(end_s - 60 + k / RATE) for k in range(6000)])
        errors.append(ppg_features(signal, RATE).hr_bpm - 60.0 / np.median(ibi_s[inside]))
    assert len(errors) >= 10
    assert np.abs(errors).mean() < 2.0


def test_trusted_intervals_drop_outliers_and_break_succession():
    found = find_beats(wave(np.delete(np.arange(0.5, 60.0, 0.8), 30)), RATE)
    intervals = trusted_intervals(found)
    assert intervals.ibi_s.max() < 0.85
    assert intervals.successive_s.size == intervals.ibi_s.size - 2
