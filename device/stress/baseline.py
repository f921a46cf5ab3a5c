"""What is usual for this person: running mean and spread of each input since the skin was touched."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

RESET_AFTER_S = 120.0  # without features for this long, somebody else may wear the sensors


class Baseline:
    """Causal personal normalisation.

    Mean and spread run over everything seen since contact, by Welford's method. The spread starts from
    the population's and moves to the person's own as `prior_seconds` pass, so the first minutes
    give small deviations instead of wild ones.

    Args:
        spread: the population's typical spread within one person, one per input.
        prior_seconds: how many seconds of data the population's spread counts as.
    """

    def __init__(self, spread: Sequence[float], prior_seconds: float) -> None:
        self._prior = np.square(np.asarray(spread, dtype=np.float64))
        self._prior_seconds = prior_seconds
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
        self._seconds[known] += 1.0
        step = np.where(known, values - self._mean, 0.0)
        self._mean += step / np.maximum(self._seconds, 1.0)
        self._squares += step * np.where(known, values - self._mean, 0.0)
        spread = np.sqrt((self._squares + self._prior_seconds * self._prior)
                         / (self._seconds + self._prior_seconds))
        return np.where(known, (values - self._mean) / spread, np.nan)

    def certainty(self) -> FloatArray:
        """Return for each input how far mean and spread are the person's own, 0 (not yet) to near 1."""
        return np.asarray(self._seconds / (self._seconds + self._prior_seconds), dtype=np.float64)

    def _clear(self) -> None:
        """Forget the person."""
        self._seconds = np.zeros_like(self._prior)
        self._mean = np.zeros_like(self._prior)
        self._squares = np.zeros_like(self._prior)
