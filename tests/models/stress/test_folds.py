"""Leaving one subject out."""

from __future__ import annotations

import numpy as np
import pytest

from device.config import Estimator
from device.stress.estimator import CONTACT_S, StressEstimator
from device.stress.inputs import INPUTS, SOURCES
from drivers.sim.recording import Interval
from models.stress.training.candidates import CANDIDATES
from models.stress.training.experts import FoldModel, train
from models.stress.training.folds import (
    ALONE,
    LATE,
    LATE_CONTACTS_S,
    RANDOM_CONTACTS,
    SHIPPED,
    STRESSED,
    STRICT,
    WITH_TEMPERATURE,
    courses_of,
    fold_of,
    follow,
    only,
    plain_card,
    training_set,
    within_stress,
)
from models.stress.training.population import deviations, population_of

# scikit-learn 1.6 still asks SciPy 1.17 for options on their way out.
pytestmark = pytest.mark.filterwarnings("ignore:scipy.optimize.*disp:DeprecationWarning")
QUICK = CANDIDATES[:1]


@pytest.fixture(scope="module")
def known(people):
    return training_set(people, 1)


@pytest.fixture(scope="module")
def model(people, known):
    experts = train(known.rows, known.present, 0.1, 1)
    return FoldModel(experts, plain_card(experts, known.population))


@pytest.fixture(scope="module")
def fold(people):
    return fold_of("P2", people, 1, QUICK)


def test_training_rows_are_whole_recordings_and_late_contacts(people, known):
    assert known.rows.values.shape == (known.rows.label.size, len(INPUTS))
    assert known.present.shape == (known.rows.label.size, len(SOURCES))
    assert set(known.rows.label.tolist()) == {0, 1}
    for place, one in enumerate(people):
        own = known.rows.of([place])
        at = one.scored()
        assert own.label.size > at.size
        assert np.array_equal(own.label[:at.size], one.label[at])
        assert own.values[:at.size] == pytest.approx(deviations([one], known.population)[0][at])
    assert RANDOM_CONTACTS > 0


def test_training_set_repeats_by_seed(people, known):
    again, other = training_set(people, 1), training_set(people, 2)
    assert np.array_equal(again.rows.values, known.rows.values)
    assert not np.array_equal(other.rows.label, known.rows.label)


def test_population_of_training_is_the_training_peoples(people, known):
    assert np.asarray(known.population) == pytest.approx(np.asarray(population_of(people)))


def test_fold_learns_nothing_of_who_is_left_out(people, fold):
    """Whatever the held-out person's labels and name, the same is said of the same signals."""
    flipped = list(people)
    flipped[2] = people[2]._replace(label=np.where(people[2].label >= 0, 1 - people[2].label, -1))
    other = fold_of("P2", flipped, 1, QUICK)
    assert np.array_equal(other.logits[QUICK[0].name], fold.logits[QUICK[0].name])
    assert other.settings == fold.settings
    assert np.array_equal(other.courses[SHIPPED][0].level, fold.courses[SHIPPED][0].level, equal_nan=True)


def test_fold_learns_nothing_of_the_held_out_signals(people, fold):
    """Changed signals after a moment do not change what was said before it."""
    changed = list(people)
    own = people[2]
    values = own.inputs.copy()
    values[800:] += 3.0
    changed[2] = own._replace(inputs=values)
    other = fold_of("P2", changed, 1, QUICK)
    name = QUICK[0].name
    assert np.array_equal(other.logits[name][:800], fold.logits[name][:800])
    assert not np.array_equal(other.logits[name][800:], fold.logits[name][800:])


def test_fold_recognises_invented_stress(people, fold):
    at = people[2].scored()
    label = people[2].label[at]
    for said in (fold.logits[QUICK[0].name][at], fold.courses[SHIPPED][0].level[at]):
        known = np.isfinite(said)
        assert said[known & (label == 1)].mean() > said[known & (label == 0)].mean() + 0.2
    assert fold.settings[QUICK[0].name] in QUICK[0].settings


def test_fold_asks_in_every_way(fold):
    assert set(fold.courses) == {SHIPPED, STRICT, WITH_TEMPERATURE, *ALONE, LATE, STRESSED}
    assert [len(one.level) for one in fold.courses[LATE]] == [
        max(0, fold.subject.label.size - at) for at in LATE_CONTACTS_S]
    assert len(fold.courses[STRESSED]) == 4


def test_course_is_what_the_device_says(people, model):
    course = follow(people[0], model)
    estimator = StressEstimator(model, Estimator())
    for second, features in enumerate(people[0].features):
        said = estimator.update(features)
        assert (said.level is None) == np.isnan(course.level[second])
        if said.level is not None:
            assert (said.level, said.variance) == (course.level[second], course.variance[second])
    assert np.isnan(course.level[:int(CONTACT_S)]).all()
    assert np.isfinite(course.level[300:]).mean() > 0.9


def test_strict_course_is_not_smoothed(people, known, model):
    found = courses_of(people[0], model.experts, known.population)
    rough, smooth = (np.nanstd(np.diff(found[name][0].level)) for name in (STRICT, SHIPPED))
    assert rough > 3.0 * smooth


@pytest.mark.parametrize(("name", "sources"), list(ALONE.items()))
def test_sensors_alone_are_alone(people, name, sources):
    found = only(people[0], sources)
    for one in found.features:
        there = {source for source in SOURCES if getattr(one, source) is not None}
        assert there <= set(sources), name
    assert any(getattr(one, sources[0]) is not None for one in found.features)


def test_within_stress_are_moments_inside_stress_tasks(people):
    assert within_stress(people[0]) == [round(480 + 0.3 * 220.5), round(480 + 0.6 * 220.5), 960, 1020]
    assert within_stress(people[0]._replace(intervals=(Interval("rest", 0.0, 100.0, "rest"),))) == []


def test_plain_card_can_be_obeyed_and_does_not_calibrate(model, known):
    card = model.card
    assert card.sensible()
    assert (card.temperature, card.bias) == (1.0, 0.0)
    assert [one.name for one in card.inputs] == [one.name for one in INPUTS]
    assert np.asarray(card.population()) == pytest.approx(np.asarray(known.population), abs=1e-5)
    assert [one.sensitivity for one in card.inputs] == pytest.approx(model.experts.sensitivity(), abs=1e-5)
