"""From the logits of a model to levels: log-odds, and temperature scaling with a bias."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from device.evaluation.metrics import weights

FloatArray = NDArray[np.float64]
Labels = NDArray[np.int64]

EXTREME = 1e-4  # levels are kept this far from 0 and 1 when they become log-odds


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


def log_odds(level: FloatArray) -> FloatArray:
    """Return the logit of a level."""
    level = np.clip(level, EXTREME, 1.0 - EXTREME)
    return np.asarray(np.log(level / (1.0 - level)))


def calibrate(logit: FloatArray, label: Labels) -> Calibration:
    """Return temperature and bias with the least class-balanced log loss (Guo et al. 2017, ICML)."""
    weight = weights(label)
    sign = 2.0 * label - 1.0

    def loss(point: FloatArray) -> float:
        """Return the log loss at (log temperature, bias)."""
        wrong = -sign * (logit * np.exp(-point[0]) + point[1])
        return float(np.average(np.logaddexp(0.0, wrong), weights=weight))

    best = minimize(loss, np.zeros(2), method="BFGS").x
    return Calibration(float(np.exp(best[0])), float(best[1]))
