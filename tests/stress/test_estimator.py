"""The estimate: when it speaks, when it abstains, how it moves."""

from __future__ import annotations

import math
from itertools import pairwise

import msgspec
import pytest

from device.config import Estimator
from device.messages import Stress, StressBand
from device.stress.body import BodyExperts
from device.stress.card import Bands, Weights
from device.stress.estimator import (
    CONTACT_S,
    LONGEST_STEP_S,
    WIDEST_SD,
    StressEstimator,
    _Trace,
    next_band,
    source_quality,
)
from device.stress.fusion import FULL_QUALITY, USABLE_QUALITY, level_of, trust
from device.stress.opinion import Opinion

BANDS = Bands(medium_enter=0.4, medium_leave=0.35, high_enter=0.7, high_leave=0.65)
ROUSED = {"tonic": 6.0, "hr": 95.0, "scr": 9.0}
NOBODY = {"eda": None, "ppg": None}


def course(estimator, make, seconds, start_s=0.0, **what):
    """Feed so many seconds and return everything that was said."""
    return [estimator.update(make(start_s + second, **what)) for second in range(seconds)]


def settle(estimator, make, seconds, start_s=0.0, **what):
    """Feed so many seconds and return the last word."""
    return course(estimator, make, seconds, start_s, **what)[-1]


def sigmoid(logit):
    return 1.0 / (1.0 + math.exp(-logit))


def test_estimator_without_model_is_always_unknown(features_at):
    said = settle(StressEstimator(None, Estimator()), features_at, 100)
    assert said == Stress(at_s=99.0, level=None, confidence=0.0, band=StressBand.UNKNOWN, sources=(),
                          reason="no_model", variance=None)


def test_estimator_without_model_still_tells_a_reaction(features_at):
    estimator = StressEstimator(None, Estimator())
    jump = features_at(60.0)
    jump = msgspec.structs.replace(jump, eda=msgspec.structs.replace(jump.eda, fast_change=1.0))
    settle(estimator, features_at, 60)
    assert estimator.update(jump).reaction == 1.0


def test_estimator_is_unknown_without_sensors(estimator, features_at):
    said = settle(estimator, features_at, 100, **NOBODY)
    assert (said.level, said.variance, said.reason, said.sources) == (None, None, "no_sensors", ())


def test_estimator_waits_for_a_minute_of_contact(estimator, features_at):
    said = course(estimator, features_at, 60)
    assert {one.reason for one in said[:int(CONTACT_S) - 1]} == {"too_little_contact"}
    assert {one.reason for one in said[int(CONTACT_S):]} == {""}
    assert said[int(CONTACT_S)].level is not None


@pytest.mark.parametrize(("minimum", "known"), [(0.3, True), (0.4, False), (0.9, False)])
def test_estimator_is_unknown_below_the_configured_quality(lines, features_at, minimum, known):
    estimator = StressEstimator(lines(), Estimator(minimum_quality=minimum))
    said = settle(estimator, features_at, 100, eda=0.35, ppg=0.35)
    assert (said.level is not None) == known
    assert said.reason == ("" if known else "low_quality")


def test_estimator_is_unknown_while_nothing_is_usable_whatever_the_setting(lines, features_at):
    estimator = StressEstimator(lines(), Estimator(minimum_quality=0.0))
    assert settle(estimator, features_at, 100, eda=0.2, ppg=0.2).reason == "low_quality"


def test_estimator_is_unknown_while_members_contradict_each_other(lines, features_at):
    agree, contradict = (StressEstimator(lines(spread=spread), Estimator()) for spread in (0.1, 6.0))
    assert settle(agree, features_at, 900).reason == ""
    said = settle(contradict, features_at, 900)
    assert (said.level, said.band, said.reason) == (None, StressBand.UNKNOWN, "uncertain")
    assert said.confidence == 0.0


@pytest.mark.parametrize(("what", "sources"), [
    ({}, ("eda", "ppg")), ({"temperature": 1.0}, ("eda", "ppg", "temperature")), ({"eda": None}, ("ppg",)),
    ({"ppg": None}, ("eda",)), ({"ppg": 0.1}, ("eda",)), ({**NOBODY, "temperature": 1.0}, ("temperature",)),
    ({"eda": None, "temperature": 1.0}, ("ppg", "temperature")),
    ({"ppg": None, "temperature": 1.0}, ("eda", "temperature")),
])
def test_estimator_works_with_whatever_is_there(estimator, features_at, what, sources):
    said = settle(estimator, features_at, 100, **what)
    assert said.sources == sources
    assert 0.0 <= said.level <= 1.0
    assert 0.0 < said.variance < WIDEST_SD**2
    assert said.band is not StressBand.UNKNOWN


