"""Roughness of intervals: none in unison and octave, most at a quarter of the critical band."""

from __future__ import annotations

import numpy as np
import pytest

from device.desk.listening.calibration import RATE_HZ, noise, sine, two_sines
from device.desk.listening.roughness import pair_sum, partials, roughness


def of_pair(hz: float, other_hz: float) -> float:
    return pair_sum(np.array([hz, other_hz]), np.array([1.0, 1.0]))


def test_roughness_of_a_pair_rises_and_falls_with_the_interval():
    apart = np.arange(0.0, 400.0, 1.0)
    curve = np.array([of_pair(500.0, 500.0 + each) for each in apart])
    assert curve[0] == 0.0
    assert 20.0 <= apart[curve.argmax()] <= 30.0  # Plomp and Levelt: a quarter of about 100 Hz
    assert curve.max() == pytest.approx(0.5 * 0.18, abs=0.005)
    assert curve[-1] < 0.001


def test_roughness_is_most_at_wider_intervals_in_a_low_register():
    def semitones(hz: float) -> float:
        steps = np.arange(0.1, 12.0, 0.1)
        return float(steps[np.argmax([of_pair(hz, hz * 2 ** (step / 12)) for step in steps])])

    assert semitones(110.0) > semitones(440.0) > semitones(1760.0)


@pytest.mark.parametrize(("sound", "low", "high"), [
    (sine(500.0), 0.0, 0.001), (two_sines(500.0, 1000.0), 0.0, 0.001),
    (two_sines(500.0, 530.0), 0.08, 0.092),
    (two_sines(500.0, 504.0), 0.0, 0.001),  # slow beating is not rough
], ids=["sine", "octave", "30 Hz", "4 Hz"])
def test_roughness_of_sound(sound, low, high):
    found = roughness(sound.mono, RATE_HZ)
    assert found.size == 39
    assert low <= found.mean() <= high


def test_roughness_does_not_depend_on_the_level():
    loud = two_sines(300.0, 322.0).mono
    assert roughness(0.1 * loud, RATE_HZ) == pytest.approx(roughness(loud, RATE_HZ), abs=1e-4)


def test_roughness_of_noise_is_more_than_that_of_a_fifth():
    assert roughness(noise().mono, RATE_HZ).mean() > roughness(two_sines(300.0, 450.0).mono, RATE_HZ).mean()


def test_roughness_of_silence_is_not_known():
    assert np.isnan(roughness(np.zeros(RATE_HZ, np.float32), RATE_HZ)).all()


def test_roughness_partials_are_found_between_the_bins():
    piece = (np.sin(2 * np.pi * 441.3 * np.arange(16_384) / RATE_HZ) * np.hanning(16_384))
    hz, amplitude = partials(np.abs(np.fft.rfft(piece)), np.fft.rfftfreq(16_384, 1 / RATE_HZ))
    assert hz[amplitude.argmax()] == pytest.approx(441.3, abs=0.2)
    assert partials(np.zeros(8193), np.fft.rfftfreq(16_384, 1 / RATE_HZ))[0].size == 0
