"""The ensemble of one expert for each source."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from device.evaluation.metrics import weights
from device.stress.inputs import INPUTS, SOURCES, of_source
from models.stress.training.candidates import Rows
from models.stress.training.experts import MEMBERS, Experts, FoldModel, train
from models.stress.training.folds import plain_card
from models.stress.training.population import population_of

# scikit-learn 1.6 still asks SciPy 1.17 for options on their way out.
pytestmark = pytest.mark.filterwarnings("ignore:scipy.optimize.*disp:DeprecationWarning")


def invented(people=10, each=80, seed=1):
    """Everybody's first input of each source tells stress."""
    random = np.random.default_rng(seed)
    label = (np.arange(people * each) % 4 == 0).astype(int)
    values = random.normal(0.0, 1.0, (label.size, len(INPUTS)))
    for own in of_source():
        values[:, own.argmax()] += label
    present = np.ones((label.size, len(SOURCES)), dtype=bool)
    return Rows(values, label, np.repeat(np.arange(people), each)), present


def test_experts_read_their_own_source_only():
    experts = train(*invented(), 0.1, 1)
    assert experts.weight.shape == (MEMBERS, len(SOURCES), len(INPUTS))
    assert experts.bias.shape == (MEMBERS, len(SOURCES))
    assert (experts.weight[:, ~of_source()] == 0.0).all()
    assert (experts.weight[:, of_source()] != 0.0).all()


def test_experts_find_what_tells_stress():
    experts = train(*invented(), 0.1, 1)
    for place, own in enumerate(of_source()):
        steep = experts.weight[:, place, own]
        assert (steep[:, 0] > 0.4).all()
        assert np.abs(steep[:, 1:]).mean() < 0.15


def test_experts_take_both_classes_for_equally_likely():
    rows, present = invented(people=40)
    experts = train(rows, present, 1.0, 1)
    for place, own in enumerate(of_source()):
        entry = np.zeros(len(INPUTS))
        entry[own.argmax()] = 0.5  # half way between rest and stress
        logits = experts.weight[:, place] @ entry + experts.bias[:, place]
        assert logits.mean() == pytest.approx(0.0, abs=0.15)


def test_a_member_is_a_weighted_logistic_regression_of_the_people_drawn():
    rows, present = invented()
    experts = train(rows, present, 0.1, 7)
    drawn = np.bincount(np.random.default_rng(7).integers(10, size=10), minlength=10)[rows.person]
    use = drawn > 0
    own = of_source()[0]
    model = LogisticRegression(C=0.1, max_iter=2000).fit(
        rows.values[use][:, own], rows.label[use], sample_weight=weights(rows.label[use]) * drawn[use])
    assert experts.weight[0, 0, own] == pytest.approx(model.coef_[0])
    assert experts.bias[0, 0] == pytest.approx(model.intercept_[0])


def test_an_expert_learns_nothing_from_rows_without_its_source():
    rows, present = invented()
    wild = rows._replace(values=rows.values.copy())
    absent = np.arange(rows.label.size) % 5 == 0
    wild.values[np.ix_(absent, of_source()[0])] = 50.0
    present[absent, 0] = False
    one, other = train(rows, present, 0.1, 1), train(wild, present, 0.1, 1)
    assert np.array_equal(one.weight, other.weight)


def test_training_repeats_by_seed_and_members_differ():
    one, same, other = (train(*invented(), 0.1, seed) for seed in (1, 1, 2))
    assert np.array_equal(one.weight, same.weight)
    assert not np.array_equal(one.weight, other.weight)
    assert len(np.unique(one.bias[:, 0])) == MEMBERS


def test_sensitivity_is_the_mean_slope_whatever_its_sign():
    weight = np.zeros((2, len(SOURCES), len(INPUTS)))
    weight[:, 0, 0] = [0.5, -1.5]
    weight[:, 1, 6] = [2.0, 4.0]
    found = Experts(weight, np.zeros((2, len(SOURCES)))).sensitivity()
    assert found[[0, 6]].tolist() == [1.0, 3.0]
    assert found.sum() == 4.0


def test_fold_model_is_weight_times_vector_plus_bias(people):
    experts = train(*invented(), 0.1, 1)
    model = FoldModel(experts, plain_card(experts, population_of(people)))
    vector = np.arange(len(INPUTS), dtype=np.float32)
    expected = [[experts.weight[member, place] @ vector + experts.bias[member, place]
                 for place in range(len(SOURCES))] for member in range(MEMBERS)]
    assert model.logits(vector) == pytest.approx(np.array(expected))
    assert model.card.members == MEMBERS
