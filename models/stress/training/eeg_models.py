"""Classifiers on EEG deviations, tuned and calibrated on the people that they learn from.

Every trainer takes people and a seed and returns a function from rows to calibrated logits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from models.stress.training.eeg_calibration import Calibration, calibrate, log_loss
from models.stress.training.eeg_people import (
    FloatArray,
    Labels,
    Person,
    Rows,
    mirrored,
    regained,
    typical_spread,
    vectors,
)

Predictor = Callable[[Person], FloatArray]
Trainer = Callable[[Sequence[Person], int], Predictor]

FOLDS = 4  # of people, inside the training set
MEMBERS = 10
# Cost and width of the kernel exp(-g / 32 |x - y|^2); chosen within every training set.
KERNEL_GRID = ((0.3, 1.0), (1.0, 0.5), (1.0, 1.0))


class Candidate(NamedTuple):
    """One setting of a classifier."""

    name: str
    make: Callable[[int], Any]


def candidates() -> dict[str, list[Candidate]]:
    """Return the settings that nested tuning chooses from, by kind."""
    return {
        "logistic_regression": [Candidate(f"C={c:g}", partial(_logistic, c)) for c in (0.002, 0.01, 0.1)],
        "svm": [Candidate(f"C={c:g} g={g:g}", partial(_machine, c, g)) for c, g in KERNEL_GRID],
        "k_nn": [Candidate(f"k={k}", partial(_neighbours, k)) for k in (15, 41)],
        "random_forest": [Candidate(f"leaf={leaf}", partial(_forest, leaf)) for leaf in (3, 10)],
        "gradient_boosting": [Candidate(f"rounds={rounds}", partial(_boosting, rounds))
                              for rounds in (40, 100)],
    }


def _logistic(cost: float, _seed: int) -> LogisticRegression:
    """Return a logistic regression."""
    return LogisticRegression(C=cost, class_weight="balanced", max_iter=2000)


def _machine(cost: float, width: float, _seed: int) -> SVC:
    """Return a support vector machine."""
    return SVC(C=cost, gamma=width / 32.0, class_weight="balanced")


def _neighbours(count: int, _seed: int) -> KNeighborsClassifier:
    """Return a vote of neighbours."""
    return KNeighborsClassifier(count)


def _forest(leaf: int, seed: int) -> RandomForestClassifier:
    """Return a random forest."""
    return RandomForestClassifier(80, min_samples_leaf=leaf, class_weight="balanced_subsample",
                                  random_state=seed, n_jobs=1)


def _boosting(rounds: int, seed: int) -> HistGradientBoostingClassifier:
    """Return boosted trees."""
    return HistGradientBoostingClassifier(max_iter=rounds, max_leaf_nodes=8, learning_rate=0.1,
                                          class_weight="balanced", random_state=seed)


def raw_logit(model: Any, rows: Rows) -> FloatArray:  # noqa: ANN401 - scikit-learn has no types here
    """Return a classifier's own score as a logit."""
    if hasattr(model, "decision_function"):
        return np.asarray(model.decision_function(rows))
    chance = np.clip(model.predict_proba(rows)[:, 1], 0.01, 0.99)
    return np.asarray(np.log(chance / (1.0 - chance)))


def tuned(settings: Sequence[Candidate], people: Sequence[Person], seed: int) -> Predictor:
    """Choose a setting by cross-validation over people, calibrate it there, and train it on everybody."""
    spread = typical_spread(people)
    parts = [vectors(one, spread) for one in people]
    rows, label = np.concatenate(parts), np.concatenate([one.label for one in people])
    group = np.repeat(np.arange(len(people)), [len(part) for part in parts])
    found: list[tuple[float, int, Calibration]] = []
    for index, setting in enumerate(settings):
        logit = np.zeros(len(label))
        for learn, test in GroupKFold(FOLDS).split(rows, label, group):
            logit[test] = raw_logit(setting.make(seed).fit(rows[learn], label[learn]), rows[test])
        calibration = calibrate(logit, label)
        found.append((log_loss(logit, label, calibration), index, calibration))
    _, index, calibration = min(found)
    model = settings[index].make(seed).fit(rows, label)
    return lambda one: calibration.apply(raw_logit(model, vectors(one, spread)))


class KernelEnsemble(NamedTuple):
    """Support vector machines on resampled people over one common set of rows.

    A member's logit of x is `intercept` + sum over rows r of `weight` exp(-`gamma` |x - r|^2).
    """

    rows: Rows  # (rows, inputs)
    weight: FloatArray  # (rows, members)
    intercept: FloatArray  # (members,)
    gamma: float
    spread: FloatArray
    calibration: Calibration

    def logits(self, rows: Rows) -> FloatArray:
        """Return calibrated logits (windows, members)."""
        return self.calibration.apply(_kernel(rows, self.rows, self.gamma) @ self.weight + self.intercept)


def _kernel(left: Rows, right: Rows, gamma: float) -> FloatArray:
    """Return exp(-gamma |x - y|^2) of every pair."""
    squares = (left**2).sum(axis=1)[:, None] + (right**2).sum(axis=1) - 2.0 * left @ right.T
    return np.asarray(np.exp(-gamma * np.maximum(squares, 0.0)))


