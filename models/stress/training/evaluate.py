"""From the logits of a model to levels: calibration and smoothing; the figures are `device.evaluation`'s."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from device.evaluation.metrics import METRICS, RESAMPLES, Scored, figures, weights

__all__ = ["METRICS", "RESAMPLES", "Calibration", "Scored", "calibrate", "figures", "sigmoid", "smooth",
           "weights"]

FloatArray = NDArray[np.float64]
Labels = NDArray[np.int64]


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
