"""Exponents and entropies of rows whose exponents and entropies are known."""

from __future__ import annotations

import numpy as np
import pytest

from device.desk.listening.spectra import bands, entropy_bits, exponent, following_bits


def coloured(power: float, seed: int, size: int = 1024) -> np.ndarray:
    """Gaussian noise whose power falls with that power of the frequency."""
    rng = np.random.default_rng(seed)
    frequency = np.fft.rfftfreq(size)
    shape = np.zeros(frequency.size)
    shape[1:] = frequency[1:] ** (-power / 2)
    parts = rng.standard_normal((2, shape.size))
    return np.fft.irfft(shape * (parts[0] + 1j * parts[1]), size)


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0, 1.5, 2.0])
def test_spectra_exponent_is_that_of_the_noise(power):
    found = [exponent(coloured(power, seed)) for seed in range(12)]
    assert np.mean(found) == pytest.approx(power, abs=0.1)
    assert np.std(found) < 0.25


def test_spectra_white_noise_and_walk_lie_outside_the_bounds():
    white = np.random.default_rng(1).standard_normal(1000)
    assert exponent(white) < 0.5
    assert exponent(np.cumsum(white)) > 1.5


def test_spectra_of_short_or_constant_rows_are_not_known():
    assert exponent(np.arange(63)) is None
    assert exponent(np.ones(500)) is None
    assert bands(np.ones(500))[0].size == 0


def test_spectra_do_not_depend_on_scale_or_offset():
    row = coloured(1.0, 3)
    assert exponent(40.0 * row + 60.0) == pytest.approx(exponent(row), abs=1e-6)


def test_spectra_entropy_of_known_rows():
    assert entropy_bits([1, 2, 3, 4] * 10) == pytest.approx(2.0)
    assert entropy_bits(["a"] * 10) == 0.0
    assert entropy_bits([]) == 0.0


def test_spectra_what_follows_is_known_in_a_cycle_and_not_in_noise():
    assert following_bits([1, 2, 3, 4] * 50) == pytest.approx(0.0, abs=0.01)
    noise = np.random.default_rng(1).integers(0, 4, 5000).tolist()
    assert following_bits(noise) == pytest.approx(2.0, abs=0.02)
