"""Artefacts of an EEG: sizes as in OpenBCI's sample, in their own time, repeatable."""

from __future__ import annotations

import numpy as np
import pytest

from drivers.sim.eeg_artefacts import BLINK_UV, HUM_EEG_UV, EegArtefacts
from drivers.sim.faults import FaultWindow, Kind, Schedule

RATE_HZ = 250.0
GRAIN = 10  # samples that the simulated headset asks for at once
KINDS: tuple[Kind, ...] = ("eeg_blinks", "eeg_jaw", "eeg_motion", "hum_50hz", "hum_60hz")


def spoil(kind: Kind, from_s: float, seconds: float, *, seed: int = 1, grain: int = GRAIN) -> np.ndarray:
    artefacts = EegArtefacts(seed, Schedule([FaultWindow(10, 60, kind)]))
    quiet = np.zeros((grain, 8))
    return np.concatenate([artefacts.spoil(from_s + k * grain / RATE_HZ, quiet, RATE_HZ)
                           for k in range(round(seconds * RATE_HZ / grain))])


def within(signal: np.ndarray, low_hz: float, high_hz: float) -> np.ndarray:
    spectrum = np.fft.rfft(signal, axis=0)
    frequency = np.fft.rfftfreq(len(signal), 1 / RATE_HZ)
    spectrum[(frequency < low_hz) | (frequency > high_hz)] = 0.0
    return np.fft.irfft(spectrum, len(signal), axis=0)


@pytest.mark.parametrize("kind", KINDS)
def test_eeg_artefact_is_there_in_its_time_only_and_repeats(kind: Kind) -> None:
    assert not spoil(kind, 0.0, 10.0).any()
    assert not spoil(kind, 70.0, 5.0).any()
    first = spoil(kind, 10.0, 20.0)
    assert np.ptp(first) > 100.0
    assert (first == spoil(kind, 10.0, 20.0)).all()
    if not kind.startswith("hum"):
        assert np.abs(first - spoil(kind, 10.0, 20.0, seed=2)).max() > 50.0


@pytest.mark.parametrize("kind", KINDS)
def test_eeg_artefact_does_not_depend_on_the_stretches_asked_for(kind: Kind) -> None:
    assert spoil(kind, 12.0, 4.0, grain=10) == pytest.approx(spoil(kind, 12.0, 4.0, grain=5), abs=1e-6)


def test_blinks_are_at_the_forehead_and_as_high_as_in_the_sample() -> None:
    found = spoil("eeg_blinks", 10.0, 60.0)
    heights = np.ptp(found, axis=0)
    assert BLINK_UV[0] < heights[0] < 2 * BLINK_UV[1]  # two may overlap
    assert heights[1] == pytest.approx(0.95 * heights[0])
    assert heights[2:].max() < 0.2 * heights[0]


def test_clenched_jaw_is_broadband_and_as_large_as_in_the_sample() -> None:
    found = spoil("eeg_jaw", 10.0, 60.0)
    swings = np.ptp(within(found, 1.0, 40.0), axis=0)
    assert 160.0 < swings[4] < 330.0
    assert 160.0 < swings[5] < 330.0
    slow, fast = within(found, 1.0, 30.0)[:, 4].var(), within(found, 60.0, 120.0)[:, 4].var()
    assert fast > 1.5 * slow


def test_moving_head_shakes_every_channel_and_one_of_them_fully() -> None:
    swings = np.ptp(within(spoil("eeg_motion", 10.0, 60.0), 0.3, 8.0), axis=0)
    assert swings.max() > 330.0
    assert swings.min() > 100.0
    assert swings.max() < 2 * 935.0


def test_mains_differs_between_electrodes_and_is_outside_the_bands() -> None:
    found = spoil("hum_50hz", 10.0, 20.0)
    assert np.ptp(found, axis=0).max() == pytest.approx(2 * HUM_EEG_UV, rel=0.02)
    assert np.ptp(found[:, 0] - found[:, 2]) > 100.0
    assert np.abs(within(found * np.hanning(len(found))[:, None], 1.0, 30.0)).max() < 0.5


def test_joined_electrodes_show_nothing_of_the_scalp() -> None:
    artefacts = EegArtefacts(1, Schedule([FaultWindow(10, 60, "eeg_flat")]))
    scalp = np.random.default_rng(1).normal(0.0, 20.0, (10, 8))
    assert not artefacts.spoil(11.0, scalp, RATE_HZ).any()
    assert (artefacts.spoil(9.0, scalp, RATE_HZ) == scalp).all()


def test_empty_stretch_stays_empty() -> None:
    artefacts = EegArtefacts(1, Schedule([FaultWindow(0, 60, "eeg_jaw")]))
    assert artefacts.spoil(1.0, np.empty((0, 8)), RATE_HZ).shape == (0, 8)