def train_ensemble(people: Sequence[Person], seed: int, *, mirror: bool = True) -> KernelEnsemble:
    """Train the ensemble that is shipped; people left out of a member's sample tune and calibrate it."""
    spread = typical_spread(people)
    parts = [vectors(one, spread) for one in people]
    labels = [one.label for one in people]
    taught = [mirrored(*pair) if mirror else pair for pair in zip(parts, labels, strict=True)]
    random = np.random.default_rng(seed)
    taught = [(np.concatenate((rows, regained(rows, spread, random))), np.tile(label, 2))
              for rows, label in taught]
    found = [_ensemble(parts, labels, taught, setting, seed) for setting in KERNEL_GRID]
    best, _ = min(found, key=lambda pair: pair[1])
    return best._replace(spread=spread)


def _ensemble(
    parts: Sequence[Rows], labels: Sequence[Labels], pairs: Sequence[tuple[Rows, Labels]],
    setting: tuple[float, float], seed: int,
) -> tuple[KernelEnsemble, float]:
    """Return the ensemble of one setting and its log loss on people whom its members never saw.

    Members learn from `pairs` of rows and labels, one pair for each person, and are judged on `parts`.
    """
    random = np.random.default_rng(seed)
    cost, gamma = setting[0], setting[1] / 32.0
    rows, label = np.concatenate([pair[0] for pair in pairs]), np.concatenate([pair[1] for pair in pairs])
    owner = np.repeat(np.arange(len(pairs)), [len(pair[1]) for pair in pairs])
    drawn = np.array([np.bincount(random.integers(0, len(parts), len(parts)), minlength=len(parts))
                      for _ in range(MEMBERS)])
    weight, intercept = np.zeros((len(rows), MEMBERS)), np.zeros(MEMBERS)
    for member, times in enumerate(drawn):
        used = np.flatnonzero(times[owner] > 0)
        count = times[owner[used]].astype(np.float64)
        share = float(np.average(label[used], weights=count))
        balance = np.where(label[used] == 1, 0.5 / share, 0.5 / (1.0 - share))
        model = SVC(C=cost, gamma=gamma).fit(rows[used], label[used], sample_weight=count * balance)
        weight[used[model.support_], member] = model.dual_coef_[0]
        intercept[member] = float(model.intercept_[0])
    kept = np.abs(weight).max(axis=1) > 0.0
    ensemble = KernelEnsemble(rows[kept], weight[kept], intercept, gamma, np.empty(0), Calibration(1.0, 0.0))
    unseen, truth = _unseen(ensemble, parts, labels, drawn)
    calibration = calibrate(unseen, truth)
    return ensemble._replace(calibration=calibration), log_loss(unseen, truth, calibration)


def _unseen(
    ensemble: KernelEnsemble, parts: Sequence[Rows], labels: Sequence[Labels], drawn: NDArray[np.int64],
) -> tuple[FloatArray, Labels]:
    """Return for everybody the mean logit of the members that never saw this person, and the labels."""
    logit, label = [], []
    for index, (rows, truth) in enumerate(zip(parts, labels, strict=True)):
        members = drawn[:, index] == 0
        if members.any():
            logit.append(ensemble.logits(rows)[:, members].mean(axis=1))
            label.append(truth)
    return np.concatenate(logit), np.concatenate(label)


def ensemble_trainer(people: Sequence[Person], seed: int, *, mirror: bool = True) -> Predictor:
    """Train the shipped kind of model; see `train_ensemble`."""
    model = train_ensemble(people, seed, mirror=mirror)
    return lambda one: np.asarray(model.logits(vectors(one, model.spread)).mean(axis=1))


def distance_trainer(people: Sequence[Person], _seed: int) -> Predictor:
    """Train on nothing but how far the spectrum is from the first minute: a control, not a model."""
    spread = typical_spread(people)

    def distance(one: Person) -> FloatArray:
        """Return ln of the root mean square deviation, one column."""
        rows = vectors(one, spread).astype(np.float64)
        return np.asarray(0.5 * np.log((rows**2).mean(axis=1) + 1e-6))

    return _one_number(people, distance)


def loudness_trainer(people: Sequence[Person], _seed: int) -> Predictor:
    """Train on each channel's broadband amplitude alone: a control for what differs between files."""
    def loudness(one: Person) -> FloatArray:
        """Return the mean deviation over bands and channels."""
        return np.asarray(np.nanmean(one.deviations, axis=1))

    return _one_number(people, loudness)


def heart_trainer(people: Sequence[Person], _seed: int) -> Predictor:
    """Train on the heart rate's ln ratio to the first minute; NaN where it is unknown."""
    return _one_number(people, lambda one: one.heart)


def _one_number(people: Sequence[Person], read: Callable[[Person], FloatArray]) -> Predictor:
    """Train a logistic curve on one number per window, by the calibration's own fit."""
    value = np.concatenate([read(one) for one in people])
    label = np.concatenate([one.label for one in people])
    known = np.isfinite(value)
    slope, bias = logistic_curve(value[known], label[known])
    return lambda one: slope * read(one) + bias


def logistic_curve(value: FloatArray, label: Labels) -> tuple[float, float]:
    """Return slope and bias of the class-balanced logistic regression on one number."""
    scale = float(value.std())
    model = LogisticRegression(C=100.0, class_weight="balanced").fit(value[:, None] / scale, label)
    return float(model.coef_[0, 0]) / scale, float(model.intercept_[0])