def test_estimator_is_as_confident_as_what_was_heard_is_clean_familiar_and_heavy(lines, features_at):
    model = lines(weights=Weights(eda=1.0, ppg=0.8, temperature=0.0, eeg=0.5))
    known = BodyExperts(model)
    estimator = StressEstimator(model, Estimator())
    for second in range(200):
        features = features_at(float(second), ppg=0.4, temperature=1.0)
        said = estimator.update(features)
        known.opinions(features, {"eda": 1.0, "ppg": 0.4, "temperature": 1.0})
    heard = known.certainty("eda") + trust(0.4) * 0.8 * known.certainty("ppg")
    assert said.confidence == pytest.approx(heard / 1.8)


def test_estimator_is_less_confident_with_one_sensor_and_not_at_all_with_temperature(lines, features_at):
    both, skin, warmth = (
        settle(StressEstimator(lines(), Estimator()), features_at, 900, **what).confidence
        for what in ({}, {"ppg": None}, {**NOBODY, "temperature": 1.0}))
    assert both > 0.6
    assert skin == pytest.approx(both / 2.0, rel=0.2)
    assert warmth == 0.0


def test_estimator_gives_a_variance_whenever_it_gives_a_level(estimator, features_at):
    said = [*course(estimator, features_at, 80), *course(estimator, features_at, 20, 80.0, **NOBODY),
            *course(estimator, features_at, 80, 100.0, **ROUSED)]
    assert {one.level is None for one in said} == {True, False}
    for one in said:
        assert (one.level is None) == (one.variance is None) == (one.band is StressBand.UNKNOWN)
        assert (one.level is None) == bool(one.reason)


def test_estimator_of_someone_usual_is_undecided(estimator, features_at):
    assert settle(estimator, features_at, 300, temperature=1.0).level == pytest.approx(0.5, abs=0.01)


def test_estimator_calibrates_the_fused_logit(lines, features_at):
    estimator = StressEstimator(lines(spread=0.0, temperature=2.0, bias=-1.0), Estimator())
    assert settle(estimator, features_at, 900).level == pytest.approx(sigmoid(-1.0), abs=0.01)


def test_estimator_follows_arousal_up_and_down(estimator, features_at):
    calm = settle(estimator, features_at, 400).level
    roused = settle(estimator, features_at, 90, 400.0, tonic=5.0, hr=90.0, scr=8.0)
    relaxed = settle(estimator, features_at, 90, 490.0, tonic=2.8, hr=66.0, scr=2.0).level
    assert roused.level > calm + 0.15
    assert roused.level > relaxed + 0.25
    assert roused.band is StressBand.HIGH


def test_estimator_recognises_who_arrives_roused(estimator, features_at):
    """Before the person is known, the population is what counts."""
    said = course(estimator, features_at, 120, tonic=9.0, hr=110.0, scr=12.0)
    first = said[int(CONTACT_S)]
    assert first.band is StressBand.HIGH
    assert first.level > 0.8
    assert first.variance > settle(estimator, features_at, 600, 120.0).variance


def test_estimator_moves_smoothly(estimator, features_at):
    settle(estimator, features_at, 400)
    levels = [one.level for one in course(estimator, features_at, 60, 400.0, tonic=6.0, hr=100.0)]
    assert max(abs(after - before) for before, after in pairwise(levels)) < 0.1
    assert levels[-1] > levels[0]


def test_trace_smooths_exponentially_by_the_cards_time_constant(card_of):
    trace = _Trace(card_of(smoothing_s=15.0))
    certain = Opinion(0.0, 0.0, 1.0)
    assert trace.follow(0.0, {"eda": certain}) == pytest.approx((0.5, 0.0), abs=1e-9)
    level = 0.5
    for second in range(1, 16):
        level, _ = trace.follow(float(second), {"eda": certain._replace(logit=2.0)})
    assert level == pytest.approx(sigmoid(2.0 * (1.0 - math.exp(-1.0))), abs=1e-9)


def test_trace_takes_the_variance_as_it_is_now_and_scales_it(card_of):
    trace = _Trace(card_of(temperature=2.0, bias=0.3))
    found = trace.follow(0.0, {"ppg": Opinion(1.0, 0.8, 1.0)})
    assert found == pytest.approx(level_of(0.5 + 0.3, 0.8 / 4.0))


@pytest.mark.parametrize(("pause_s", "bridged"), [(LONGEST_STEP_S, True), (LONGEST_STEP_S + 0.1, False)])
def test_trace_does_not_bridge_a_long_pause(card_of, pause_s, bridged):
    trace = _Trace(card_of(smoothing_s=15.0))
    trace.follow(0.0, {"eda": Opinion(-2.0, 0.0, 1.0)})
    level, _ = trace.follow(pause_s, {"eda": Opinion(2.0, 0.0, 1.0)})
    assert (level < 0.9 * sigmoid(2.0)) == bridged


def test_estimator_starts_from_what_is_measured_after_a_silence(estimator, features_at):
    settle(estimator, features_at, 400)
    settle(estimator, features_at, 20, 400.0, **NOBODY)
    first = estimator.update(features_at(420.0, **ROUSED))
    assert first.level > 0.75
    assert first.band is StressBand.HIGH


