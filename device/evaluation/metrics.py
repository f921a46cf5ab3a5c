"""How well levels fit labels: figures of one person, of several, and their spread over people.

A level is the chance of stress *if stress and rest are equally likely*; the model is calibrated so,
because nothing is known of how often a patient is tense. Protocols have more rest than stress, so two
kinds of Brier score and calibration error exist and both are given: plain (every window weighs the same)
and balanced (both classes weigh the same). Accuracy, AUC, F1 and Brier are scikit-learn's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Labels = NDArray[np.int64]

UNDECIDED = 0.5
ECE_BINS = 10  # Guo et al. 2017 (ICML, arXiv:1706.04599) use 15 for thousands of cases; chosen
RESAMPLES = 5000
ECE_RESAMPLES = 1000


class Scored(NamedTuple):
    """Levels (0 to 1) and labels (1 stress, 0 rest) of one person's scored windows."""

    level: FloatArray
    label: Labels

    def both_classes(self) -> bool:
        """Tell whether there is a window of stress and one of rest."""
        return bool((self.label == 1).any() and (self.label == 0).any())


def weights(label: Labels) -> FloatArray:
    """Return weights under which stress and rest are equally common, 1 on average.

    With one class only every weight is 1.
    """
    share = float(label.mean()) if label.size else 0.0
    if share in {0.0, 1.0}:
        return np.ones(label.size)
    return np.where(label == 1, 0.5 / share, 0.5 / (1.0 - share))


def balanced_accuracy(one: Scored) -> float:
    """Return the mean of the shares of stress and of rest that were recognised; stress is above 0.5."""
    from sklearn.metrics import balanced_accuracy_score

    return float(balanced_accuracy_score(one.label, one.level > UNDECIDED))


def auc(one: Scored) -> float:
    """Return the chance that a stress window has a higher level than a rest window."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(one.label, one.level))


def f1_stress(one: Scored) -> float:
    """Return the harmonic mean of precision and recall for stress, 0 if stress was never recognised."""
    from sklearn.metrics import f1_score

    return float(f1_score(one.label, one.level > UNDECIDED, zero_division=0.0))


def brier(one: Scored) -> float:
    """Return the mean squared distance of level and label."""
    from sklearn.metrics import brier_score_loss

    return float(brier_score_loss(one.label, one.level))


def brier_balanced(one: Scored) -> float:
    """Return the mean squared distance of level and label, both classes weighing the same."""
    from sklearn.metrics import brier_score_loss

    return float(brier_score_loss(one.label, one.level, sample_weight=weights(one.label)))


def ece(one: Scored) -> float:
    """Return the expected calibration error with every window weighing the same; see `weighted_ece`."""
    return weighted_ece(one.level, one.label, np.ones(one.label.size))


def ece_balanced(one: Scored) -> float:
    """Return the expected calibration error with both classes weighing the same; see `weighted_ece`."""
    return weighted_ece(one.level, one.label, weights(one.label))


def weighted_ece(level: FloatArray, label: Labels, weight: FloatArray) -> float:
    """Return the mean distance between level and share of stress over ten equal bins of the level.

    Each bin counts by its weight (Naeini et al. 2015, AAAI, doi:10.1609/aaai.v29i1.9602).
    """
    bins = np.minimum((level * ECE_BINS).astype(int), ECE_BINS - 1)
    gaps = np.bincount(bins, weights=weight * (level - label), minlength=ECE_BINS)
    return float(np.abs(gaps).sum() / weight.sum())


METRICS: Mapping[str, Callable[[Scored], float]] = {
    "balanced_accuracy": balanced_accuracy, "auc": auc, "f1_stress": f1_stress, "brier": brier_balanced,
}  # as the model card names them


def pooled_ece(people: Sequence[Scored], *, balanced: bool) -> float:
    """Return the calibration error over all windows of several people, each person weighing the same.

    The error of a single person says little: a hundred overlapping windows in ten bins are off by
    0.1 to 0.2 even if the levels are right on average over people, which is what calibration promises.

    Args:
        people: at least one, with both classes each if `balanced`.
        balanced: whether both classes weigh the same as well, within each person.
    """
    each = [(weights(one.label) if balanced else np.ones(one.label.size)) / one.label.size for one in people]
    return weighted_ece(np.concatenate([one.level for one in people]),
                        np.concatenate([one.label for one in people]), np.concatenate(each))


def mean_interval(values: Sequence[float], seed: int) -> tuple[float, float] | None:
    """Return the 95 % interval of the mean over people, by bootstrap; None for fewer than two people."""
    each = np.asarray(values, dtype=np.float64)
    if each.size < 2:  # noqa: PLR2004 - one person says nothing of the spread over people
        return None
    draws = np.random.default_rng(seed).integers(each.size, size=(RESAMPLES, each.size))
    low, high = np.percentile(each[draws].mean(axis=1), [2.5, 97.5])
    return float(low), float(high)


def ece_interval(people: Sequence[Scored], seed: int, *, balanced: bool) -> tuple[float, float] | None:
    """Return the 95 % interval of `pooled_ece`, by bootstrap over people; None for fewer than two."""
    if len(people) < 2:  # noqa: PLR2004 - as above
        return None
    draws = np.random.default_rng(seed).integers(len(people), size=(ECE_RESAMPLES, len(people)))
    pooled = [pooled_ece([people[k] for k in draw], balanced=balanced) for draw in draws]
    low, high = np.percentile(pooled, [2.5, 97.5])
    return float(low), float(high)


def figures(scored: Mapping[str, Scored], seed: int) -> dict[str, list[float]]:
    """Return the card's figures: mean over people and its 95 % interval, three decimals each.

    Brier score and calibration error are balanced; the calibration error is pooled over people.

    Args:
        scored: two people at least, all with windows of both classes.
        seed: of the bootstrap.
    """
    people = list(scored.values())
    found: dict[str, list[float]] = {}
    for name, metric in METRICS.items():
        values = [metric(one) for one in people]
        found[name] = _rounded(float(np.mean(values)), mean_interval(values, seed))
    found["ece"] = _rounded(pooled_ece(people, balanced=True), ece_interval(people, seed, balanced=True))
    return found


def _rounded(value: float, interval: tuple[float, float] | None) -> list[float]:
    """Return value, lower and upper bound to three decimals."""
    low, high = interval or (value, value)
    return [round(one, 3) for one in (value, low, high)]
