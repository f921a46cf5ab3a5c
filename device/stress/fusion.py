"""Late fusion: opinions of any subset of experts to one level with its variance.

Given the state, the sources are taken as independent, so their log-odds add (naive Bayes; Genest &
Zidek 1986, Statist Sci 1:114). Each is weighed by the quality of its signal and by how much it was
found to be worth beside others. Doubt about a logit pulls the level toward one half.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from device.messages import Source
from device.stress.opinion import Opinion

# A signal counts from the first quality on, and in full from the second; chosen.
USABLE_QUALITY = 0.25
FULL_QUALITY = 0.6

# Gauss-Hermite quadrature of order 5 for the mean over a normal variable (Abramowitz & Stegun 1964, table
# 25.10, abscissas times sqrt 2, weights over sqrt pi).
_NODES = np.array([-2.8569700139, -1.3556261800, 0.0, 1.3556261800, 2.8569700139])
_WEIGHTS = np.array([0.0112574113, 0.2220759220, 0.5333333333, 0.2220759220, 0.0112574113])


class Fused(NamedTuple):
    """All opinions together: log-odds and their variance."""

    logit: float
    variance: float


def trust(quality: float) -> float:
    """Return how much a signal of a quality (0 to 1) counts, 0 to 1."""
    return min(1.0, max(0.0, (quality - USABLE_QUALITY) / (FULL_QUALITY - USABLE_QUALITY)))


def fuse(opinions: Mapping[Source, Opinion], weight: Callable[[Source], float]) -> Fused:
    """Add up the opinions.

    Args:
        opinions: of the experts whose sources are usable; none of them gives 0 with no variance.
        weight: what a source counts beside others; an expert alone counts 1.

    Returns:
        The weighed sum of the log-odds and its variance.
    """
    alone = len(opinions) == 1
    logit = variance = 0.0
    for source, opinion in opinions.items():
        share = trust(opinion.quality) * (1.0 if alone else weight(source))
        logit += share * opinion.logit
        variance += share * share * opinion.variance
    return Fused(logit, variance)


def level_of(logit: float, variance: float) -> tuple[float, float]:
    """Return mean and variance of the level, 0 to 1, whose log-odds are normal.

    Args:
        logit: mean of the log-odds.
        variance: of the log-odds, 0 or more.
    """
    levels = 0.5 + 0.5 * np.tanh(0.5 * (logit + math.sqrt(variance) * _NODES))
    mean = float(levels @ _WEIGHTS)
    return mean, max(0.0, float(np.square(levels - mean) @ _WEIGHTS))
