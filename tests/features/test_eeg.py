"""EEG band powers: tones of known frequency, artefacts, gaps, and a recording with known events."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from device.features.eeg import EegWindow
from device.messages import EegBlock

RATE = 250.0


def blocks(signal, start_s=0.0, size=25):
    for first in range(0, len(signal), size):
        part = signal[first:first + size]
        begin = start_s + first / RATE
        yield EegBlock(at_s=begin + len(part) / RATE, start_s=begin, rate_hz=RATE,
                       microvolts=tuple(map(tuple, part.tolist())), lost_samples=0)


def features(signal, start_s=0.0, at_s=60.0):
    window = EegWindow(60.0)
    for block in blocks(signal, start_s):
        window.push(block)
    return window.features(at_s)


def background(seconds=60.0, channels=8, level=3.0, seed=1):
    return np.random.default_rng(seed).normal(0.0, level, (round(seconds * RATE), channels))


def tone(hertz, seconds=60.0, amplitude=20.0):
    time = np.arange(round(seconds * RATE)) / RATE
    return amplitude * np.sin(2 * np.pi * hertz * time)[:, None] * np.ones(8)


@pytest.mark.parametrize(("hertz", "band"), [(6.0, "theta"), (10.0, "alpha"), (20.0, "beta")])
def test_eeg_finds_the_band_of_a_rhythm(hertz, band):
    found = features(background() + tone(hertz))
    assert getattr(found, band) > 0.85
    assert sum(getattr(found, other) for other in ("theta", "alpha", "beta")) == pytest.approx(1.0, abs=0.05)
    assert found.good_channels == 8
    assert found.quality == pytest.approx(1.0, abs=0.03)


def test_eeg_of_white_noise_shares_power_by_the_width_of_the_bands():
    found = features(background())
    for share, width in ((found.theta, 4.0), (found.alpha, 5.0), (found.beta, 17.0)):
        assert share == pytest.approx(width / 29.0, rel=0.1)
    assert found.beta_alpha == pytest.approx(found.beta / found.alpha, rel=0.05)
    assert found.theta_beta == pytest.approx(found.theta / found.beta, rel=0.05)


def test_eeg_ignores_electrode_offset_drift_and_mains():
    time = np.arange(15_000) / RATE
    dirt = 30_000.0 + 40.0 * time + 300.0 * np.sin(2 * np.pi * 50.0 * time)
    found = features(background() + tone(10.0) + dirt[:, None])
    assert found.alpha > 0.8
    assert found.good_channels == 8


def test_eeg_leaves_out_segments_with_artefacts():
    signal = background() + tone(10.0)
    signal[5000:6250] += tone(2.0, 5.0, 400.0)
    found = features(signal)
    assert found.alpha > 0.85
    assert found.quality == pytest.approx(1.0 - 6 / 58, abs=0.03)


def test_eeg_leaves_out_channels_that_are_open_flat_or_wild():
    signal = background() + tone(10.0)
    signal[:, 1] = np.nan
    signal[:, 4] = 12.0
    signal[:, 6] = background(channels=1, level=500.0)[:, 0]
    found = features(signal)
    assert found.good_channels == 5
    assert found.quality == pytest.approx(5 / 8, abs=0.03)
    assert found.alpha > 0.85


def test_eeg_median_outvotes_one_odd_channel():
    signal = background() + tone(10.0)
    signal[:, 0] = background(channels=1, seed=2)[:, 0] + tone(25.0)[:, 0]
    assert features(signal).alpha > 0.85


def test_eeg_is_none_with_too_little_clean_signal_or_without_contact():
    assert features(background(10.0), start_s=50.0) is None
    assert features(np.full((15_000, 8), np.nan)) is None
    assert EegWindow(60.0).features(60.0) is None


def test_eeg_starts_new_segments_after_a_gap_and_forgets_the_past():
    window = EegWindow(60.0)
    for block in (*blocks(background(30.0) + tone(6.0, 30.0)), *blocks(background(60.0) + tone(10.0), 100.3)):
        window.push(block)
    found = window.features(160.3)
    assert found.alpha > 0.85
    assert window.features(400.0) is None


def test_eeg_accepts_a_time_line_that_is_gently_corrected():
    window = EegWindow(60.0)
    signal = background() + tone(10.0)
    for count, block in enumerate(blocks(signal)):
        shifted = EegBlock(at_s=block.at_s, start_s=block.start_s + 0.0004 * (count % 3), rate_hz=RATE,
                           microvolts=block.microvolts, lost_samples=0)
        window.push(shifted)
    assert window.features(60.0).quality == pytest.approx(1.0, abs=0.03)


def test_eeg_sees_the_eyes_close_in_an_openbci_recording(shared_data):
    path = next((shared_data / "eeg" / "openbci").glob("*.txt.gz"))
    with gzip.open(path, "rt") as lines:
        rows = [line.split(",")[1:9] for line in lines if line[:1].isdigit()]
    signal = np.array(rows, dtype=float)
    opened = features(signal[round(2 * RATE):round(27 * RATE), 6:8], start_s=35.0)
    closed = features(signal[round(30 * RATE):round(75 * RATE), 6:8], start_s=15.0)
    assert closed.alpha > 1.5 * opened.alpha
    assert closed.good_channels == 2


def test_eeg_powers_of_channels_are_in_microvolts():
    signal = background(level=0.5) + tone(10.0, amplitude=20.0)
    signal[:, 2] *= 2.0
    signal[:, 5] = np.nan
    found = features(signal)
    assert found.ln_power[0][2] == pytest.approx(np.log(200.0), abs=0.02)  # a sine's power: half its square
    assert found.ln_power[2][2] == pytest.approx(np.log(800.0), abs=0.02)
    assert found.ln_power[5] is None
    assert found.contact[5] == 0.0
    assert found.contact[0] == pytest.approx(1.0, abs=0.03)
    assert found.quality == pytest.approx(7 / 8, abs=0.03)


def test_eeg_window_is_twenty_seconds_by_default():
    window = EegWindow()
    first, second = background(30.0) + tone(6.0, 30.0), background(20.0) + tone(10.0, 20.0)
    for block in (*blocks(first), *blocks(second, 30.0)):
        window.push(block)
    found = window.features(50.0)
    assert found.alpha > 0.9
    assert found.quality == pytest.approx(1.0, abs=0.01)


def test_eeg_never_joins_over_lost_samples():
    window = EegWindow()
    for count, block in enumerate(blocks(background(20.0), size=250)):
        lost = EegBlock(at_s=block.at_s, start_s=block.start_s, rate_hz=RATE, microvolts=block.microvolts,
                        lost_samples=3 if count % 2 else 0)
        window.push(lost)
    found = window.features(20.0)
    assert found is None or found.quality < 0.6


def test_eeg_follows_a_change_of_channels_and_of_rate():
    window = EegWindow()
    for block in blocks(background(20.0)):
        window.push(block)
    for block in blocks(background(20.0, channels=4), 20.0):
        window.push(block)
    assert len(window.features(40.0).ln_power) == 4
