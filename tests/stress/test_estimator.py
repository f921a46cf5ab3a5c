"""The estimate: when it speaks, when it abstains, how it moves."""

from __future__ import annotations

from itertools import pairwise

import pytest

from device.config import Estimator
from device.messages import StressBand
from device.stress.card import Bands
from device.stress.estimator import CONTACT_S, StressEstimator, next_band, source_quality

BANDS = Bands(medium_enter=0.4, medium_leave=0.35, high_enter=0.7, high_leave=0.65)


def settle(estimator, make, seconds, start_s=0.0, **what):
    """Feed so many seconds and return the last word."""
    said = None
    for second in range(seconds):
        said = estimator.update(make(start_s + second, **what))
    return said


def test_estimator_without_model_is_always_unknown(features_at):
    estimator = StressEstimator(None, Estimator())
    said = settle(estimator, features_at, 100)
    assert (said.level, said.band, said.reason) == (None, StressBand.UNKNOWN, "no_model")
    assert said.confidence == 0.0
    assert said.sources == ()


def test_estimator_is_unknown_without_sensors(estimator, features_at):
    said = settle(estimator, features_at, 100, eda=None, ppg=None)
    assert (said.level, said.reason) == (None, "no_sensors")


def test_estimator_takes_skin_temperature_alone_for_no_sensor(estimator, features_at):
    said = settle(estimator, features_at, 100, eda=None, ppg=None, temperature=1.0)
    assert said.reason == "no_sensors"


def test_estimator_waits_for_a_minute_of_contact(estimator, features_at):
    reasons = [estimator.update(features_at(float(second))).reason for second in range(60)]
    assert set(reasons[:int(CONTACT_S) - 1]) == {"too_little_contact"}
    assert set(reasons[int(CONTACT_S):]) == {""}


@pytest.mark.parametrize(("minimum", "known"), [(0.3, True), (0.4, False), (0.9, False)])
def test_estimator_is_unknown_below_the_configured_quality(model, features_at, minimum, known):
    estimator = StressEstimator(model, Estimator(minimum_quality=minimum))
    said = settle(estimator, features_at, 100, eda=0.35, ppg=0.35)
    assert (said.level is not None) == known
    assert said.reason == ("" if known else "low_quality")


@pytest.mark.parametrize(("what", "sources"), [
    ({}, ("eda", "ppg")), ({"eda": None}, ("ppg",)), ({"ppg": None}, ("eda",)), ({"ppg": 0.1}, ("eda",)),
])
def test_estimator_works_with_whatever_is_there(estimator, features_at, what, sources):
    said = settle(estimator, features_at, 100, **what)
    assert said.sources == sources
    assert 0.0 <= said.level <= 1.0
    assert said.band is not StressBand.UNKNOWN


def test_estimator_follows_arousal_up_and_down(estimator, features_at):
    calm = settle(estimator, features_at, 400).level
    roused = settle(estimator, features_at, 90, 400.0, tonic=5.0, hr=90.0, scr=8.0)
    relaxed = settle(estimator, features_at, 90, 490.0, tonic=2.8, hr=66.0, scr=2.0).level
    assert roused.level > calm + 0.15
    assert roused.level > relaxed + 0.25
    assert roused.band is StressBand.HIGH


def test_estimator_moves_smoothly(estimator, features_at):
    settle(estimator, features_at, 400)
    levels = [estimator.update(features_at(400.0 + k, tonic=6.0, hr=100.0)).level for k in range(60)]
    steps = [abs(after - before) for before, after in pairwise(levels)]
    assert max(steps) < 0.1
    assert levels[-1] > levels[0]


def test_estimator_grows_surer_with_a_longer_baseline(model, features_at):
    young, old = StressEstimator(model, Estimator()), StressEstimator(model, Estimator())
    settle(young, features_at, 60)
    settle(old, features_at, 1200)
    roused = {"tonic": 6.0, "hr": 95.0, "scr": 9.0}
    assert (settle(old, features_at, 30, 1200.0, **roused).confidence
            > settle(young, features_at, 30, 60.0, **roused).confidence)


def test_estimator_confidence_shrinks_with_quality(model, features_at):
    good, poor = StressEstimator(model, Estimator()), StressEstimator(model, Estimator())
    for estimator in (good, poor):
        settle(estimator, features_at, 600)
    roused = {"tonic": 6.0, "hr": 95.0}
    clean = settle(good, features_at, 60, 600.0, **roused)
    dirty = settle(poor, features_at, 60, 600.0, eda=0.5, ppg=0.5, **roused)
    assert clean.level == pytest.approx(dirty.level, abs=1e-6)
    assert dirty.confidence == pytest.approx(0.5 * clean.confidence, rel=1e-6)


def test_estimator_keeps_the_person_over_a_short_loss(estimator, features_at):
    settle(estimator, features_at, 400)
    assert settle(estimator, features_at, 30, 400.0, eda=None, ppg=None).reason == "no_sensors"
    back = estimator.update(features_at(430.0, tonic=6.0, hr=95.0))
    assert back.reason == ""
    assert back.level > 0.5


def test_estimator_takes_a_long_loss_for_a_new_person(estimator, features_at):
    settle(estimator, features_at, 400)
    settle(estimator, features_at, 200, 400.0, eda=None, ppg=None)
    assert estimator.update(features_at(600.0)).reason == "too_little_contact"
    assert settle(estimator, features_at, 60, 601.0, tonic=9.0).level is not None


def test_estimator_repeats_itself_exactly(model, features_at):
    said = [settle(StressEstimator(model, Estimator()), features_at, 200, hr=72.0) for _ in range(2)]
    assert said[0] == said[1]


def test_source_quality_lists_what_is_there(features_at):
    assert source_quality(features_at(0.0, eda=0.7, ppg=None)) == {"eda": 0.7}


@pytest.mark.parametrize(("before", "level", "after"), [
    (StressBand.LOW, 0.38, StressBand.LOW), (StressBand.MEDIUM, 0.38, StressBand.MEDIUM),
    (StressBand.MEDIUM, 0.34, StressBand.LOW), (StressBand.LOW, 0.41, StressBand.MEDIUM),
    (StressBand.MEDIUM, 0.68, StressBand.MEDIUM), (StressBand.HIGH, 0.68, StressBand.HIGH),
    (StressBand.HIGH, 0.64, StressBand.MEDIUM), (StressBand.LOW, 0.9, StressBand.HIGH),
    (StressBand.HIGH, 0.1, StressBand.LOW),
])
def test_bands_hold_on_to_where_they_are(before, level, after):
    assert next_band(before, level, BANDS) is after
