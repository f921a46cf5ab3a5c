"""Models that are compared, and the nested choice of their settings."""

from __future__ import annotations

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from device.evaluation.metrics import Scored, auc
from models.stress.training.candidates import CANDIDATES, CERTAIN, Candidate, Rows, tuned

# scikit-learn 1.6 still asks SciPy 1.17 for options on their way out.
pytestmark = pytest.mark.filterwarnings("ignore:scipy.optimize.*disp:DeprecationWarning")
INPUTS = 4


@pytest.fixture(autouse=True)
def one_thread():
    """Threads of a busy machine wait for each other for half a minute."""
    with threadpool_limits(1):
        yield


def invented(people=8, each=120, seed=1):
    """Rows in which the first two inputs tell stress, the same for everybody."""
    random = np.random.default_rng(seed)
    label = (np.arange(people * each) % 3 == 0).astype(int)  # one third is stress
    values = random.normal(0.0, 1.0, (label.size, INPUTS))
    values[:, :2] += 1.2 * label[:, None]
    return Rows(values, label, np.repeat(np.arange(people), each))


@pytest.mark.parametrize("candidate", CANDIDATES, ids=lambda one: one.name)
def test_candidate_finds_what_is_there_and_nothing_in_noise(candidate):
    rows, unseen = invented(), invented(seed=2)
    predict = candidate.fit(rows, candidate.settings[0], 1)
    logit = predict(unseen.values)
    assert logit.shape == unseen.label.shape
    assert np.isfinite(logit).all()
    assert auc(Scored(logit, unseen.label)) > 0.82
    noise = [one._replace(label=np.random.default_rng(3).permutation(one.label)) for one in (rows, unseen)]
    guess = candidate.fit(noise[0], candidate.settings[0], 1)(noise[1].values)
    assert auc(Scored(guess, noise[1].label)) == pytest.approx(0.5, abs=0.07)


@pytest.mark.parametrize("candidate", CANDIDATES, ids=lambda one: one.name)
def test_candidate_repeats_itself_and_weighs_both_classes_the_same(candidate):
    rows, unseen = invented(), invented(seed=2)
    first, again = (candidate.fit(rows, candidate.settings[0], 1)(unseen.values) for _ in range(2))
    assert np.array_equal(first, again)
    called = [float((first[unseen.label == one] > 0.0).mean()) for one in (0, 1)]
    assert called[0] == pytest.approx(1.0 - called[1], abs=0.15)


def test_candidate_keeps_chances_off_certainty():
    forest = next(one for one in CANDIDATES if one.name == "random_forest")
    rows = invented()
    logit = forest.fit(rows._replace(values=20.0 * rows.values), 1.0, 1)(20.0 * rows.values)
    assert np.abs(logit).max() <= np.log((1.0 - CERTAIN) / CERTAIN) + 1e-9


def test_the_rows_of_some_people_are_theirs():
    rows = invented()
    part = rows.of([2, 5])
    assert set(part.person.tolist()) == {2, 5}
    assert part.values.shape == (240, INPUTS)
    assert np.array_equal(part.values[:120], rows.values[rows.person == 2])


def test_tuning_takes_the_setting_that_is_best_on_people_left_out():
    def fit(rows, setting, _seed):
        """The setting is how much of the right answer is given."""
        return lambda values: setting * values[:, 0] + (1.0 - setting) * values[:, 3]

    rows = invented()
    predict, setting = tuned(Candidate("x", (0.0, 1.0, 0.5), fit), rows, 1)
    assert setting == 1.0
    assert np.array_equal(predict(rows.values), rows.values[:, 0])


def test_tuning_never_judges_on_people_it_trained_on():
    trained = []

    def fit(rows, setting, _seed):
        people = set(rows.person.tolist())
        trained.append(people)

        def predict(values):
            own = {int(person) for person in everybody.person
                   if (everybody.values[everybody.person == person] == values[0]).all(axis=1).any()}
            assert len(values) == len(everybody.label) or not own & people
            return setting * values[:, 0]
        return predict

    everybody = invented(people=9, each=30)
    tuned(Candidate("x", (1.0, 2.0), fit), everybody, 4)
    assert trained[-1] == set(range(9))
    assert {len(one) for one in trained[:-1]} == {6, 7}
    assert len(trained) == 2 * 4 + 1


def test_one_setting_needs_no_choice():
    calls = []

    def fit(rows, setting, _seed):
        calls.append(setting)
        return lambda values: values[:, 0]

    assert tuned(Candidate("x", (3.0,), fit), invented(), 1)[1] == 3.0
    assert calls == [3.0]
