"""Training of the EEG model on invented people: nothing leaks, nothing is made up, runs repeat."""

from __future__ import annotations

import math

import numpy as np
import pytest

from device.evaluation.eegmat import Second
from device.messages import Features
from device.vitals import EegFeatures, PpgFeatures
from models.stress.training.eeg_calibration import Calibration, calibrate, log_loss
from models.stress.training.eeg_models import (
    MEMBERS,
    candidates,
    distance_trainer,
    ensemble_trainer,
    heart_trainer,
    logistic_curve,
    train_ensemble,
    tuned,
)
from models.stress.training.eeg_people import (
    Person,
    middle_and_last_minute,
    mirrored,
    person_of,
    regained,
    typical_spread,
    vectors,
)
from models.stress.training.eeg_sequences import sequences_of
from models.stress.training.eeg_train import fused, leave_one_out, report, scored

SIZE = 32
# scikit-learn 1.6 passes options that scipy 1.17 calls deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:scipy.optimize:DeprecationWarning")


def person(name, effect, seed, windows=24):
    """Rest and stress in equal parts; stress moves every input by `effect`."""
    random = np.random.default_rng(seed)
    label = np.repeat([0, 1], windows // 2)
    deviations = random.normal(0.0, 0.3, (windows, SIZE)) + effect * label[:, None]
    heart = random.normal(0.0, 0.05, windows) + 0.2 * label
    return Person(name, deviations, heart, label, 80.0 + 5.0 * np.arange(windows))


@pytest.fixture(scope="module")
def people():
    return [person(f"P{number}", 0.3, number) for number in range(8)]


@pytest.fixture(scope="module")
def nobody():
    return [person(f"P{number}", 0.0, number, windows=60) for number in range(8)]


def test_calibration_finds_temperature_and_bias():
    random = np.random.default_rng(1)
    truth = random.normal(0.0, 2.0, 20_000)
    label = (random.random(truth.size) < 1.0 / (1.0 + np.exp(-truth))).astype(int)
    found = calibrate(3.0 * truth + 1.5, label)
    assert found.temperature == pytest.approx(3.0, rel=0.05)
    assert found.apply(np.array([1.5]))[0] == pytest.approx(0.0, abs=0.08)
    plain = log_loss(3.0 * truth + 1.5, label, Calibration(1.0, 0.0))
    assert log_loss(3.0 * truth + 1.5, label, found) < plain


def test_mirrored_rows_are_the_opposite_of_stress_and_count_as_rest():
    rows, label = mirrored(np.array([[1.0, 2.0], [3.0, -4.0]], dtype=np.float32), np.array([0, 1]))
    assert rows.tolist() == [[1.0, 2.0], [3.0, -4.0], [-3.0, 4.0]]
    assert label.tolist() == [0, 1, 0]


def test_regained_rows_are_shifted_alike_in_ln_power():
    spread = np.tile([0.2, 0.4, 0.2, 0.1], 8)
    rows = np.zeros((500, SIZE), dtype=np.float32)
    shift = regained(rows, spread, np.random.default_rng(1)) * spread
    assert np.ptp(shift, axis=1).max() < 1e-6
    assert shift[:, 0].std() == pytest.approx(0.2, rel=0.1)


def test_ensemble_learns_that_gain_is_no_state(people):
    louder = people[0]._replace(deviations=people[0].deviations + 0.05)
    predict = ensemble_trainer(people[1:], 1)
    assert ((predict(louder) > 0) == (people[0].label == 1)).mean() > 0.85


def test_spread_is_that_of_rest_for_each_band(people):
    found = typical_spread(people).reshape(8, 4)
    assert found == pytest.approx(np.full((8, 4), 0.3), rel=0.1)
    assert (found == found[0]).all()


def test_vectors_of_lost_channels_are_neutral(people):
    lost = people[0]._replace(deviations=np.full((3, SIZE), np.nan), label=np.zeros(3, int))
    assert (vectors(lost, np.ones(SIZE)) == 0.0).all()


@pytest.mark.parametrize("kind", ["logistic_regression", "svm", "k_nn"])
def test_classic_classifiers_find_what_is_there(people, kind):
    logit = tuned(candidates()[kind], people[1:], 1)(people[0])
    assert ((logit > 0) == (people[0].label == 1)).mean() > 0.9


def test_ensemble_finds_what_is_there_in_one_direction_only(people):
    predict = ensemble_trainer(people[1:], 1)
    assert ((predict(people[0]) > 0) == (people[0].label == 1)).mean() > 0.9
    opposite = people[0]._replace(deviations=-people[0].deviations)
    assert (predict(opposite)[people[0].label == 1] > 0).mean() < 0.2


def test_ensemble_without_mirrored_rows_would_call_any_change_stress(people):
    far = [one._replace(deviations=one.deviations * (1.0 + 4.0 * one.label[:, None])) for one in people]
    distance = distance_trainer(far[1:], 1)
    opposite = far[0]._replace(deviations=-far[0].deviations)
    assert (distance(opposite)[far[0].label == 1] > 0).mean() > 0.9


def test_ensemble_says_nothing_of_people_in_whom_nothing_happens(nobody):
    logits = leave_one_out(nobody, ensemble_trainer, 1)
    found = report("nobody", nobody, logits, 1)
    assert 0.4 < found["balanced_accuracy"][0] < 0.6
    assert 0.38 < found["auc"][0] < 0.62


def test_ensemble_repeats_and_its_members_differ(people):
    first, second = train_ensemble(people, 1), train_ensemble(people, 1)
    assert (first.weight == second.weight).all()
    assert first.calibration == second.calibration
    logits = first.logits(vectors(people[0], first.spread))
    assert logits.shape == (24, MEMBERS)
    assert logits.std(axis=1).min() > 0.0


def test_held_out_person_is_not_learnt_from(people):
    mad = people[0]._replace(label=1 - people[0].label)
    honest = leave_one_out(people, ensemble_trainer, 1)["P0"]
    assert (leave_one_out([mad, *people[1:]], ensemble_trainer, 1)["P0"] == honest).all()


def test_heart_curve_rises_and_is_unknown_without_a_pulse(people):
    slope, bias = logistic_curve(np.array([-0.1, 0.0, 0.0, 0.2, 0.3, 0.1]), np.array([0, 0, 0, 1, 1, 1]))
    assert slope > 0.0
    assert slope * 0.0 + bias < 0.0 < slope * 0.3 + bias
    silent = people[0]._replace(heart=np.full(24, np.nan))
    assert np.isnan(heart_trainer(people[1:], 1)(silent)).all()


def test_fusion_falls_back_to_eeg_where_the_pulse_is_missing(people):
    eeg = {one.name: 4.0 * one.label - 2.0 + np.sin(np.arange(24)) for one in people}
    heart = {one.name: 3.0 * one.label - 1.5 + np.cos(np.arange(24)) for one in people}
    heart["P3"] = np.full(24, np.nan)
    found = fused(people, eeg, heart)
    assert (found["P3"] == eeg["P3"]).all()
    assert np.abs(found["P0"]).mean() > np.abs(eeg["P0"]).mean()


def test_scored_leaves_out_people_with_one_state_known(people):
    logits = {one.name: np.where(one.label == 1, np.nan, -1.0) if one.name == "P2" else np.zeros(24)
              for one in people}
    assert set(scored(people, logits)) == {f"P{number}" for number in range(8)} - {"P2"}


def test_third_minute_of_rest_is_told_from_the_second_by_name_only(people):
    rest = people[0]._replace(label=np.zeros(24, int), at_s=np.arange(80.0, 200.0, 5.0))
    found = middle_and_last_minute(rest)
    assert (found.at_s[found.label == 0] <= 120.0).all()
    assert (found.at_s[found.label == 1] >= 140.0).all()
    assert middle_and_last_minute(rest._replace(at_s=np.full(24, 90.0))) is None


def test_person_of_seconds_is_scored_against_the_first_minute():
    row = (0.0, 1.0, 1.0, 1.0, 1.0)
    course = []
    for second in range(1, 101):
        shift = 0.5 if second > 90 else 0.0
        eeg = EegFeatures(theta=0.2, alpha=0.2, beta=0.2, beta_alpha=1.0, theta_beta=1.0, good_channels=8,
                          quality=1.0, ln_power=(tuple(value + shift for value in row),) * 8)
        ppg = PpgFeatures(hr_bpm=70.0 * math.exp(shift), rmssd_ms=None, sdnn_ms=None, pulse_amplitude_v=1.0,
                          quality=1.0)
        features = Features(at_s=float(second), window_s=20.0, eda=None, ppg=ppg, temperature=None, eeg=eeg)
        course.append(Second(features, int(second > 90), second in {85, 95}))
    found = person_of("X", course)
    assert found.label.tolist() == [0, 1]
    assert found.deviations[0] == pytest.approx(np.zeros(SIZE), abs=1e-9)
    assert found.deviations[1] == pytest.approx(np.full(SIZE, 0.5), rel=0.01)
    assert found.heart[1] == pytest.approx(0.5, rel=0.01)


def test_sequences_are_the_same_windows_as_those_of_people(shared_data):
    found = sequences_of(shared_data / "eeg" / "eegmat", "Subject31")
    assert found.label.tolist() == [0] + [1] * 9  # 80 s of rest: one window after the first minute
    assert found.deviations.shape == (10, 10, SIZE)
    assert np.abs(found.scaled(np.full(SIZE, 0.3))).max() <= 8.0