def test_estimator_knows_no_clock(lines, features_at):
    """The same signals give the same levels at whatever time; binary fractions keep the steps exact."""
    said = []
    for start_s in (0.0, 65536.0):
        estimator = StressEstimator(lines(), Estimator())
        said.append([*course(estimator, features_at, 120, start_s, temperature=1.0),
                     *course(estimator, features_at, 60, start_s + 120.0, **ROUSED)])
    for early, late in zip(*said, strict=True):
        assert msgspec.structs.replace(late, at_s=early.at_s) == early


def test_estimator_grows_surer_with_a_longer_baseline(lines, features_at):
    young, old = (settle(StressEstimator(lines(), Estimator()), features_at, span) for span in (60, 1200))
    assert old.confidence > young.confidence + 0.1
    assert old.variance < young.variance


def test_estimator_says_and_trusts_half_as_much_with_signals_of_half_the_trust(lines, features_at):
    good, poor = (StressEstimator(lines(), Estimator(minimum_quality=0.3)) for _ in range(2))
    for estimator in (good, poor):
        settle(estimator, features_at, 600)
    quality = (USABLE_QUALITY + FULL_QUALITY) / 2.0
    clean = settle(good, features_at, 60, 600.0, **ROUSED)
    dirty = settle(poor, features_at, 60, 600.0, eda=quality, ppg=quality, **ROUSED)
    assert dirty.confidence == pytest.approx(0.5 * clean.confidence, rel=0.01)
    assert 0.5 < dirty.level < clean.level


def test_estimator_keeps_what_it_knows_while_one_source_is_lost(lines, features_at):
    lossy, whole = (StressEstimator(lines(), Estimator()) for _ in range(2))
    for estimator in (lossy, whole):
        settle(estimator, features_at, 400)
    alone = settle(lossy, features_at, 60, 400.0, eda=None)
    assert (alone.sources, alone.reason) == (("ppg",), "")
    settle(whole, features_at, 60, 400.0)
    back, never_gone = (settle(one, features_at, 60, 460.0, **ROUSED) for one in (lossy, whole))
    assert back.sources == ("eda", "ppg")
    assert back.level == pytest.approx(never_gone.level, abs=0.02)


def test_estimator_hears_only_whom_the_weights_name(lines, features_at):
    weights = Weights(eda=0.0, ppg=1.0, temperature=0.0, eeg=0.5)
    estimator = StressEstimator(lines(weights=weights), Estimator())
    settle(estimator, features_at, 400)
    wet = {"tonic": 9.0, "scr": 12.0}
    assert settle(estimator, features_at, 90, 400.0, **wet).level == pytest.approx(0.5, abs=0.01)
    assert settle(estimator, features_at, 90, 490.0, ppg=None, **wet).level > 0.7


def test_estimator_keeps_the_person_over_a_short_loss(estimator, features_at):
    settle(estimator, features_at, 400)
    assert settle(estimator, features_at, 30, 400.0, **NOBODY).reason == "no_sensors"
    back = estimator.update(features_at(430.0, tonic=6.0, hr=95.0))
    assert back.reason == ""
    assert back.level > 0.5


def test_estimator_takes_a_long_loss_for_a_new_person(estimator, features_at):
    settle(estimator, features_at, 400)
    settle(estimator, features_at, 200, 400.0, **NOBODY)
    assert estimator.update(features_at(600.0)).reason == "too_little_contact"
    assert settle(estimator, features_at, 60, 601.0, tonic=9.0).level is not None


def test_estimator_repeats_itself_exactly(model, features_at):
    said = [course(StressEstimator(model, Estimator()), features_at, 200, hr=72.0) for _ in range(2)]
    assert said[0] == said[1]


def test_estimator_with_the_shipped_model_follows_arousal(model, features_at):
    estimator = StressEstimator(model, Estimator())
    calm = settle(estimator, features_at, 600)
    roused = settle(estimator, features_at, 120, 600.0, **ROUSED)
    assert roused.level > calm.level + 0.2


def test_source_quality_lists_what_is_there(features_at):
    assert source_quality(features_at(0.0, eda=0.7, ppg=None)) == {"eda": 0.7}
    assert source_quality(features_at(0.0, eda=0.7, ppg=0.6, temperature=0.5)) == {
        "eda": 0.7, "ppg": 0.6, "temperature": 0.5}


@pytest.mark.parametrize(("before", "level", "after"), [
    (StressBand.LOW, 0.38, StressBand.LOW), (StressBand.MEDIUM, 0.38, StressBand.MEDIUM),
    (StressBand.MEDIUM, 0.34, StressBand.LOW), (StressBand.LOW, 0.41, StressBand.MEDIUM),
    (StressBand.MEDIUM, 0.68, StressBand.MEDIUM), (StressBand.HIGH, 0.68, StressBand.HIGH),
    (StressBand.HIGH, 0.64, StressBand.MEDIUM), (StressBand.LOW, 0.9, StressBand.HIGH),
    (StressBand.HIGH, 0.1, StressBand.LOW),
])
def test_bands_hold_on_to_where_they_are(before, level, after):
    assert next_band(before, level, BANDS) is after
