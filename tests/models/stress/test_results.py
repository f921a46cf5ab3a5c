"""From what was said to figures, on cases whose answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from device.evaluation.metrics import METRICS
from drivers.sim.recording import Interval
from models.stress.training.calibration import calibrate, log_odds, sigmoid
from models.stress.training.candidates import CANDIDATES
from models.stress.training.folds import (
    ALONE,
    LATE,
    SHIPPED,
    STRESSED,
    STRICT,
    WITH_TEMPERATURE,
    Course,
    Fold,
)
from models.stress.training.results import (
    Said,
    all_results,
    by_subject,
    calibration_curve,
    calibration_of,
    errors_by_doubt,
    of_candidate,
    of_courses,
    score,
)

NAME = CANDIDATES[0].name


def invented_fold(subject, seed, clear=1.5):
    """A fold in which every way of asking gives logits that are honest for a gap of `clear`."""
    random = np.random.default_rng(seed)
    stress = np.where(subject.label == 1, 1.0, -1.0)
    value = stress * clear / 2.0 + random.normal(0.0, 1.0, stress.size)
    logit = clear * value  # the log-odds of two normal classes of variance 1
    course = Course(subject, sigmoid(logit), random.uniform(0.1, 0.5, stress.size))
    names = (SHIPPED, STRICT, WITH_TEMPERATURE, LATE, STRESSED, *ALONE)
    return Fold(subject, {NAME: logit}, {name: [course] for name in names}, {NAME: 0.1})


@pytest.fixture(scope="module")
def folds(people):
    return [invented_fold(one, seed) for seed, one in enumerate(people)]


def test_calibration_over_people_is_that_of_all_their_windows():
    random = np.random.default_rng(5)
    label = random.integers(0, 2, 400)
    logit = label + random.normal(0.0, 1.0, 400)
    parts = [Said(logit[part], logit[part], label[part], 0.0) for part in (slice(150), slice(150, 400))]
    assert calibration_of(parts) == pytest.approx(calibrate(logit, label))


def test_candidates_are_read_at_scored_windows(folds):
    said, subject = of_candidate(NAME)(folds[0]), folds[0].subject
    assert np.array_equal(said.logit, folds[0].logits[NAME][subject.scored()])
    assert np.array_equal(said.label, subject.label[subject.scored()])
    assert said.unknown == 0.0


def test_courses_leave_unknown_windows_out_and_count_them(folds):
    at = folds[0].subject.scored()
    level = folds[0].courses[SHIPPED][0].level.copy()
    level[at[::4]] = np.nan
    course = folds[0].courses[SHIPPED][0]._replace(level=level)
    said = of_courses(SHIPPED)(folds[0]._replace(courses={SHIPPED: [course]}))
    assert said.label.size == at.size - len(at[::4])
    assert said.unknown == pytest.approx(len(at[::4]) / at.size)
    assert said.logit == pytest.approx(log_odds(level[at])[np.isfinite(level[at])])


def test_two_minutes_of_context_average_the_last_minute_of_windows_inside_the_interval(folds):
    subject = folds[0].subject
    said = of_courses(SHIPPED, 120.0)(folds[0])
    level = folds[0].courses[SHIPPED][0].level
    expected = []
    for second in subject.scored():
        inside = any(span.start_s <= second - 120.0 and second <= span.end_s for span in subject.intervals)
        if inside:
            expected.append(log_odds(level[second - 60:second + 1].mean()[None])[0])
    assert len(expected) < subject.scored().size
    assert said.logit == pytest.approx(np.array(expected))


def test_late_contacts_are_scored_from_the_first_minute_on(folds):
    late, shipped = of_courses(LATE)(folds[0]), of_courses(SHIPPED)(folds[0])
    assert late.label.size == folds[0].subject.labelled().size > shipped.label.size


def test_nobodys_calibration_saw_the_person_itself(folds):
    read = of_candidate(NAME)
    before = score(folds, read)
    turned = folds[2]._replace(logits={NAME: -5.0 * folds[2].logits[NAME]})
    after = score([*folds[:2], turned, *folds[3:]], read)
    own = calibration_of([read(fold) for fold in folds if fold is not folds[2]])
    assert before["P2"].level == pytest.approx(sigmoid(own.apply(read(folds[2]).logit)))
    assert after["P2"].level == pytest.approx(sigmoid(own.apply(read(turned).logit)))
    assert not np.allclose(before["P0"].level, after["P0"].level)


def test_people_without_both_classes_are_left_out(folds, people):
    calm = folds[1]._replace(subject=people[1]._replace(label=np.minimum(people[1].label, 0)))
    assert set(score([folds[0], calm, *folds[2:]], of_candidate(NAME))) == {"P0", "P2", "P3", "P4", "P5"}


def test_results_hold_every_way_of_asking_with_its_interval(folds):
    found = all_results(folds, 1)
    expected = math.erf(1.5 / 2.0 / math.sqrt(2.0)) / 2.0 + 0.5  # both classes normal, 1.5 apart
    for name, figures in found.items():
        assert set(figures) == {*METRICS, "ece", "unknown_share"}, name
        value, low, high = figures["balanced_accuracy"]
        assert low <= value <= high
        if "120 s" not in name:
            assert value == pytest.approx(expected, abs=0.03)
            assert figures["ece"][0] < 0.08
        assert figures["unknown_share"] == [0.0]
    assert {NAME, "shipped, 60 s, smoothed as on the device", "shipped, 120 s of context", WITH_TEMPERATURE,
            *(f"shipped, {one}" for one in (*ALONE, LATE, STRESSED))} <= set(found)
    assert found["shipped, 120 s of context"]["auc"][0] > found["shipped, 60 s, not smoothed"]["auc"][0]


def test_results_by_subject_agree_with_the_whole(folds):
    each = np.array(list(by_subject(folds).values()))
    whole = all_results(folds, 1)["shipped, 60 s, smoothed as on the device"]
    assert each.shape == (6, 2)
    assert each.mean(axis=0) == pytest.approx([whole["balanced_accuracy"][0], whole["auc"][0]], abs=1e-3)


def test_calibration_curve_of_honest_levels_is_the_diagonal(people):
    many = [invented_fold(people[seed % 6]._replace(name=f"Q{seed}"), seed) for seed in range(18)]
    rows = np.array(calibration_curve(many))
    assert rows[:, 2].sum() == pytest.approx(1.0, abs=0.005)
    assert np.average(np.abs(rows[:, 0] - rows[:, 1]), weights=rows[:, 2]) < 0.05
    assert (np.diff(rows[:, 0]) > 0.0).all()


def test_errors_by_doubt_tell_whether_the_variance_means_anything(folds):
    """Here the doubtful windows are turned round."""
    doubtful = []
    for fold in folds:
        course = fold.courses[SHIPPED][0]
        doubt = np.random.default_rng(9).random(course.level.size) > 0.7
        course = course._replace(level=np.where(doubt, 1.0 - course.level, course.level),
                                 variance=np.where(doubt, 1.0, 0.1) + 0.01 * course.variance)
        doubtful.append(fold._replace(courses={SHIPPED: [course]}))
    found = errors_by_doubt(doubtful)
    assert found["surer_half"] == pytest.approx(0.23, abs=0.05)
    assert found["other_half"] > found["surer_half"] + 0.15


def test_invented_protocol_has_whole_windows_of_both(people):
    assert people[0].intervals[1] == Interval("stroop", 480.0, 700.5, "stress")
    assert set(people[0].label[people[0].scored()].tolist()) == {0, 1}
