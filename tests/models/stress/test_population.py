"""What is known of people before contact, and deviations of many at once."""

from __future__ import annotations

import numpy as np
import pytest

from device.stress.baseline import Baseline, Population
from device.stress.inputs import CLIP, INPUTS, model_vector
from models.stress.training.population import (
    FIRST_MINUTE_S,
    SHORTEST_CONTACT_S,
    contact_from,
    deviations,
    population_of,
    random_contacts,
)


def steady(subject, values):
    """The subject with the same inputs in every second, all usable."""
    return subject._replace(inputs=np.tile(values, (subject.label.size, 1)),
                            quality=np.ones_like(subject.quality))


def test_population_is_over_peoples_medians_and_the_usual_spread_within_one(people):
    middles = [np.nanmedian(one.usable_inputs(), axis=0) for one in people]
    spreads = [np.nanstd(one.usable_inputs(), axis=0) for one in people]
    found = population_of(people)
    assert found.mean == pytest.approx(np.mean(middles, axis=0))
    assert found.between == pytest.approx(np.std(middles, axis=0, ddof=1))
    assert found.within == pytest.approx(np.median(spreads, axis=0))


def test_population_of_steady_people_is_who_they_are(people):
    three = [steady(people[0], np.full(len(INPUTS), level)) for level in (1.0, 2.0, 3.0)]
    found = population_of(three)
    assert found.mean == pytest.approx(np.full(len(INPUTS), 2.0))
    assert found.between == pytest.approx(np.ones(len(INPUTS)))
    assert found.within == pytest.approx(np.zeros(len(INPUTS)))


def test_population_leaves_out_who_lacks_a_signal(people):
    blind = people[0]._replace(quality=people[0].quality * [1.0, 0.0, 1.0])
    pulse = np.array([one.source == "ppg" for one in INPUTS])
    found, others = population_of([blind, *people[1:]]), population_of(people[1:])
    assert np.asarray(found.mean)[pulse] == pytest.approx(np.asarray(others.mean)[pulse])
    assert np.isfinite(np.asarray(found)).all()


def test_population_leaves_unusable_seconds_out(people):
    wild = people[0]._replace(inputs=np.where(people[0].quality[:, 1:2] < 0.25, 99.0, people[0].inputs))
    pulse = np.array([one.source == "ppg" for one in INPUTS])
    found, expected = population_of([wild, *people[1:]]), population_of(people)
    assert (people[0].quality[:, 1] < 0.25).any()
    assert np.asarray(found.mean)[pulse] == pytest.approx(np.asarray(expected.mean)[pulse])


def test_deviations_of_all_at_once_equal_the_devices_second_by_second(people):
    contacts = [people[0], contact_from(people[1], 400), people[2]]
    population = population_of(people)
    for contact, found in zip(contacts, deviations(contacts, population), strict=True):
        baseline = Baseline(population)
        for second, values in enumerate(contact.usable_inputs()):
            expected = model_vector(baseline.update(float(second), values))
            assert found[second] == pytest.approx(expected, abs=1e-6)
        assert len(found) == contact.label.size


def test_deviations_are_clipped_and_zero_where_absent(people):
    plain = population_of(people)
    narrow = Population(plain.mean, np.full(len(INPUTS), 1e-3), np.full(len(INPUTS), 1e-3))
    found = deviations([people[0]], narrow)[0]
    assert np.abs(found).max() == CLIP
    assert (found[~np.isfinite(people[0].usable_inputs())] == 0.0).all()


def test_deviations_use_the_past_only(people):
    population = population_of(people)
    changed = people[0]._replace(inputs=people[0].inputs.copy())
    changed.inputs[700:] += 5.0
    before, after = deviations([people[0]], population)[0], deviations([changed], population)[0]
    assert np.array_equal(before[:700], after[:700])
    assert not np.array_equal(before[700:], after[700:])


def test_late_contact_knows_nothing_of_what_came_before(people):
    subject = people[0]
    late = contact_from(subject, 510)
    assert late.label.size == subject.label.size - 510 == len(late.features)
    assert (late.label[:FIRST_MINUTE_S] == -1).all()
    assert np.array_equal(late.label[FIRST_MINUTE_S:], subject.label[510 + FIRST_MINUTE_S:])
    changed = subject._replace(inputs=subject.inputs.copy())
    changed.inputs[:510] = 99.0
    population = population_of(people)
    one, other = (deviations([contact_from(each, 510)], population)[0] for each in (subject, changed))
    assert np.array_equal(one, other)


def test_late_contact_leaves_the_original_labels_alone(people):
    before = people[0].label.copy()
    contact_from(people[0], 550)
    assert np.array_equal(people[0].label, before)


def test_random_contacts_leave_ten_minutes_and_repeat_by_seed(people):
    found = random_contacts(people[0], 50, np.random.default_rng(3))
    sizes = [one.label.size for one in found]
    assert min(sizes) > SHORTEST_CONTACT_S - 1
    assert len(set(sizes)) > 30
    assert sizes == [one.label.size for one in random_contacts(people[0], 50, np.random.default_rng(3))]
