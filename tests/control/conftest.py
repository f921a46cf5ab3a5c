"""Messages that the control tests are fed with."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from device.messages import Features, Stress, StressBand
from device.vitals import PpgFeatures


@pytest.fixture
def stress() -> Callable[..., Stress]:
    """Make an estimate; a level of None is an honest unknown."""
    def make(at_s: float, level: float | None, confidence: float = 0.9) -> Stress:
        return Stress(at_s=at_s, level=level, confidence=confidence, sources=("eda", "ppg"), reason="",
                      band=StressBand.UNKNOWN if level is None else StressBand.MEDIUM)
    return make


@pytest.fixture
def heart() -> Callable[..., Features]:
    """Make features with a heart rate only."""
    def make(at_s: float, hr_bpm: float, quality: float = 0.9) -> Features:
        ppg = PpgFeatures(hr_bpm=hr_bpm, rmssd_ms=40.0, sdnn_ms=50.0, pulse_amplitude_v=0.3, quality=quality)
        return Features(at_s=at_s, window_s=60.0, eda=None, ppg=ppg, temperature=None, eeg=None)
    return make
