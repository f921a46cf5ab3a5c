"""Calibration of logits on cases whose answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from device.evaluation.metrics import Scored, ece_balanced
from models.stress.training.calibration import EXTREME, Calibration, calibrate, log_odds, sigmoid


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
    found, moved = calibrate(logit, label), calibrate(2.0 * logit + 1.0, label)
    assert found.temperature == pytest.approx(moved.temperature / 2.0, rel=1e-3)
    assert found.apply(np.array([0.7])) == pytest.approx(moved.apply(np.array([2.4])), abs=1e-3)


def test_calibration_takes_both_classes_for_equally_likely():
    random = np.random.default_rng(4)
    label = (np.arange(40_000) % 8 == 0).astype(int)
    logit = 2.0 * (2.0 * label - 1.0 + random.normal(0.0, 1.0, label.size))  # honest if both are as likely
    found = calibrate(logit, label)
    assert (found.temperature, found.bias) == pytest.approx((1.0, 0.0), abs=0.05)


def test_calibration_is_a_line():
    assert Calibration(2.0, 0.5).apply(np.array([0.0, 4.0])).tolist() == [0.5, 2.5]


def test_log_odds_undo_the_sigmoid_and_stay_finite():
    logit = np.linspace(-8.0, 8.0, 9)
    assert log_odds(sigmoid(logit)) == pytest.approx(logit)
    ends = log_odds(np.array([0.0, 1.0]))
    assert ends == pytest.approx([math.log(EXTREME), -math.log(EXTREME)], rel=1e-3)
    assert np.isnan(log_odds(np.array([np.nan]))).all()
