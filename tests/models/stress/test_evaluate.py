"""The figures of the card on cases whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from models.stress.training.evaluate import (
    Calibration,
    Scored,
    auc,
    balanced_accuracy,
    brier,
    calibrate,
    expected_calibration_error,
    f1_stress,
    figures,
    sigmoid,
    smooth,
    weights,
)


def scored(level, label):
    return Scored(np.array(level, dtype=float), np.array(label))


def test_figures_of_a_perfect_and_a_useless_model():
    perfect = scored([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1])
    assert (balanced_accuracy(perfect), auc(perfect), f1_stress(perfect)) == (1.0, 1.0, 1.0)
    always_rest = scored([0.1, 0.1, 0.1, 0.1], [0, 0, 0, 1])
    assert (balanced_accuracy(always_rest), auc(always_rest), f1_stress(always_rest)) == (0.5, 0.5, 0.0)


def test_balanced_accuracy_weighs_both_classes_the_same():
    one = scored([0.9, 0.1, 0.1, 0.1, 0.9], [1, 1, 0, 0, 0])
    assert balanced_accuracy(one) == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert f1_stress(one) == pytest.approx(2 * 1 / (2 + 2))


def test_auc_counts_pairs_in_order_and_ties_by_half():
    assert auc(scored([0.3, 0.5, 0.5, 0.7], [0, 1, 0, 1])) == pytest.approx((1 + 0.5 + 1 + 1) / 4)


def test_brier_is_a_quarter_for_undecided_levels():
    assert brier(scored([0.5] * 5, [0, 0, 0, 0, 1])) == pytest.approx(0.25)


def test_weights_balance_the_classes():
    label = np.array([1, 0, 0, 0])
    assert weights(label)[label == 1].sum() == pytest.approx(weights(label)[label == 0].sum())
    assert weights(label).mean() == pytest.approx(1.0)


def test_calibration_recovers_temperature_and_bias():
    random = np.random.default_rng(1)
    logit = random.normal(0.0, 2.0, 20_000)
    label = (random.random(20_000) < sigmoid(logit)).astype(int)
    found = calibrate(3.0 * (logit - 0.5), label)
    assert found.temperature == pytest.approx(3.0, rel=0.05)
    assert found.bias == pytest.approx(0.5, abs=0.06)
    level = sigmoid(found.apply(3.0 * (logit - 0.5)))
    assert expected_calibration_error(level, label) < 0.02


def test_calibration_does_not_stop_where_it_starts():
    random = np.random.default_rng(3)
    logit = random.normal(0.0, 1.0, 20_000)
    label = (random.random(20_000) < sigmoid(0.95 * logit + 0.03)).astype(int)
    found = calibrate(logit, label)
    moved = calibrate(2.0 * logit + 1.0, label)
    assert found.temperature == pytest.approx(moved.temperature / 2.0, rel=1e-3)
    assert found.apply(np.array([0.7])) == pytest.approx(moved.apply(np.array([2.4])), abs=1e-3)


def test_calibration_error_tells_overconfidence():
    level, label = np.full(1000, 0.95), np.arange(1000) % 2
    assert expected_calibration_error(level, label) == pytest.approx(0.45)


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


def test_figures_give_the_mean_over_subjects_within_its_interval():
    random = np.random.default_rng(2)
    subjects = {}
    for number in range(12):
        label = np.arange(200) % 2
        subjects[str(number)] = Scored(sigmoid(random.normal((label - 0.5) * 2.0, 1.0)), label)
    found = figures(subjects, seed=1)
    assert set(found) == {"balanced_accuracy", "auc", "f1_stress", "brier", "ece"}
    for value, low, high in found.values():
        assert low <= value <= high or value == pytest.approx(low, abs=0.02)
    assert found["balanced_accuracy"][0] == pytest.approx(
        np.mean([balanced_accuracy(one) for one in subjects.values()]), abs=1e-3)
    assert figures(subjects, seed=1) == found
