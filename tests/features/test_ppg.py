"""The pulse tracker: synthetic waves with known beats, everything that is no pulse, recordings."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
from support.pulses import column, describe, quality_over, track, wave

from device.features.ppg import PulseTracker

RATE = 100.0
STEADY = np.arange(0.5, 70.0, 0.8)


def breathing(beats=100, mean_s=0.85, sway_s=0.04, hertz=0.25, noise_s=0.01):
    random = np.random.default_rng(3)
    ibi = mean_s + sway_s * np.sin(2 * np.pi * hertz * np.arange(beats) * mean_s)
    return 0.7 + np.cumsum(ibi + random.normal(0.0, noise_s, beats))


@pytest.mark.parametrize("bpm", [38, 45, 60, 75, 100, 130, 160, 190])
def test_ppg_reports_the_rate_of_a_steady_pulse(bpm):
    found = describe(wave(np.arange(0.5, 70.0, 60.0 / bpm), width=min(1.0, 80.0 / bpm)))
    assert found.hr_bpm == pytest.approx(bpm, abs=0.2)
    assert found.rmssd_ms < 3.0
    assert found.quality > 0.9
    assert found.corrected_share == 0.0


@pytest.mark.parametrize("rate", [25.0, 50.0, 64.0, 117.0, 250.0])
def test_ppg_works_at_other_rates(rate):
    found = describe(wave(STEADY, rate=rate), rate)
    assert found.hr_bpm == pytest.approx(75.0, abs=0.3)
    assert found.rmssd_ms < 4.0


@pytest.mark.parametrize(("rate", "within_ms"), [(64.0, 5.0), (100.0, 4.0), (250.0, 4.0)])
def test_ppg_reports_variability_to_a_few_milliseconds(rate, within_ms):
    at = breathing()
    inside = np.diff(at[(at > 10.0) & (at < 68.5)])
    found = describe(wave(at, rate=rate), rate)
    assert found.hr_bpm == pytest.approx(60.0 / inside.mean(), abs=0.5)
    assert found.rmssd_ms == pytest.approx(1000 * np.sqrt(np.mean(np.diff(inside) ** 2)), abs=within_ms)
    assert found.sdnn_ms == pytest.approx(1000 * inside.std(ddof=1), abs=within_ms)


def test_ppg_reports_breath_and_coherence():
    paced = describe(wave(breathing(hertz=0.1, sway_s=0.06, noise_s=0.002)))
    assert paced.respiration_per_min == pytest.approx(6.0, abs=0.6)
    assert paced.respiration_ms == pytest.approx(120.0, rel=0.25)
    assert paced.coherence > 0.8
    calm = describe(wave(breathing()))
    assert calm.respiration_per_min == pytest.approx(15.0, abs=1.0)
    random = describe(wave(breathing(sway_s=0.0, noise_s=0.03)))
    assert random.coherence < 0.5


def test_ppg_has_the_same_features_whatever_the_size_of_blocks():
    values = wave(breathing()) + np.random.default_rng(4).normal(0.0, 0.01, 7000)
    values[3000:3080] = np.nan
    whole = describe(values, block_s=1.0)
    for block_s in (0.1, 0.37, 5.0, 70.0):
        assert describe(values, block_s=block_s) == whole


def test_ppg_uses_no_sample_after_now():
    values = wave(breathing())
    early, late = track(values[:6500]), PulseTracker(RATE)
    for second in range(65):
        late.push(float(second), list(values[second * 100:(second + 1) * 100]))
    assert late.features(65.0) == early.features(65.0)


def test_ppg_needs_some_signal_and_forgets_a_pulse_that_stopped():
    tracker = track(wave(STEADY))
    assert tracker.features(70.0).quality > 0.95
    assert tracker.features(100.0).quality == pytest.approx(0.5, abs=0.06)
    assert tracker.features(125.0) is None
    assert PulseTracker(RATE).features(10.0) is None
    assert describe(wave(STEADY)[:800]) is None


def test_ppg_gives_a_rate_of_ten_seconds():
    at = np.concatenate((np.arange(0.5, 50.0, 1.0), np.arange(50.5, 70.0, 0.6)))
    tracker = track(wave(at))
    assert tracker.features(70.0, 10.0).hr_bpm == pytest.approx(100.0, abs=0.5)


@pytest.mark.parametrize("amplitude", [0.01, 0.1, 1.0])
def test_ppg_follows_the_amplitude(amplitude):
    small, large = (describe(wave(STEADY, amplitude=size)) for size in (amplitude, 1.3 * amplitude))
    assert large.pulse_amplitude_v / small.pulse_amplitude_v == pytest.approx(1.3, rel=0.02)


def test_ppg_ignores_slow_wander_and_mains():
    time = np.arange(7000) / RATE
    dirty = (wave(STEADY) + 0.5 * np.sin(2 * np.pi * 0.1 * time) + 0.05 * np.sin(2 * np.pi * 49.0 * time))
    assert describe(dirty).hr_bpm == pytest.approx(75.0, abs=0.3)


@pytest.mark.parametrize("second", [0.6, 0.8])
def test_ppg_does_not_double_the_rate_for_a_strong_second_wave(second):
    found = describe(wave(np.arange(0.5, 70.0, 0.9), second=second))
    assert found.hr_bpm == pytest.approx(60.0 / 0.9, abs=0.5)


def test_ppg_does_not_halve_the_rate_for_missing_pulses():
    found = describe(wave(np.delete(STEADY, np.arange(7, 85, 9))))
    assert found.hr_bpm == pytest.approx(75.0, abs=0.3)
    assert found.rmssd_ms < 5.0
    assert found.corrected_share == pytest.approx(2 / 9, abs=0.06)
    assert found.quality < 0.95


def test_ppg_evens_out_ectopic_beats():
    at = STEADY.copy()
    at[10:80:12] -= 0.25
    found = describe(wave(at))
    assert found.hr_bpm == pytest.approx(75.0, abs=0.3)
    assert found.rmssd_ms < 12.0
    assert found.corrected_share > 0.1


def test_ppg_leaves_out_what_lies_in_a_hole_and_bridges_single_samples():
    values = wave(STEADY)
    values[2500:3500] = np.nan
    holed = describe(values)
    assert holed.hr_bpm == pytest.approx(75.0, abs=0.3)
    assert holed.quality == pytest.approx(48 / 60, abs=0.06)
    values = wave(STEADY)
    values[::211] = np.nan
    assert describe(values).quality > 0.9


def test_ppg_goes_on_after_a_jump_in_time_and_starts_anew_with_a_restarted_clock():
    values = wave(STEADY)
    tracker = track(values)
    tracker.push(100.0, list(values[:3000]))
    found = tracker.features(130.0)
    assert found.hr_bpm == pytest.approx(75.0, abs=0.5)
    assert 0.4 < found.quality < 0.6
    tracker.push(3.0, list(values[:4000]))
    assert tracker.features(43.0).hr_bpm == pytest.approx(75.0, abs=0.5)


def test_ppg_drops_samples_that_arrive_twice():
    values = wave(STEADY)
    tracker = PulseTracker(RATE)
    for second in range(70):
        first = max(0, second * 100 - 30)
        tracker.push(first / RATE, list(values[first:(second + 1) * 100]))
    assert tracker.features(70.0) == describe(values)


def test_ppg_survives_motion_without_absurd_variability():
    values = wave(STEADY)
    values[2500:4000] += np.cumsum(np.random.default_rng(2).normal(0.0, 0.15, 1500))
    found = describe(values)
    assert found.hr_bpm == pytest.approx(75.0, abs=2.0)
    assert found.rmssd_ms < 60.0
    assert found.quality < 0.92


def test_ppg_does_not_trust_cut_off_tops():
    assert describe(np.minimum(wave(STEADY), 1.75)) is None


def test_ppg_knows_a_rate_without_variability():
    values = wave(STEADY)
    values[:5000] = np.nan
    values[5900:6400] = np.nan
    found = describe(values)
    assert found is None or found.rmssd_ms is None


NOISES = {
    "flat": lambda time, random: np.zeros(time.size),
    "lost": lambda time, random: np.full(time.size, np.nan),
    "white": lambda time, random: random.normal(0.0, 0.2, time.size),
    "walk": lambda time, random: np.cumsum(random.normal(0.0, 0.05, time.size)),
    "slow": lambda time, random: np.convolve(random.normal(0.0, 0.2, time.size), np.hanning(40), "same"),
    "hum_50": lambda time, random: 0.3 * np.sin(2 * np.pi * 50.0 * time),
    "hum_60": lambda time, random: 0.3 * np.sin(2 * np.pi * 60.0 * time),
    "hum_near_0": lambda time, random: 0.3 * np.sin(2 * np.pi * 98.9 * time),
    "hum_like_a_pulse": lambda time, random: 0.3 * np.sin(2 * np.pi * 1.2 * time)
                                             + random.normal(0.0, 0.005, time.size),
    "swaying_tone": lambda time, random: 0.3 * np.sin(2 * np.pi * (1.1 * time + 0.3 * np.sin(0.3 * time))),
    "dither": lambda time, random: 0.00322 * np.round(1.2 * np.sin(2 * np.pi * time) + 0.3),
    "tiny": lambda time, random: 0.0002 * np.sin(2 * np.pi * time),
    "saturated": lambda time, random: np.minimum(0.0, wave(STEADY, seconds=200.0) - 1.66),
    "bursts": lambda time, random: np.where(time % 7 < 4, np.cumsum(random.normal(0, 0.05, time.size)), 0),
}


@pytest.mark.parametrize("noise", sorted(NOISES))
@pytest.mark.parametrize("rate", [64.0, 100.0, 250.0])
def test_ppg_is_never_confident_of_what_is_no_pulse(noise, rate):
    time = np.arange(round(200 * rate)) / rate
    if noise == "saturated":
        values = np.interp(time, np.arange(20_000) / RATE, NOISES[noise](np.arange(20_000), None))
    else:
        values = NOISES[noise](time, np.random.default_rng(5))
    quality = quality_over(1.65 + values, rate)
    assert quality.max() < 0.4
    assert np.median(quality) < 0.25


def rate_errors(values, rate, beat_s):
    tracker, errors = PulseTracker(rate, 0.0), []
    for second in range(int(values.size / rate)):
        tracker.push(float(second), values[round(second * rate):round((second + 1) * rate)].tolist())
        ibi = np.diff(beat_s[(beat_s > second - 59) & (beat_s <= second + 1)])
        found = tracker.features(second + 1.0) if second >= 59 else None
        if found is not None and found.quality >= 0.4 and ibi.sum() > 40.0:
            errors.append(found.hr_bpm - 60.0 / ibi[ibi < 1.8 * np.median(ibi)].mean())
    return np.abs(errors)


def test_ppg_matches_the_ecg_of_an_intensive_care_record(shared_data):
    folder = shared_data / "ppg" / "icu-ecg-reference"
    errors = rate_errors(column(folder / "cinc2015_a103l.csv.gz", 1), 250.0,
                         column(folder / "cinc2015_a103l_ref_beats.csv", 0))
    assert errors.size > 180
    assert errors.mean() < 1.0
    assert errors.max() < 2.0


def test_ppg_matches_the_consensus_of_an_arduino_in_a_car(shared_data):
    folder = shared_data / "ppg" / "heartpy"
    errors = rate_errors(column(folder / "data3_first8min.csv.gz", 1), RATE,
                         column(folder / "data3_first8min_consensus_beats.csv", 0) / RATE)
    assert errors.size > 380
    assert errors.mean() < 2.0


def test_ppg_matches_the_consensus_of_a_clean_finger(shared_data):
    folder = shared_data / "ppg" / "heartpy"
    values = column(folder / "data.csv", 0, header=False)
    ibi = np.diff(column(folder / "data_consensus_beats.csv", 0)) / RATE
    found = track(values, smallest=0.0).features(values.size / RATE, 24.0)
    assert found.hr_bpm == pytest.approx(60.0 / ibi.mean(), abs=1.0)


def test_ppg_says_nothing_of_a_sensor_off_the_finger(shared_data):
    path = shared_data / "ppg" / "heartpy" / "data2.csv"
    time_ms, values = column(path, 0), column(path, 1)
    rate = 1000.0 * (time_ms.size - 1) / (time_ms[-1] - time_ms[0])
    tracker, known = PulseTracker(rate, 0.0), []
    for second in range(int(values.size / rate)):
        first = round(second * rate)
        tracker.push(first / rate, values[first:round((second + 1) * rate)].tolist())
        found = tracker.features(second + 1.0)
        known.append(np.nan if found is None or found.quality < 0.4 else found.hr_bpm)
    assert np.isnan(known[:30]).all()
    assert np.isfinite(known[-20:]).all()
    assert np.nanmin(known) > 55.0
    assert np.nanmax(known) < 70.0


@pytest.mark.parametrize("subject", ["S08", "S20", "S34"])
def test_ppg_agrees_with_the_beat_intervals_of_a_watch(shared_data, subject):
    folder = shared_data / "stress-predict" / subject
    with gzip.open(folder / "BVP.csv.gz", "rt") as lines:
        values = np.loadtxt(lines)[2:2 + 64 * 1200]
    with gzip.open(folder / "IBI.csv.gz", "rt") as lines:
        ends_s, ibi_s = np.loadtxt(lines, delimiter=",", skiprows=1).T
    tracker, errors = PulseTracker(64.0, 0.0), []
    for second in range(values.size // 64):
        tracker.push(float(second), values[second * 64:(second + 1) * 64].tolist())
        inside = (ends_s > second - 59) & (ends_s <= second + 1)
        found = tracker.features(second + 1.0) if second % 10 == 9 else None
        if found is not None and found.quality >= 0.4 and ibi_s[inside].sum() > 25.0:
            errors.append(found.hr_bpm - 60.0 / ibi_s[inside].mean())
    assert len(errors) >= 10
    assert np.abs(errors).mean() < 2.0
