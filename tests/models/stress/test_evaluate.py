"""Calibration and smoothing of logits on cases whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from device.evaluation.metrics import Scored, ece_balanced
from models.stress.training.evaluate import Calibration, calibrate, sigmoid, smooth


def test_calibration_recovers_temperature_and_bias():
    random = np.random.default_rng(1)
    logit = random.normal(0.0, 2.0, 20_000)
    label = (random.random(20_000) < sigmoid(logit)).astype(int)
    found = calibrate(3.0 * (logit - 0.5), label)
    assert found.temperature == pytest.approx(3.0, rel=0.05)
    assert found.bias == pytest.approx(0.5, abs=0.06)
    level = sigmoid(found.apply(3.0 * (logit - 0.5)))
    assert ece_balanced(Scored(level, label)) < 0.02


def test_calibration_does_not_stop_where_it_starts():
    random = np.random.default_rng(3)
    logit = random.normal(0.0, 1.0, 20_000)
    label = (random.random(20_000) < sigmoid(0.95 * logit + 0.03)).astype(int)
    found = calibrate(logit, label)
    moved = calibrate(2.0 * logit + 1.0, label)
    assert found.temperature == pytest.approx(moved.temperature / 2.0, rel=1e-3)
    assert found.apply(np.array([0.7])) == pytest.approx(moved.apply(np.array([2.4])), abs=1e-3)


def test_calibration_is_a_line():
    assert Calibration(2.0, 0.5).apply(np.array([0.0, 4.0])).tolist() == [0.5, 2.5]


def test_smoothing_is_causal_and_starts_anew_after_a_gap():
    logit = np.concatenate((np.zeros(50), np.ones(50)))
    present = np.ones(100, dtype=bool)
    found = smooth(logit, present, 15.0)
    assert (found[:50] == 0.0).all()
    assert found[64] == pytest.approx(1.0 - np.exp(-1.0), abs=1e-9)
    present[60:70] = False
    assert smooth(logit, present, 15.0)[70] == 1.0
