"""Fast changes of skin conductance, scaled to the person."""

from __future__ import annotations

import math

import numpy as np
import pytest

from device.features.eda import EdaTracker
from device.stress.reaction import DEAD_ZONE, FULL_SPAN, ReactionScale, reaction
from device.vitals import EdaFeatures
from drivers.sim.e4 import read_intervals, read_signal


def eda(change, quality=1.0, tonic_us=4.0):
    return EdaFeatures(tonic_us=tonic_us, tonic_slope_us_per_min=0.0, scr_per_min=0.0, scr_amplitude_us=0.0,
                       quality=quality, fast_change=change)


@pytest.mark.parametrize(("change", "expected"), [
    (0.0, 0.0), (DEAD_ZONE, 0.0), (-DEAD_ZONE, 0.0), (DEAD_ZONE + FULL_SPAN / 2, 0.5),
    (-DEAD_ZONE - FULL_SPAN / 2, -0.5), (3.0, 1.0), (-3.0, -1.0),
])
def test_reaction_has_a_dead_zone_a_sign_and_a_bound(change, expected):
    assert reaction(change, DEAD_ZONE) == pytest.approx(expected)
    assert ReactionScale().update(10.0, eda(change)) == pytest.approx(expected)


@pytest.mark.parametrize("feature", [
    None, eda(None), eda(math.nan), eda(math.inf), eda(1.0, quality=0.49), eda(-1.0, quality=0.0),
])
def test_reaction_is_none_without_good_contact(feature):
    assert ReactionScale().update(10.0, feature) == 0.0


@pytest.mark.parametrize("tonic_us", [0.06, 0.3, 1.0, 4.0, 20.0])
def test_reaction_to_an_ordinary_response_is_nothing_at_any_level(tonic_us):
    ordinary = math.log1p(0.1 / tonic_us)
    assert ReactionScale().update(10.0, eda(ordinary, tonic_us=tonic_us)) == 0.0
    assert ReactionScale().update(10.0, eda(math.log1p(2.0), tonic_us=4.0)) > 0.5


def test_reaction_of_a_lively_person_takes_more():
    lively, still = ReactionScale(), ReactionScale()
    for second in range(600):
        lively.update(float(second), eda(0.12 * math.sin(second / 3.0)))
        still.update(float(second), eda(0.01 * math.sin(second / 3.0)))
    assert still.dead_zone(4.0) == DEAD_ZONE
    assert lively.dead_zone(4.0) > 0.25
    assert lively.update(601.0, eda(0.3)) == 0.0
    assert still.update(601.0, eda(0.3)) == pytest.approx(0.2)


def test_reaction_does_not_learn_a_startle_as_usual():
    scale = ReactionScale()
    for second in range(300):
        scale.update(float(second), eda(0.02))
    before = scale.dead_zone(4.0)
    for second in range(300, 315):
        assert scale.update(float(second), eda(1.5)) == 1.0
    assert scale.dead_zone(4.0) - before < 0.06


def test_reaction_scale_starts_anew_with_another_person():
    scale = ReactionScale()
    for second in range(600):
        scale.update(float(second), eda(0.3))
    assert scale.dead_zone(4.0) > 0.5
    for second in range(600, 700):
        scale.update(float(second), None)
    assert scale.update(701.0, eda(0.4)) == 0.0
    scale.update(900.0, eda(0.0))
    assert scale.dead_zone(4.0) == DEAD_ZONE


def test_reaction_is_rare_in_rest_and_commoner_in_an_interview(shared_data):
    """Count spells (15 s apart) of people at rest and under a Trier interview, first 5 minutes left out."""
    seconds, spells = {"rest": 0, "interview": 0}, {"rest": 0, "interview": 0}
    for subject in ("S05", "S09", "S10", "S18", "S21", "S24", "S32"):
        folder = shared_data / "stress-predict" / subject
        values, tasks = read_signal(folder, "EDA").values, read_intervals(folder)
        tracker, scale, last_s = EdaTracker(4.0), ReactionScale(), -math.inf
        for second in range(len(values) // 4):
            tracker.push(float(second), tuple(values[4 * second:4 * second + 4].tolist()))
            found = scale.update(second + 1.0, tracker.features(second + 1.0))
            task = next((one.task for one in tasks if one.start_s <= second < one.end_s), "")
            if task not in seconds or second < 300:
                continue
            seconds[task] += 1
            if found != 0.0:
                spells[task] += second - last_s > 15.0
                last_s = second
    per_hour = {task: 3600.0 * spells[task] / seconds[task] for task in seconds}
    assert per_hour["rest"] < 8.0
    assert per_hour["interview"] > 1.3 * per_hour["rest"]
    assert np.isfinite(list(per_hour.values())).all()
