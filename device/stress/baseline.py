"""What is usual for this person: a running estimate of each input's mean and spread since contact.

The device never sees a person before. It starts from the population: where people lie (`mean`,
`between`) and how far one person moves (`within`). With every second the estimate becomes the person's
own, by a Kalman filter for a slowly wandering mean (Kalman 1960, J Basic Eng 82:35). A deviation is
measured in units of what is still unknown about the mean and of the person's own spread together, so
that the first seconds compare with the population, later ones with the person.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

RESET_AFTER_S = 120.0  # without features for this long, somebody else may wear the sensors
INDEPENDENT_S = 90.0  # one minute's features overlap and drift together: chosen on the development people
MEMORY_S = 1200.0  # the mean may wander this slowly: chosen on the development people
SPREAD_PRIOR_S = 300.0  # seconds that the population's spread within one person counts as


class Population(NamedTuple):
    """Per input: the mean over people, their standard deviation, and the usual one within a person."""

    mean: Sequence[float] | FloatArray
    between: Sequence[float] | FloatArray
    within: Sequence[float] | FloatArray


class Baseline:
    """Causal personal normalisation of one person's inputs.

    Args:
        population: what is known before contact.
    """

    def __init__(self, population: Population) -> None:
        self._mean_before = np.asarray(population.mean, dtype=np.float64)
        self._doubt_before = np.square(np.asarray(population.between, dtype=np.float64))
        self._within = np.square(np.asarray(population.within, dtype=np.float64))
        self._measured = INDEPENDENT_S * self._within  # variance of one second's word on the mean
        self._wander = self._measured / MEMORY_S**2  # per second; the gain settles at 1 / MEMORY_S
        self._last_s: float | None = None
        self._clear()

    def update(self, at_s: float, values: FloatArray) -> FloatArray:
        """Take in one second's inputs and return their deviations in units of spread, NaN where absent.

        Args:
            at_s: time of the values; after 120 s without any value the baseline starts anew.
            values: one per input, NaN where the signal is absent.
        """
        known = np.isfinite(values)
        if known.any():
            if self._last_s is not None and at_s - self._last_s > RESET_AFTER_S:
                self._clear()
            self._last_s = at_s
        self._seconds += known
        self._doubt += self._wander * known
        gain = np.where(known, self._doubt / (self._doubt + self._measured), 0.0)
        self._mean += gain * np.where(known, values - self._mean, 0.0)
        self._doubt *= 1.0 - gain
        away = np.where(known, values - self._mean, 0.0)
        share = known / (np.minimum(self._seconds, MEMORY_S) + SPREAD_PRIOR_S)
        self._variance += share * (away * away - self._variance)
        return np.where(known, away / np.sqrt(self._variance + self._doubt), np.nan)

    def certainty(self) -> FloatArray:
        """Return for each input how far a deviation is this person's, 0 (the population's) to near 1.

        It is the share of the person's own variance in the variance by which deviations are divided.
        """
        return np.asarray(self._variance / (self._variance + self._doubt), dtype=np.float64)

    def _clear(self) -> None:
        """Forget the person."""
        self._seconds = np.zeros_like(self._within)
        self._mean = self._mean_before.copy()
        self._doubt = self._doubt_before.copy()
        self._variance = self._within.copy()
