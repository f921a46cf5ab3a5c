"""Models that were compared on the same personal deviations, each with its nested choice of settings.

A candidate is trained on rows of all sources together. What the device ships is in
`models.stress.training.experts`; networks on sequences and raw windows are in `sequences`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from device.evaluation.metrics import Scored, auc, weights

FloatArray = NDArray[np.float64]
Labels = NDArray[np.int64]
Predictor = Callable[[FloatArray], FloatArray]

INNER_FOLDS = 4
CERTAIN = 1e-3  # chances are kept this far from 0 and 1
KERNEL_ROWS = 300  # landmarks of the Nystroem approximation


class Rows(NamedTuple):
    """Training rows: deviations (rows, inputs), labels, and whose they are."""

    values: FloatArray
    label: Labels
    person: NDArray[np.int64]

    def of(self, people: Sequence[int] | NDArray[np.int64]) -> Rows:
        """Return the rows of some people."""
        keep = np.isin(self.person, people)
        return Rows(self.values[keep], self.label[keep], self.person[keep])


class Candidate(NamedTuple):
    """A kind of model: its name, the settings to choose from, and how to train one."""

    name: str
    settings: tuple[float, ...]
    fit: Callable[[Rows, float, int], Predictor]


def tuned(candidate: Candidate, rows: Rows, seed: int) -> tuple[Predictor, float]:
    """Return a model trained on all rows with the setting that did best on people left out of them.

    Args:
        candidate: the kind of model.
        rows: of the training people only; nobody else has a say.
        seed: of the model and of the split of people.
    """
    setting = candidate.settings[0]
    if len(candidate.settings) > 1:
        people = np.unique(rows.person)
        folds = np.array_split(np.random.default_rng(seed).permutation(people), INNER_FOLDS)
        setting = max(candidate.settings, key=lambda one: _left_out_auc(candidate, rows, one, folds, seed))
    return candidate.fit(rows, setting, seed), setting


def _left_out_auc(candidate: Candidate, rows: Rows, setting: float, folds: Sequence[NDArray[np.int64]],
                  seed: int) -> float:
    """Return the mean AUC over people, each predicted by a model that was trained on the other folds."""
    found = []
    for fold in folds:
        predict = candidate.fit(rows.of(np.setdiff1d(rows.person, fold)), setting, seed)
        for person in fold:
            own = rows.of([person])
            one = Scored(predict(own.values), own.label)
            if one.both_classes():
                found.append(auc(one))
    return float(np.mean(found))


def _chance_to_logit(chance: FloatArray) -> FloatArray:
    """Return log-odds of chances, which are first kept away from 0 and 1."""
    chance = np.clip(chance, CERTAIN, 1.0 - CERTAIN)
    return np.asarray(np.log(chance / (1.0 - chance)))


def _from_chances(model: Any) -> Predictor:  # noqa: ANN401 - scikit-learn has no types
    """Return a predictor of logits from a model that gives chances."""
    return lambda values: _chance_to_logit(model.predict_proba(values)[:, 1])


def logistic_regression(rows: Rows, setting: float, _seed: int) -> Predictor:
    """Train a logistic regression; the setting is the inverse of the L2 penalty."""
    model = LogisticRegression(C=setting, max_iter=2000)
    model.fit(rows.values, rows.label, sample_weight=weights(rows.label))
    return lambda values: np.asarray(model.decision_function(values))


def support_vectors(rows: Rows, setting: float, seed: int) -> Predictor:
    """Train a support vector machine with a radial kernel (Nystroem); the setting is the kernel's gamma."""
    model = make_pipeline(Nystroem(gamma=setting, n_components=KERNEL_ROWS, random_state=seed),
                          LinearSVC(C=0.05, class_weight="balanced", random_state=seed))
    model.fit(rows.values, rows.label)
    return lambda values: np.asarray(2.0 * model.decision_function(values))


def neighbours(rows: Rows, setting: float, _seed: int) -> Predictor:
    """Train k nearest neighbours on classes of equal size; the setting is k."""
    keep = _equal_classes(rows.label)
    model = KNeighborsClassifier(int(setting)).fit(rows.values[keep], rows.label[keep])
    return _from_chances(model)


def random_forest(rows: Rows, setting: float, seed: int) -> Predictor:
    """Train a random forest; the setting is the least number of rows in a leaf."""
    model = RandomForestClassifier(60, min_samples_leaf=int(setting), max_features=3, n_jobs=1,
                                   class_weight="balanced", random_state=seed)
    return _from_chances(model.fit(rows.values, rows.label))


def boosted_trees(rows: Rows, setting: float, seed: int) -> Predictor:
    """Train gradient-boosted trees of depth 3; the setting is their number."""
    model = HistGradientBoostingClassifier(max_iter=int(setting), learning_rate=0.05, max_depth=3,
                                           min_samples_leaf=100, l2_regularization=10.0, random_state=seed)
    model.fit(rows.values, rows.label, sample_weight=weights(rows.label))
    return _from_chances(model)


def _equal_classes(label: Labels) -> NDArray[np.intp]:
    """Return rows, evenly thinned so that both classes are equally common."""
    parts = [np.flatnonzero(label == one) for one in (0, 1)]
    size = min(len(part) for part in parts)
    return np.concatenate([part[np.linspace(0, len(part) - 1, size).astype(int)] for part in parts])


CANDIDATES: tuple[Candidate, ...] = (
    Candidate("logistic_regression", (0.003, 0.02, 0.1), logistic_regression),
    Candidate("support_vector_machine", (0.01, 0.03), support_vectors),
    Candidate("k_nearest_neighbours", (51.0, 201.0), neighbours),
    Candidate("random_forest", (30.0, 100.0), random_forest),
    Candidate("boosted_trees", (30.0, 80.0), boosted_trees),
)
