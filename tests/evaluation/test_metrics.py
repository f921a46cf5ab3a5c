"""The figures on cases whose answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from device.evaluation.metrics import (
    Scored,
    auc,
    balanced_accuracy,
    brier,
    brier_balanced,
    ece,
    ece_balanced,
    ece_interval,
    f1_stress,
    figures,
    mean_interval,
    pooled_ece,
    weights,
)


def scored(level, label):
    return Scored(np.array(level, dtype=float), np.array(label))


def drawn(chance, label_of, seed=1, size=20_000):
    random = np.random.default_rng(seed)
    level = random.random(size)
    return Scored(level, (random.random(size) < chance(level)).astype(int) if label_of is None else label_of)


def test_figures_of_a_perfect_and_a_useless_model():
    perfect = scored([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1])
    assert (balanced_accuracy(perfect), auc(perfect), f1_stress(perfect)) == (1.0, 1.0, 1.0)
    always_rest = scored([0.1, 0.1, 0.1, 0.1], [0, 0, 0, 1])
    assert (balanced_accuracy(always_rest), auc(always_rest), f1_stress(always_rest)) == (0.5, 0.5, 0.0)


def test_balanced_accuracy_weighs_both_classes_the_same():
    one = scored([0.9, 0.1, 0.1, 0.1, 0.9], [1, 1, 0, 0, 0])
    assert balanced_accuracy(one) == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert f1_stress(one) == pytest.approx(2 * 1 / (2 + 2))


def test_undecided_is_not_stress():
    assert balanced_accuracy(scored([0.5, 0.5], [0, 1])) == 0.5
    assert f1_stress(scored([0.5, 0.5], [0, 1])) == 0.0


def test_auc_counts_pairs_in_order_and_ties_by_half():
    assert auc(scored([0.3, 0.5, 0.5, 0.7], [0, 1, 0, 1])) == pytest.approx((1 + 0.5 + 1 + 1) / 4)


def test_brier_plain_and_balanced_differ_where_classes_do():
    assert brier(scored([0.5] * 5, [0, 0, 0, 0, 1])) == pytest.approx(0.25)
    low = scored([0.2] * 5, [0, 0, 0, 0, 1])
    assert brier(low) == pytest.approx((4 * 0.04 + 0.64) / 5)
    assert brier_balanced(low) == pytest.approx((0.04 + 0.64) / 2)


def test_weights_balance_the_classes():
    label = np.array([1, 0, 0, 0])
    assert weights(label)[label == 1].sum() == pytest.approx(weights(label)[label == 0].sum())
    assert weights(label).mean() == pytest.approx(1.0)


def test_weights_of_one_class_are_one():
    assert weights(np.zeros(3, dtype=int)).tolist() == [1.0, 1.0, 1.0]


def test_calibration_error_tells_overconfidence():
    assert ece(Scored(np.full(1000, 0.95), np.arange(1000) % 2)) == pytest.approx(0.45)


def test_calibration_error_of_honest_levels_is_small():
    assert ece(drawn(lambda level: level, None)) < 0.02


def test_calibration_error_of_doubled_odds_is_found_plain_but_not_balanced():
    # Right for equal classes, used where rest is twice as common: only the plain error sees it.
    random = np.random.default_rng(4)
    label = (np.arange(30_000) % 3 == 0).astype(int)
    level = 1.0 / (1.0 + np.exp(-random.normal(2.0 * label - 1.0, np.sqrt(2.0))))  # the exact posterior
    one = Scored(level, label)
    assert ece_balanced(one) < 0.02
    assert ece(one) > 0.08


def test_calibration_error_puts_the_ends_into_the_outer_bins():
    assert ece(scored([0.0, 1.0], [0, 1])) == 0.0
    assert ece(scored([0.0, 1.0], [1, 0])) == 1.0


def test_pooled_error_forgives_what_averages_out_and_weighs_people_the_same():
    high, low = scored([0.55] * 90, [1] * 90), scored([0.55] * 10, [0] * 10)
    assert ece(high) == pytest.approx(0.45)
    assert pooled_ece([high, low], balanced=False) == pytest.approx(0.05)


def test_mean_interval_holds_the_mean_and_needs_two_people():
    low, high = mean_interval([0.6, 0.7, 0.8, 0.9] * 5, seed=1)
    standard_error = math.sqrt(np.var([0.6, 0.7, 0.8, 0.9]) / 20)
    assert low == pytest.approx(0.75 - 1.96 * standard_error, abs=0.01)
    assert high == pytest.approx(0.75 + 1.96 * standard_error, abs=0.01)
    assert mean_interval([0.7], seed=1) is None


def test_ece_interval_repeats_and_needs_two_people():
    people = [drawn(lambda level: level, None, seed, 300) for seed in range(6)]
    found = ece_interval(people, seed=3, balanced=False)
    assert found == ece_interval(people, seed=3, balanced=False)
    assert 0.0 < found[0] < found[1] < 0.2
    assert ece_interval(people[:1], seed=3, balanced=False) is None


def test_figures_give_the_mean_over_subjects_within_its_interval():
    random = np.random.default_rng(2)
    subjects = {}
    for number in range(12):
        label = np.arange(200) % 2
        level = 1.0 / (1.0 + np.exp(-random.normal((label - 0.5) * 2.0, 1.0)))
        subjects[str(number)] = Scored(level, label)
    found = figures(subjects, seed=1)
    assert set(found) == {"balanced_accuracy", "auc", "f1_stress", "brier", "ece"}
    for value, low, high in found.values():
        assert low <= value <= high or value == pytest.approx(low, abs=0.02)
    assert found["balanced_accuracy"][0] == pytest.approx(
        np.mean([balanced_accuracy(one) for one in subjects.values()]), abs=1e-3)
    assert figures(subjects, seed=1) == found
