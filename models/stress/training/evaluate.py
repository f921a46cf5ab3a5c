"""Leave-one-subject-out figures, their spread over subjects, and the calibration of the logits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import rankdata

FloatArray = NDArray[np.float64]
Labels = NDArray[np.int64]

UNDECIDED = 0.5
RESAMPLES = 5000
ECE_BINS = 10


class Scored(NamedTuple):
    """Levels (0 to 1) and labels of one held-out subject's scored windows."""

    level: FloatArray
    label: Labels


class Calibration(NamedTuple):
    """Logit x becomes x / temperature + bias."""

    temperature: float
    bias: float

    def apply(self, logit: FloatArray) -> FloatArray:
        """Return calibrated logits."""
        return logit / self.temperature + self.bias


def sigmoid(logit: FloatArray) -> FloatArray:
    """Return the level of a logit."""
    return np.asarray(1.0 / (1.0 + np.exp(-logit)))


def smooth(logit: FloatArray, present: NDArray[np.bool_], time_constant_s: float) -> FloatArray:
    """Smooth one logit per second as the device does, starting anew after seconds without a source."""
    gain = 1.0 - np.exp(-1.0 / time_constant_s)
    out = np.array(logit)
    for second in range(1, len(out)):
        if present[second] and present[second - 1]:
            out[second] = out[second - 1] + gain * (logit[second] - out[second - 1])
    return out


def weights(label: Labels) -> FloatArray:
    """Return weights under which stress and rest are equally common."""
    share = float(label.mean())
    return np.where(label == 1, 0.5 / share, 0.5 / (1.0 - share))


def calibrate(logit: FloatArray, label: Labels) -> Calibration:
    """Return temperature and bias with the least class-balanced log loss."""
    weight = weights(label)
    sign = 2.0 * label - 1.0

    def loss(point: FloatArray) -> float:
        """Return the log loss at (log temperature, bias)."""
        wrong = -sign * (logit * np.exp(-point[0]) + point[1])
        return float(np.average(np.logaddexp(0.0, wrong), weights=weight))

    best = minimize(loss, np.zeros(2), method="BFGS").x
    return Calibration(float(np.exp(best[0])), float(best[1]))


def expected_calibration_error(level: FloatArray, label: Labels) -> float:
    """Return the class-balanced mean distance of level and share of stress over ten equal bins."""
    weight = weights(label)
    bins = np.minimum((level * ECE_BINS).astype(int), ECE_BINS - 1)
    total = 0.0
    for one in np.unique(bins):
        inside = bins == one
        total += abs(float((level[inside] - label[inside]) @ weight[inside]))
    return total / float(weight.sum())


def balanced_accuracy(one: Scored) -> float:
    """Return the mean of the shares of stress and of rest that were recognised."""
    right = (one.level > UNDECIDED) == (one.label == 1)
    return float(right[one.label == 1].mean() + right[one.label == 0].mean()) / 2.0


def auc(one: Scored) -> float:
    """Return the chance that a stress window has a higher level than a rest window (Mann-Whitney)."""
    stress = one.label == 1
    count = int(stress.sum())
    above = float(rankdata(one.level)[stress].sum()) - count * (count + 1) / 2.0
    return above / (count * (len(stress) - count))


def f1_stress(one: Scored) -> float:
    """Return the harmonic mean of precision and recall for stress."""
    called, stress = one.level > UNDECIDED, one.label == 1
    return 2.0 * float((called & stress).sum()) / float(called.sum() + stress.sum())


def brier(one: Scored) -> float:
    """Return the mean squared distance of level and label, both classes weighing the same."""
    return float(np.average((one.level - one.label) ** 2, weights=weights(one.label)))


METRICS: Mapping[str, Callable[[Scored], float]] = {
    "balanced_accuracy": balanced_accuracy, "auc": auc, "f1_stress": f1_stress, "brier": brier,
}


def figures(scored: Mapping[str, Scored], seed: int) -> dict[str, list[float]]:
    """Return each metric as mean over subjects and its 95 % interval (bootstrap over subjects).

    `ece` is pooled over all windows, with the same bootstrap.
    """
    subjects = list(scored.values())
    random = np.random.default_rng(seed)
    draws = random.integers(len(subjects), size=(RESAMPLES, len(subjects)))
    found: dict[str, list[float]] = {}
    for name, metric in METRICS.items():
        each = np.array([metric(one) for one in subjects])
        means = each[draws].mean(axis=1)
        found[name] = _rounded(float(each.mean()), means)
    pooled = [_pooled_ece([subjects[k] for k in draw]) for draw in draws[:300]]
    found["ece"] = _rounded(_pooled_ece(subjects), np.array(pooled))
    return found


def _pooled_ece(subjects: list[Scored]) -> float:
    """Return the calibration error over all windows of some subjects."""
    return expected_calibration_error(np.concatenate([one.level for one in subjects]),
                                      np.concatenate([one.label for one in subjects]))


def _rounded(value: float, samples: FloatArray) -> list[float]:
    """Return value, lower and upper bound to three decimals."""
    low, high = np.percentile(samples, [2.5, 97.5])
    return [round(float(one), 3) for one in (value, low, high)]
