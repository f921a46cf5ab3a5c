"""Temperature and bias that make logits into honest log-odds, stress and rest taken as equally likely."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from device.evaluation.metrics import weights

FloatArray = NDArray[np.float64]
Labels = NDArray[np.int64]


class Calibration(NamedTuple):
    """Logit x becomes x / temperature + bias."""

    temperature: float
    bias: float

    def apply(self, logit: FloatArray) -> FloatArray:
        """Return calibrated logits."""
        return logit / self.temperature + self.bias


def log_loss(logit: FloatArray, label: Labels, calibration: Calibration) -> float:
    """Return the class-balanced log loss of calibrated logits."""
    wrong = -(2.0 * label - 1.0) * calibration.apply(logit)
    return float(np.average(np.logaddexp(0.0, wrong), weights=weights(label)))


def calibrate(logit: FloatArray, label: Labels) -> Calibration:
    """Return temperature and bias with the least class-balanced log loss (Guo et al. 2017, ICML)."""
    def loss(point: FloatArray) -> float:
        """Return the log loss at (log temperature, bias)."""
        return log_loss(logit, label, Calibration(float(np.exp(point[0])), float(point[1])))

    best = minimize(loss, np.zeros(2), method="BFGS").x
    return Calibration(float(np.exp(best[0])), float(best[1]))
