"""Personal normalisation."""

from __future__ import annotations

import numpy as np
import pytest

from device.stress.baseline import Baseline

NAN = float("nan")


def feed(baseline, rows, start_s=0.0):
    return np.array([baseline.update(start_s + k, np.array(row, dtype=float)) for k, row in enumerate(rows)])


def test_baseline_starts_at_zero_deviation():
    assert feed(Baseline([1.0, 2.0], 120.0), [[5.0, -3.0]]).tolist() == [[0.0, 0.0]]


def test_baseline_converges_to_the_persons_own_mean_and_spread():
    random = np.random.default_rng(1)
    rows = random.normal(10.0, 0.5, (5000, 1))
    baseline = Baseline([3.0], 120.0)
    feed(baseline, rows)
    assert baseline.update(5000.0, np.array([11.0]))[0] == pytest.approx((11.0 - rows.mean()) / 0.68, rel=0.1)
    assert baseline.certainty()[0] == pytest.approx(5000 / 5120, abs=1e-3)


def test_baseline_relies_on_the_population_at_first():
    baseline = Baseline([2.0], 120.0)
    feed(baseline, [[10.0]] * 10)
    assert baseline.update(10.0, np.array([12.0]))[0] == pytest.approx((12.0 - 10.0) * 10 / 11 / 2.0, rel=0.1)
    assert baseline.certainty()[0] < 0.1


def test_baseline_uses_the_past_only():
    random = np.random.default_rng(2)
    rows = random.normal(0.0, 1.0, (200, 2))
    whole = feed(Baseline([1.0, 1.0], 60.0), rows)
    part = feed(Baseline([1.0, 1.0], 60.0), rows[:100])
    assert np.array_equal(whole[:100], part)


def test_baseline_leaves_absent_inputs_alone():
    baseline = Baseline([1.0, 1.0], 60.0)
    found = feed(baseline, [[1.0, NAN]] * 50 + [[1.0, 4.0]])
    assert np.isnan(found[:50, 1]).all()
    assert found[50].tolist() == [0.0, 0.0]
    assert baseline.certainty()[1] == pytest.approx(1 / 61)


def test_baseline_survives_a_short_loss_and_forgets_after_a_long_one():
    baseline = Baseline([1.0], 60.0)
    feed(baseline, [[5.0]] * 100)
    assert baseline.update(200.0, np.array([6.0]))[0] > 0.5
    assert baseline.update(330.0, np.array([6.0]))[0] == 0.0
    assert baseline.certainty()[0] == pytest.approx(1 / 61)


def test_baseline_counts_loss_from_the_last_value_not_the_last_call():
    baseline = Baseline([1.0], 60.0)
    feed(baseline, [[5.0]] * 100)
    feed(baseline, [[NAN]] * 125, start_s=100.0)
    assert baseline.update(225.0, np.array([9.0]))[0] == 0.0
