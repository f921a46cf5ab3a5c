"""Personal normalisation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from device.stress.baseline import (
    INDEPENDENT_S,
    MEMORY_S,
    RESET_AFTER_S,
    SPREAD_PRIOR_S,
    Baseline,
    Population,
)

NAN = float("nan")
ONE = Population(mean=[0.0], between=[1.0], within=[0.5])
TWO = Population(mean=[2.0, -1.0], between=[1.0, 0.7], within=[0.5, 0.4])


def feed(baseline, rows, start_s=0.0):
    return np.array([baseline.update(start_s + k, np.array(row, dtype=float)) for k, row in enumerate(rows)])


def kalman(mean, between, within, values):
    """One input's deviations and certainties, written out with plain numbers."""
    doubt, variance, seconds, found = between**2, within**2, 0.0, []
    measured = INDEPENDENT_S * within**2
    for value in values:
        if math.isnan(value):
            found.append((NAN, variance / (variance + doubt)))
            continue
        seconds += 1.0
        doubt += measured / MEMORY_S**2
        gain = doubt / (doubt + measured)
        mean += gain * (value - mean)
        doubt = (1.0 - gain) * doubt
        share = 1.0 / (min(seconds, MEMORY_S) + SPREAD_PRIOR_S)
        variance += share * ((value - mean) ** 2 - variance)
        found.append(((value - mean) / math.sqrt(variance + doubt), variance / (variance + doubt)))
    return np.array(found)


def test_baseline_is_the_kalman_filter_written_out():
    random = np.random.default_rng(5)
    rows = random.normal([3.0, -2.0], [0.6, 0.3], (1500, 2))
    rows[400:460, 0] = NAN
    baseline = Baseline(TWO)
    found, certain = [], []
    for second, row in enumerate(rows):
        found.append(baseline.update(float(second), row))
        certain.append(baseline.certainty())
    for place in range(2):
        expected = kalman(TWO.mean[place], TWO.between[place], TWO.within[place], rows[:, place])
        assert np.array(found)[:, place] == pytest.approx(expected[:, 0], abs=1e-10, nan_ok=True)
        assert np.array(certain)[:, place] == pytest.approx(expected[:, 1], abs=1e-10)


@pytest.mark.parametrize("value", [-1.5, 0.5, 1.0])
def test_baseline_compares_the_first_second_with_the_population(value):
    expected = value / math.hypot(1.0, 0.5)
    assert Baseline(ONE).update(0.0, np.array([value]))[0] == pytest.approx(expected, rel=0.05)


def test_baseline_compares_with_the_person_after_twenty_minutes():
    rows = np.random.default_rng(1).normal(4.0, 0.8, (1200, 1))
    baseline = Baseline(ONE)
    feed(baseline, rows)
    expected = (5.0 - rows.mean()) / rows.std()
    assert baseline.update(1200.0, np.array([5.0]))[0] == pytest.approx(expected, rel=0.12)
    assert baseline.certainty()[0] > 0.9


def test_baseline_learns_a_persons_own_spread():
    lively, still = (feed(Baseline(ONE), np.random.default_rng(2).normal(0.0, spread, (3600, 1)))[-600:].std()
                     for spread in (1.0, 0.1))
    assert lively == pytest.approx(1.0, abs=0.1)
    assert 0.4 < still < 0.9  # what is unknown of the mean stays and is not divided away


def test_baseline_gain_settles_so_that_nothing_counts_the_time():
    baseline = Baseline(ONE)
    feed(baseline, np.zeros((4 * 3600, 1)))
    kick = baseline.update(14_400.0, np.array([1e-3]))[0]
    after = baseline.update(14_401.0, np.array([0.0]))[0]
    assert -after / kick == pytest.approx(1.0 / MEMORY_S, rel=0.02)
    later = Baseline(ONE)
    feed(later, np.zeros((8 * 3600, 1)))
    assert later.update(28_800.0, np.array([1e-3]))[0] == pytest.approx(kick, rel=1e-3)


def test_baseline_follows_a_slow_drift_but_not_a_minute_of_arousal():
    baseline = Baseline(ONE)
    feed(baseline, np.zeros((1200, 1)))
    roused = feed(baseline, np.ones((60, 1)), 1200.0)[:, 0]
    assert roused[-1] > 0.75 * roused[0]
    hour = feed(baseline, np.ones((7200, 1)), 1260.0)[:, 0]
    assert abs(hour[-1]) < 0.05


def test_baseline_grows_certain():
    baseline = Baseline(ONE)
    assert baseline.certainty()[0] == pytest.approx(0.25 / 1.25)
    certain = []
    for second, value in enumerate(np.random.default_rng(3).normal(0.0, 0.5, 1200)):
        baseline.update(float(second), np.array([value]))
        if second % 60 == 59:
            certain.append(baseline.certainty()[0])
    assert np.diff(certain[:8]).min() > 0.0
    assert certain[0] < 0.5
    assert 0.9 < certain[-1] < 1.0


def test_baseline_uses_the_past_only():
    rows = np.random.default_rng(2).normal(0.0, 1.0, (200, 2))
    whole, part = feed(Baseline(TWO), rows), feed(Baseline(TWO), rows[:100])
    assert np.array_equal(whole[:100], part)


def test_baseline_knows_no_clock():
    rows = np.random.default_rng(4).normal(0.0, 1.0, (300, 2))
    assert np.array_equal(feed(Baseline(TWO), rows), feed(Baseline(TWO), rows, start_s=50_000.0))


def test_baseline_leaves_absent_inputs_alone():
    baseline, alone = Baseline(TWO), Baseline(TWO)
    found = feed(baseline, [[1.0, NAN]] * 50 + [[1.0, 4.0]])
    assert np.isnan(found[:50, 1]).all()
    assert np.isfinite(found[:, 0]).all()
    assert found[50, 1] == feed(alone, [[NAN, 4.0]])[0, 1]


def test_baseline_of_a_constant_input_stays_finite():
    with np.errstate(all="raise", under="ignore"):
        found = feed(Baseline(ONE), np.full((5 * 3600, 1), 7.0))
    assert np.isfinite(found).all()
    assert abs(found[-1, 0]) < 1e-3


def test_baseline_survives_a_short_loss_and_forgets_after_a_long_one():
    baseline, fresh = Baseline(ONE), Baseline(ONE)
    feed(baseline, [[5.0]] * 600)
    known = baseline.certainty()[0]
    assert abs(baseline.update(599.0 + RESET_AFTER_S, np.array([5.0]))[0]) < 0.3
    assert baseline.certainty()[0] >= known
    again = baseline.update(599.0 + 2 * RESET_AFTER_S + 1.0, np.array([5.0]))[0]
    assert again == fresh.update(0.0, np.array([5.0]))[0]
    assert baseline.certainty() == fresh.certainty()


def test_baseline_counts_loss_from_the_last_value_not_the_last_call():
    baseline, fresh = Baseline(ONE), Baseline(ONE)
    feed(baseline, [[5.0]] * 100)
    feed(baseline, [[NAN]] * 125, start_s=100.0)
    assert baseline.update(225.0, np.array([9.0]))[0] == fresh.update(0.0, np.array([9.0]))[0]


def test_baseline_counts_any_input_as_presence():
    baseline = Baseline(TWO)
    feed(baseline, [[2.5, -1.0]] * 300)
    feed(baseline, [[2.5, NAN]] * 300, start_s=300.0)
    certain = baseline.certainty()
    assert abs(baseline.update(600.0, np.array([2.5, -1.0]))[1]) < 0.1
    assert baseline.certainty()[1] == pytest.approx(certain[1], abs=0.01)
