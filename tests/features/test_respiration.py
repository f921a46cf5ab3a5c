"""Coherence and breath from intervals and amplitudes."""

from __future__ import annotations

import numpy as np
import pytest

from device.features.respiration import rhythm


def series(hertz, sway_s, noise_s=0.005, amplitude_sway=0.0, seconds=70.0):
    random = np.random.default_rng(7)
    end_s, ibi_s = [0.0], []
    while end_s[-1] < seconds:
        ibi_s.append(0.8 + sway_s * np.sin(2 * np.pi * hertz * end_s[-1]) + random.normal(0.0, noise_s))
        end_s.append(end_s[-1] + ibi_s[-1])
    at = np.array(end_s[1:])
    return at, np.array(ibi_s), 1.0 + amplitude_sway * np.sin(2 * np.pi * hertz * at)


@pytest.mark.parametrize("per_min", [6.0, 9.0, 12.0, 18.0, 24.0])
def test_rhythm_tells_the_rate_and_size_of_breath(per_min):
    found = rhythm(*series(per_min / 60.0, 0.05))
    assert found.respiration_per_min == pytest.approx(per_min, abs=0.5)
    shrunk = 1.0 if per_min <= 18.0 else 0.67  # two intervals a breath are too few to show its full size
    assert found.respiration_ms == pytest.approx(100.0 * shrunk, rel=0.25)


def test_rhythm_finds_breath_in_amplitudes_alone():
    found = rhythm(*series(0.25, 0.0, noise_s=0.01, amplitude_sway=0.2))
    assert found.respiration_per_min == pytest.approx(15.0, abs=0.5)


def test_rhythm_is_coherent_at_resonance_and_not_at_random():
    assert rhythm(*series(0.1, 0.05)).coherence > 0.8
    assert rhythm(*series(0.1, 0.0, noise_s=0.04)).coherence < 0.45
    assert rhythm(*series(0.3, 0.05)).coherence < 0.2


def test_rhythm_is_unknown_with_little_of_the_span():
    end_s, ibi_s, amplitude = series(0.1, 0.05)
    assert rhythm(end_s[:40], ibi_s[:40], amplitude[:40]) == (None, None, None)
    assert rhythm(end_s[:0], ibi_s[:0], amplitude[:0]).coherence is None


def test_rhythm_of_equal_intervals_has_no_breath():
    end_s = np.arange(1.0, 70.0)
    found = rhythm(end_s, np.ones(69), np.ones(69))
    assert found.respiration_per_min is None or found.respiration_ms < 0.01
