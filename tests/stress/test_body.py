"""What the body's experts say, and how sure they are."""

from __future__ import annotations

import math

import numpy as np
import pytest

from device.stress.baseline import Baseline
from device.stress.body import BodyExperts
from device.stress.inputs import INPUTS, SOURCES, model_vector, read_inputs

ALL = {"eda": 1.0, "ppg": 0.9, "temperature": 0.8}


def of(source):
    return np.array([one.source == source for one in INPUTS])


def settle(experts, make, seconds, start_s=0.0, quality=ALL, **what):
    said = {}
    for second in range(seconds):
        said = experts.opinions(make(start_s + second, temperature=1.0, **what), quality)
    return said


def test_an_opinion_is_the_members_mean_on_personal_deviations(lines, features_at):
    model = lines(spread=0.4)
    experts, baseline = BodyExperts(model), Baseline(model.card.population())
    for second in range(90):
        features = features_at(float(second), temperature=1.0, hr=70.0 + second % 7,
                               tonic=3.0 + 0.1 * (second % 5))
        said = experts.opinions(features, ALL)
        deviations = baseline.update(features.at_s, read_inputs(features))
        members = model.logits(model_vector(deviations))
        for place, source in enumerate(SOURCES):
            assert said[source].logit == pytest.approx(members[:, place].mean(), abs=1e-12)
            assert said[source].quality == ALL[source]


def test_an_opinions_variance_is_disagreement_and_short_acquaintance(lines, features_at):
    model = lines(spread=0.4)
    experts, baseline = BodyExperts(model), Baseline(model.card.population())
    sensitivity = np.array([one.sensitivity for one in model.card.inputs])
    for second in range(90):
        features = features_at(float(second), temperature=1.0)
        said = experts.opinions(features, ALL)
        baseline.update(features.at_s, read_inputs(features))
        unknown = sensitivity**2 * (1.0 - baseline.certainty())
        for source in SOURCES:
            expected = 0.4**2 * 2.0 / 3.0 + unknown[of(source)].sum()
            assert said[source].variance == pytest.approx(expected, rel=1e-9)


def test_variance_shrinks_as_the_person_becomes_known(lines, features_at):
    experts = BodyExperts(lines(spread=0.0))
    first = settle(experts, features_at, 1)
    later = settle(experts, features_at, 1200, 1.0)
    assert all(later[source].variance < first[source].variance for source in SOURCES)


def test_an_unknown_input_of_a_known_source_adds_no_doubt(lines, features_at):
    import msgspec

    features = features_at(0.0)
    blind = msgspec.structs.replace(features, ppg=msgspec.structs.replace(features.ppg, rmssd_ms=None))
    seen, unseen = (BodyExperts(lines(spread=0.0)).opinions(one, {"ppg": 1.0})["ppg"]
                    for one in (features, blind))
    assert seen.variance - unseen.variance == pytest.approx(0.3**2 * (1.0 - _certainty(lines, "rmssd")),
                                                           rel=0.05)
    assert math.isfinite(unseen.logit)


def _certainty(lines, name):
    """Certainty of one input before contact."""
    place = [one.name for one in INPUTS].index(name)
    return Baseline(lines().card.population()).certainty()[place]


def test_there_is_an_opinion_for_each_usable_source_only(lines, features_at):
    experts = BodyExperts(lines())
    assert set(experts.opinions(features_at(0.0), {"eda": 1.0, "ppg": 1.0})) == {"eda", "ppg"}
    assert set(experts.opinions(features_at(1.0), {"ppg": 0.5})) == {"ppg"}
    assert experts.opinions(features_at(2.0), {}) == {}


def test_an_unusable_source_teaches_nothing_and_changes_nobody_else(lines, features_at):
    wild, still = BodyExperts(lines()), BodyExperts(lines())
    settle(wild, features_at, 200, quality={"ppg": 1.0}, tonic=50.0, scr=30.0)
    settle(still, features_at, 200, quality={"ppg": 1.0})
    assert settle(wild, features_at, 1, 200.0) == settle(still, features_at, 1, 200.0)


def test_one_sources_signal_does_not_move_anothers_opinion(lines, features_at):
    experts, roused = BodyExperts(lines()), BodyExperts(lines())
    calm = settle(experts, features_at, 200)
    moved = settle(roused, features_at, 200, tonic=8.0, scr=12.0)
    assert moved["ppg"] == calm["ppg"]
    assert moved["temperature"] == calm["temperature"]
    assert moved["eda"] != calm["eda"]


@pytest.mark.parametrize(("hr", "heard"), [(95.0, True), (45.0, True), (240.0, False), (25.0, False)])
def test_a_pulse_that_can_hardly_be_this_hearts_has_no_say(lines, features_at, hr, heard):
    experts = BodyExperts(lines())
    for second in range(1200):
        experts.opinions(features_at(float(second), hr=70.0 + 10.0 * math.sin(second / 9.0)), ALL)
    said = experts.opinions(features_at(1200.0, hr=hr), {"eda": 1.0, "ppg": 1.0})
    assert set(said) == ({"eda", "ppg"} if heard else {"eda"})


def test_certainty_is_the_mean_over_the_sources_inputs(lines, features_at):
    experts, baseline = BodyExperts(lines()), Baseline(lines().card.population())
    for second in range(60):
        features = features_at(float(second), temperature=1.0)
        experts.opinions(features, ALL)
        baseline.update(features.at_s, read_inputs(features))
    for source in SOURCES:
        assert experts.certainty(source) == pytest.approx(baseline.certainty()[of(source)].mean())


def test_nobody_is_known_before_contact(lines):
    assert [BodyExperts(lines()).certainty(source) for source in SOURCES] == [0.0] * len(SOURCES)


def test_certainty_of_a_lost_source_waits_for_its_return(lines, features_at):
    experts = BodyExperts(lines())
    settle(experts, features_at, 300)
    skin, pulse = experts.certainty("eda"), experts.certainty("ppg")
    settle(experts, features_at, 300, 300.0, quality={"ppg": 1.0})
    assert experts.certainty("eda") == skin
    assert experts.certainty("ppg") != pulse
