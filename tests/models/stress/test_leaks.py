"""The leak tests themselves: do they find a leak, and do they stay quiet without one?"""

from __future__ import annotations

import numpy as np
import pytest

from device.evaluation.metrics import Scored
from models.stress.training.leaks import CHANGES, changed_subject, figures_of, leaks


@pytest.fixture(scope="module")
def folder(shared_data):
    return shared_data / "stress-predict" / "S05"


def test_figures_are_means_with_intervals_and_leave_out_one_class():
    good = Scored(np.array([0.1, 0.9]), np.array([0, 1]))
    bad = Scored(np.array([0.9, 0.1]), np.array([0, 1]))
    half = Scored(np.array([0.1, 0.2]), np.array([0, 0]))
    found = figures_of({"a": good, "b": bad, "c": half}, seed=1)
    assert found == {"balanced_accuracy": [0.5, 0.0, 1.0], "auc": [0.5, 0.0, 1.0]}


def test_changes_hold_noise_shuffled_and_reordered_people():
    assert list(CHANGES) == ["as recorded", "noise", "noise that drifts", "blocks of 30 to 60 s shuffled",
                             "tasks reordered with their labels"]


def test_changed_subject_goes_through_the_feature_code_and_repeats(folder):
    first, second = (changed_subject(folder, "noise", seed=1) for _ in range(2))
    assert np.array_equal(first.inputs, second.inputs, equal_nan=True)
    assert first.scored().size > 100
    assert set(first.label[first.scored()].tolist()) == {0, 1}


def test_leaks_find_a_model_that_reads_the_clock(folder):
    def clock(subjects, _seed):
        """Elapsed time as the level: right about the protocol's order, whatever the body says."""
        found = {}
        for subject in subjects:
            at = subject.scored()
            middle = np.array([(span.start_s + span.end_s) / 2 for span in subject.intervals
                               if span.task in {"stroop", "interview"}])
            found[subject.name] = Scored(np.exp(-np.abs(at[:, None] - middle).min(axis=1) / 300.0),
                                         subject.label[at])
        return found

    found = leaks([folder], clock, seed=1, changes=["noise"])
    assert found["noise"]["auc"][0] > 0.8
