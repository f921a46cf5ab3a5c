"""The stand-in for the estimator errs as the shipped one does on real people."""

from __future__ import annotations

import numpy as np
import pytest

from device.evaluation.efficacy.estimate import FIRST_S, LAG_S, PERSON_SD, WANDER_S, WANDER_SD, NoisyEstimate
from device.messages import StressBand

TENSE, REST, MIDDLE = 0.70, 0.36, 0.53


def levels(arousal, seed, seconds=1200):
    """The levels from the first known one on; `arousal` is a number or a function of the second."""
    estimate = NoisyEstimate(np.random.default_rng(seed))
    course = arousal if callable(arousal) else lambda _second: arousal
    said = [estimate.update(second, course(second)) for second in range(seconds)]
    assert all(one.level is None and one.band is StressBand.UNKNOWN for one in said[:FIRST_S])
    return np.array([one.level for one in said[FIRST_S:]])


def test_estimate_tells_stress_from_rest_as_well_as_the_shipped_one_does_on_recordings():
    stress = np.concatenate([levels(TENSE, seed) for seed in range(60)])
    rest = np.concatenate([levels(REST, seed) for seed in range(100, 160)])
    accuracy = ((stress > MIDDLE).mean() + (rest <= MIDDLE).mean()) / 2
    assert accuracy == pytest.approx(0.772, abs=0.025)


def test_estimate_errors_have_the_stated_size_and_memory():
    each = [levels(0.5, seed, 2400) for seed in range(40)]
    spread = np.std(np.concatenate(each))
    assert spread == pytest.approx(np.hypot(PERSON_SD, WANDER_SD), rel=0.1)
    pairs = np.concatenate([np.stack([one[:-60], one[60:]], axis=1) for one in each])
    assert np.corrcoef(pairs.T)[0, 1] == pytest.approx(np.exp(-60 / WANDER_S), abs=0.12)


def test_estimate_is_late():
    step = np.array([levels(lambda second: REST if second < 600 else TENSE, seed) for seed in range(40)])
    flat = np.array([levels(REST, seed) for seed in range(40)])
    moved = (step - flat).mean(axis=0)
    begins = int(np.argmax(moved > 0.1)) + FIRST_S
    assert begins == 600 + LAG_S


def test_estimate_stays_within_its_range():
    assert levels(1.0, 5).max() <= 1.0
    assert levels(0.0, 5).min() >= 0.0
