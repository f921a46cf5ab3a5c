"""Late fusion of opinions in log-odds."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from device.stress.fusion import FULL_QUALITY, USABLE_QUALITY, fuse, level_of, trust
from device.stress.opinion import Opinion

WEIGHTS = {"eda": 1.0, "ppg": 0.8, "temperature": 0.0, "eeg": 0.5}


def weight(source):
    return WEIGHTS[source]


def sigmoid(logit):
    return 1.0 / (1.0 + math.exp(-logit))


def test_log_odds_of_sources_add_up_by_weight():
    opinions = {"eda": Opinion(1.2, 0.3, 1.0), "ppg": Opinion(-0.5, 0.2, 0.9), "eeg": Opinion(2.0, 0.4, 1.0)}
    fused = fuse(opinions, weight)
    assert fused.logit == pytest.approx(1.2 - 0.8 * 0.5 + 0.5 * 2.0)
    assert fused.variance == pytest.approx(0.3 + 0.8**2 * 0.2 + 0.5**2 * 0.4)


def test_two_that_agree_are_surer_than_either():
    one, both = fuse({"eda": Opinion(1.0, 0.0, 1.0)}, weight), fuse(
        {"eda": Opinion(1.0, 0.0, 1.0), "ppg": Opinion(1.0, 0.0, 1.0)}, weight)
    assert level_of(*both)[0] > level_of(*one)[0] > 0.5


@pytest.mark.parametrize("source", ["eda", "ppg", "temperature", "eeg"])
def test_an_expert_alone_counts_in_full_whatever_its_weight(source):
    assert fuse({source: Opinion(0.7, 0.2, 1.0)}, weight) == (0.7, 0.2)


def test_temperature_says_nothing_beside_others():
    skin = Opinion(0.7, 0.2, 1.0)
    assert fuse({"eda": skin, "temperature": Opinion(-3.0, 9.0, 1.0)}, weight) == (0.7, 0.2)


def test_no_opinion_is_undecided():
    assert fuse({}, weight) == (0.0, 0.0)


@pytest.mark.parametrize(("quality", "expected"), [
    (0.0, 0.0), (USABLE_QUALITY, 0.0), ((USABLE_QUALITY + FULL_QUALITY) / 2, 0.5), (FULL_QUALITY, 1.0),
    (1.0, 1.0),
])
def test_trust_rises_from_usable_to_full_quality(quality, expected):
    assert trust(quality) == pytest.approx(expected)


def test_a_worse_signal_counts_less():
    half = (USABLE_QUALITY + FULL_QUALITY) / 2
    fused = fuse({"eda": Opinion(2.0, 0.4, half), "ppg": Opinion(-1.0, 0.0, 1.0)}, weight)
    assert fused.logit == pytest.approx(0.5 * 2.0 - 0.8)
    assert fused.variance == pytest.approx(0.25 * 0.4)


@pytest.mark.parametrize("logit", [-3.0, -0.4, 0.0, 1.0, 2.5])
@pytest.mark.parametrize("variance", [0.05, 0.5, 1.0, 2.0])
def test_level_is_the_mean_and_variance_of_a_logistic_normal(logit, variance):
    spread = math.sqrt(variance)
    mean = quad(lambda x: sigmoid(x) * norm.pdf(x, logit, spread), logit - 9 * spread, logit + 9 * spread)[0]
    square = quad(lambda x: sigmoid(x)**2 * norm.pdf(x, logit, spread), logit - 9 * spread,
                  logit + 9 * spread)[0]
    found = level_of(logit, variance)
    assert found[0] == pytest.approx(mean, abs=2e-3)
    assert found[1] == pytest.approx(square - mean**2, abs=2e-3)


@pytest.mark.parametrize("logit", [-30.0, -2.0, 0.0, 2.0, 30.0])
def test_level_without_variance_is_the_sigmoid(logit):
    assert level_of(logit, 0.0) == pytest.approx((sigmoid(logit), 0.0), abs=1e-9)


def test_doubt_pulls_the_level_toward_one_half():
    levels = [level_of(2.0, variance)[0] for variance in (0.0, 0.5, 1.0, 2.0, 4.0)]
    assert np.diff(levels).max() < 0.0
    assert levels[-1] > 0.5
    assert [level_of(-2.0, variance)[0] for variance in (0.0, 0.5, 1.0, 2.0, 4.0)] == pytest.approx(
        [1.0 - level for level in levels])


def test_level_variance_keeps_its_bounds_and_grows_with_doubt():
    for logit in np.linspace(-50.0, 50.0, 41):
        for variance in (0.0, 1e-6, 1.0, 100.0, 1e6):
            level, doubt = level_of(float(logit), variance)
            assert 0.0 <= level <= 1.0
            assert 0.0 <= doubt <= level * (1.0 - level) + 1e-9
    doubts = [level_of(0.5, variance)[1] for variance in (0.0, 0.3, 1.0, 3.0)]
    assert np.diff(doubts).min() > 0.0
