"""EEG artefacts: each cause alone on a clean background, and a recording with known events."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from device.features.eeg import EegWindow, SegmentAnalyser
from device.features.eeg_artefacts import RAIL_UV, Cause
from device.messages import EegBlock

RATE = 250.0
LENGTH = 500
TIME = np.arange(LENGTH) / RATE


def background(seed=1, channels=8, level=8.0):
    """1/f noise of about the size of a scalp's."""
    random = np.random.default_rng(seed)
    bins = np.fft.rfftfreq(LENGTH, 1.0 / RATE)
    shape = np.where(bins >= 1.0, 1.0 / np.maximum(bins, 1.0), 0.0) * (bins <= 45.0)
    signal = np.fft.irfft(shape * np.exp(2j * np.pi * random.random((channels, bins.size))), LENGTH)
    return (level * signal / signal.std(axis=1, keepdims=True)).T


def causes(signal):
    return SegmentAnalyser(RATE).segment(0.0, signal).causes


def blink(height):
    phase = (TIME - 0.8) / 0.3
    return np.where((phase > 0) & (phase < 1), height * np.sin(np.pi * phase) ** 2, 0.0)


def muscle(seed, level, channels):
    random = np.random.default_rng(seed)
    return random.normal(0.0, level, (LENGTH, channels))


@pytest.mark.parametrize("seed", range(10))
def test_clean_background_passes_whatever_offset_drift_and_mains(seed):
    dirt = 60_000.0 + 200.0 * TIME + 400.0 * np.sin(2 * np.pi * 50.3 * TIME)
    assert (causes(background(seed)) == Cause.CLEAN).all()
    assert (causes(background(seed) + dirt[:, None]) == Cause.CLEAN).all()


def test_blink_spoils_the_channels_that_see_it_and_no_other():
    signal = background()
    signal[:, :2] += blink(150.0)[:, None]
    found = causes(signal)
    assert found[:2].tolist() == [Cause.BLINK, Cause.BLINK]
    assert (found[2:] == Cause.CLEAN).all()


def test_small_slow_wave_is_no_blink():
    signal = background(level=5.0)
    signal[:, 0] += blink(40.0)
    assert causes(signal)[0] == Cause.CLEAN


def test_clenched_jaw_on_two_channels_spoils_the_whole_scalp():
    signal = background()
    signal[:, 4:6] += muscle(2, 60.0, 2)
    assert (causes(signal) == Cause.MUSCLE).all()


def test_noise_on_one_channel_stays_its_own_matter():
    signal = background()
    signal[:, 4:5] += muscle(2, 60.0, 1)
    found = causes(signal)
    assert found[4] == Cause.MUSCLE
    assert (np.delete(found, 4) == Cause.CLEAN).all()


def test_moving_head_spoils_all_channels():
    signal = background()
    signal[:, :5] += (300.0 * np.sin(2 * np.pi * 1.5 * TIME))[:, None]
    assert (causes(signal) == Cause.MOVED).all()


def test_electrode_pop_is_found():
    signal = background()
    signal[LENGTH // 2:, 3] += 190.0
    assert causes(signal)[3] in {Cause.POP, Cause.BLINK, Cause.MOVED}
    assert (np.delete(causes(signal), 3) == Cause.CLEAN).all()


def test_bad_contacts_are_told_apart():
    signal = background()
    signal[10, 0] = np.nan
    signal[:, 1] = RAIL_UV + 500.0
    signal[:, 2] = 12.0
    signal[: int(0.7 * LENGTH), 3] = 3.0
    signal[:, 4] += 3000.0 * np.sin(2 * np.pi * 50.0 * TIME)
    found = causes(signal)
    assert found[:5].tolist() == [Cause.LOST, Cause.RAILED, Cause.FLAT, Cause.FLAT, Cause.HUM]
    assert (found[5:] == Cause.CLEAN).all()


def test_open_channels_do_not_hide_a_moving_head():
    signal = background()
    signal[:, 4:] = np.nan
    signal[:, :3] += (300.0 * np.sin(2 * np.pi * 1.5 * TIME))[:, None]
    assert (causes(signal)[:4] == Cause.MOVED).all()
    assert (causes(signal)[4:] == Cause.LOST).all()


def test_eegmat_without_artefacts_is_kept(shared_data):
    path = shared_data / "eeg" / "eegmat" / "Subject01_rest.csv.gz"
    with gzip.open(path, "rt") as lines:
        signal = np.loadtxt(lines, delimiter=",", skiprows=1)[:, :8]
    analyser = SegmentAnalyser(RATE)
    found = np.array([analyser.segment(0.0, signal[at:at + LENGTH]).causes
                      for at in range(0, len(signal) - LENGTH, LENGTH)])
    assert (found == Cause.CLEAN).mean() > 0.95


@pytest.fixture(scope="module")
def signal(shared_data):
    path = next((shared_data / "eeg" / "openbci").glob("*.txt.gz"))
    with gzip.open(path, "rt") as lines:
        rows = [line.split(",")[1:9] for line in lines if line[:1].isdigit()]
    return np.array(rows, dtype=float)


@pytest.fixture(scope="module")
def found(signal):
    analyser = SegmentAnalyser(RATE)
    return np.array([analyser.segment(0.0, signal[at:at + LENGTH]).causes
                     for at in range(0, len(signal) - LENGTH, 250)])


@pytest.mark.parametrize(("start_s", "end_s"), [(4, 7), (14, 17), (78, 81)])
def test_openbci_blinks_never_pass_on_the_forehead(found, start_s, end_s):
    assert (found[start_s:end_s, :2] != Cause.CLEAN).all()


@pytest.mark.parametrize(("start_s", "end_s"), [(8, 13), (81, 85)])
def test_openbci_clenched_jaw_never_passes_anywhere(found, start_s, end_s):
    assert (found[start_s:end_s] != Cause.CLEAN).all()


def test_openbci_moving_head_never_passes_anywhere(found):
    assert (found[85:] != Cause.CLEAN).all()


def test_openbci_closed_eyes_pass(found):
    assert (found[28:75, 2:] == Cause.CLEAN).mean() > 0.99
    assert (found[28:75, :2] == Cause.CLEAN).mean() > 0.95


def test_openbci_quality_falls_with_blinks_and_movement(signal):
    window, quality = EegWindow(), {}
    for second in range(89):
        part = signal[250 * second:250 * (second + 1)]
        window.push(EegBlock(at_s=second + 1.0, start_s=float(second), rate_hz=RATE,
                             microvolts=tuple(map(tuple, part.tolist())), lost_samples=0))
        found = window.features(second + 1.0)
        quality[second + 1] = 0.0 if found is None else found.quality
    assert all(quality[second] == 0.0 for second in range(1, 18))
    assert min(quality[second] for second in range(50, 75)) > 0.95
    assert max(quality[second] for second in (79, 80, 81, 82)) < 0.9
    assert max(quality[second] for second in (84, 85, 86)) < 0.3
    assert max(quality[second] for second in (88, 89)) == 0.0
