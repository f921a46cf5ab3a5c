"""Features of invented people, an invented ensemble whose answers are plain, and the shipped model."""

from __future__ import annotations

import numpy as np
import pytest

from device.config import Estimator
from device.messages import Features
from device.stress.card import FORMAT, Bands, Card, CardInput, Weights
from device.stress.estimator import StressEstimator
from device.stress.inputs import INPUTS, of_source, read_inputs
from device.stress.model import StressModel
from device.vitals import EdaFeatures, PpgFeatures, TemperatureFeatures

# What each input adds to its own expert's logit, per unit of deviation.
SLOPES = {"tonic": 0.8, "scr_rate": 0.6, "rise": 0.4, "heart_rate": 0.9, "rmssd": -0.3,
          "skin_temperature": -0.5}


def make_features(at_s, *, tonic=3.0, hr=70.0, scr=3.0, eda=1.0, ppg=1.0, temperature=None, celsius=33.0):
    """Features of one second; a quality of None leaves the signal out."""
    return Features(
        at_s=at_s, window_s=60.0,
        eda=None if eda is None else EdaFeatures(
            tonic_us=tonic, tonic_slope_us_per_min=0.0, scr_per_min=scr, scr_amplitude_us=0.1, quality=eda,
            rise_us_per_min=0.1 * scr, range_us=0.2),
        ppg=None if ppg is None else PpgFeatures(
            hr_bpm=hr, rmssd_ms=40.0, sdnn_ms=50.0, pulse_amplitude_v=0.4, quality=ppg),
        temperature=None if temperature is None else TemperatureFeatures(
            celsius=celsius, slope_c_per_min=0.0, quality=temperature),
        eeg=None,
    )


def make_card(**changes):
    """A card whose population is the invented person, without calibration."""
    means = read_inputs(make_features(0.0, temperature=1.0))
    inputs = tuple(
        CardInput(name=one.name, unit=one.unit, source=one.source, mean=float(mean), between=0.5, within=0.3,
                  sensitivity=abs(SLOPES.get(one.name, 0.0)))
        for one, mean in zip(INPUTS, means, strict=True))
    whole = {
        "format": FORMAT, "sha256": "", "inputs": inputs, "members": 3,
        "weights": Weights(eda=1.0, ppg=1.0, temperature=0.0, eeg=0.5), "temperature": 1.0, "bias": 0.0,
        "smoothing_s": 15.0,
        "bands": Bands(medium_enter=0.4, medium_leave=0.35, high_enter=0.7, high_leave=0.65),
    }
    return Card(**(whole | changes))


class Lines:
    """Three members that are straight lines; they differ in bias by `spread`."""

    def __init__(self, card, spread=0.1):
        self.card = card
        slopes = np.array([SLOPES.get(one.name, 0.0) for one in INPUTS])
        self._weight = slopes * of_source()
        self._bias = spread * np.array([-1.0, 0.0, 1.0])[:, None]

    def logits(self, vector):
        return self._weight @ vector.astype(float) + self._bias


@pytest.fixture
def features_at():
    return make_features


@pytest.fixture
def card_of():
    return make_card


@pytest.fixture
def lines():
    """Make the invented ensemble: `lines(spread=..., **changes of the card)`."""
    return lambda spread=0.1, **changes: Lines(make_card(**changes), spread)


@pytest.fixture
def estimator(lines):
    return StressEstimator(lines(), Estimator())


@pytest.fixture(scope="session")
def model(models_dir):
    return StressModel(models_dir / "stress" / "stress.tflite")
