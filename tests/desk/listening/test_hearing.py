"""What librosa hears in known signals; where it is not installed, what needs no librosa."""

from __future__ import annotations

import numpy as np
import pytest

from device.desk.listening.calibration import RATE_HZ, beats, heard, noise, sine, stereo
from device.desk.listening.hearing import HOP, pulse_clarity
from device.desk.listening.hearing import RATE_HZ as HEARD_HZ
from device.desk.listening.sound import Recording


def envelope(period_s: float | None, seconds: float = 10.0) -> np.ndarray:
    """An onset envelope with a peak a period, or at random times."""
    row = np.zeros(round(seconds * HEARD_HZ / HOP))
    places = (np.arange(0, seconds, period_s) if period_s
              else np.random.default_rng(1).uniform(0, seconds, 12))
    row[(places * HEARD_HZ / HOP).astype(int)] = 1.0
    return np.convolve(row, np.hanning(7), "same")


def test_hearing_clarity_of_a_pulse_and_of_chance():
    assert pulse_clarity(envelope(0.8)) > 0.8
    assert pulse_clarity(envelope(None)) < 0.5
    assert pulse_clarity(np.zeros(400)) == 0.0


def test_hearing_windows_of_a_pulse_that_speeds_up():
    pytest.importorskip("librosa", reason="needs the `listen` extra", exc_type=ImportError)
    both = Recording(np.concatenate([beats(60.0).samples, beats(100.0).samples]), RATE_HZ)
    found = heard(both)
    assert found.start_s.tolist() == [0.0, 10.0]
    assert found.onsets_per_s == pytest.approx([1.0, 1.67], abs=0.15)
    assert found.tempo_bpm == pytest.approx([60.0, 100.0], rel=0.04)


def test_hearing_brightness_orders_known_signals():
    pytest.importorskip("librosa", reason="needs the `listen` extra", exc_type=ImportError)
    dark, bright, noisy = (heard(sound) for sound in (sine(200.0), sine(3000.0), noise()))
    assert dark.centroid_hz[0] < bright.centroid_hz[0] < noisy.centroid_hz[0]
    assert dark.bright_share[0] < 0.01
    assert bright.bright_share[0] > 0.99
    assert noisy.bright_share[0] == pytest.approx(1 - 1500 / 11_025, abs=0.03)


def test_hearing_silence_is_not_known_and_a_rest_is_left_out():
    pytest.importorskip("librosa", reason="needs the `listen` extra", exc_type=ImportError)
    found = heard(stereo(np.zeros(15 * RATE_HZ)))
    assert found.start_s.tolist() == [0.0]
    assert np.isnan(found.centroid_hz).all()
