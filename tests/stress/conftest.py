"""Features of invented people, and the shipped model."""

from __future__ import annotations

import pytest

from device.config import Estimator
from device.messages import EdaFeatures, Features, PpgFeatures, TemperatureFeatures
from device.stress.estimator import StressEstimator
from device.stress.model import StressModel


def make_features(at_s, *, tonic=3.0, hr=70.0, scr=3.0, eda=1.0, ppg=1.0, temperature=None):
    """Features of one second; a quality of None leaves the signal out."""
    return Features(
        at_s=at_s, window_s=60.0,
        eda=None if eda is None else EdaFeatures(
            tonic_us=tonic, tonic_slope_us_per_min=0.0, scr_per_min=scr, scr_amplitude_us=0.1, quality=eda),
        ppg=None if ppg is None else PpgFeatures(
            hr_bpm=hr, rmssd_ms=40.0, sdnn_ms=50.0, pulse_amplitude_v=0.4, quality=ppg),
        temperature=None if temperature is None else TemperatureFeatures(
            celsius=33.0, slope_c_per_min=0.0, quality=temperature),
        eeg=None,
    )


@pytest.fixture
def features_at():
    return make_features


@pytest.fixture(scope="session")
def model(models_dir):
    return StressModel(models_dir / "stress" / "stress.tflite")


@pytest.fixture
def estimator(model):
    return StressEstimator(model, Estimator())
