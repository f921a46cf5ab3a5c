"""Invented people whose signals and protocol are known."""

from __future__ import annotations

import numpy as np
import pytest

from device.messages import Features
from device.vitals import EdaFeatures, PpgFeatures, TemperatureFeatures
from drivers.sim.recording import Interval
from models.stress.training.recordings import subject_of

PROTOCOL = (
    Interval("baseline", 0.0, 480.0, "rest"), Interval("stroop", 480.0, 700.5, "stress"),
    Interval("rest", 700.5, 900.0, "rest"), Interval("interview", 900.0, 1100.0, "stress"),
    Interval("rest", 1100.0, 1300.0, "rest"),
)
SECONDS = 1300


def one_second(at_s, arousal, random, *, kept):
    """Features that go with the arousal, noisily; signals that are not kept are absent."""
    def noisy(value, spread):
        return float(value * np.exp(random.normal(0.0, spread)))

    return Features(
        at_s=at_s, window_s=60.0, eeg=None,
        eda=None if not kept[0] else EdaFeatures(
            tonic_us=noisy(2.0 * np.exp(0.4 * arousal), 0.1), tonic_slope_us_per_min=random.normal(0.0, 0.1),
            scr_per_min=noisy(3.0 + 5.0 * arousal, 0.3), scr_amplitude_us=noisy(0.1, 0.3),
            rise_us_per_min=noisy(0.5 + arousal, 0.3), range_us=noisy(0.5, 0.3),
            quality=float(random.uniform(0.5, 1.0))),
        ppg=None if not kept[1] else PpgFeatures(
            hr_bpm=noisy(68.0 + 12.0 * arousal, 0.04), rmssd_ms=noisy(40.0, 0.2), sdnn_ms=noisy(45.0, 0.2),
            pulse_amplitude_v=noisy(0.5, 0.1), quality=float(random.uniform(0.1, 1.0))),
        temperature=None if not kept[2] else TemperatureFeatures(
            celsius=32.0 + random.normal(0.0, 0.2), slope_c_per_min=random.normal(0.0, 0.1), quality=1.0),
    )


def make_subject(name="X", seed=1, seconds=SECONDS, effect=1.0):
    """One person who is aroused in the stress tasks by `effect`; signals drop out at random seconds."""
    random = np.random.default_rng(seed)
    features = []
    for second in range(1, seconds):
        task = next((span for span in PROTOCOL if span.start_s <= second < span.end_s), None)
        arousal = effect if task is not None and task.label == "stress" else 0.0
        features.append(one_second(float(second), arousal, random, kept=random.random(3) < 0.95))
    return subject_of(name, features, PROTOCOL)


@pytest.fixture(scope="session")
def invented():
    """Make a person: `invented(name, seed, seconds, effect)`."""
    return make_subject


@pytest.fixture(scope="session")
def people():
    """Six people who react alike."""
    return [make_subject(f"P{seed}", seed) for seed in range(6)]
