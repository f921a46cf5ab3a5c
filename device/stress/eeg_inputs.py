"""What the EEG expert reads: band powers of eight channels, as deviations from this person's first minute.

The channels are the Cyton's default montage. Delta is left out: eyes, sweat and electrodes rule it.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from device.vitals import EegFeatures

FloatArray = NDArray[np.float64]

CHANNELS = ("Fp1", "Fp2", "C3", "C4", "P7", "P8", "O1", "O2")
BANDS = ("theta", "alpha", "low_beta", "high_beta")
FIRST_BAND = 1  # of `EegFeatures.ln_power`, which begins with delta
MINIMUM_CHANNELS = 5  # of eight
CLIP = 8.0  # spreads; beyond it only outliers live
RESET_AFTER_S = 120.0  # without signal for this long, somebody else may wear the sensors
ADAPTATION_S = 900.0  # chosen: follows drying electrodes, too slow to take a quarter of an hour for normal
FIRST_FEATURES_S = 11.0  # of signal before there are any
READY_S = 60.0 - FIRST_FEATURES_S  # of features: a minute of contact


class FirstMinute:
    """A person's usual values: their mean over the first minute of contact, then following slowly.

    After that minute the gain is constant, so nothing in the deviations tells how much time has passed.

    Args:
        size: how many values there are.
        ready_s: seconds of features until deviations are given.
    """

    def __init__(self, size: int, ready_s: float = READY_S) -> None:
        self._ready_s = ready_s
        self._seconds = np.zeros(size)
        self._mean = np.zeros(size)
        self._last_s = -math.inf

    def update(self, at_s: float, values: FloatArray) -> FloatArray:
        """Take in one second's values; return their deviations, NaN where absent or not yet known.

        Args:
            at_s: time of the values; after 120 s without any the person is forgotten.
            values: one for each, NaN where absent.
        """
        known = np.isfinite(values)
        if known.any():
            if at_s - self._last_s > RESET_AFTER_S:
                self._seconds[:] = 0.0
            self._last_s = at_s
        ready = known & (self._seconds >= self._ready_s)
        self._seconds[known & ~ready] += 1.0
        gain = np.where(ready, 1.0 / ADAPTATION_S, 1.0 / np.maximum(self._seconds, 1.0))
        self._mean += np.where(known, gain * (np.where(known, values, 0.0) - self._mean), 0.0)
        return np.where(ready, values - self._mean, np.nan)


def input_names() -> list[str]:
    """Return the names of the model's inputs in order."""
    return [f"{channel}_{band}" for channel in CHANNELS for band in BANDS]


def read_powers(eeg: EegFeatures) -> FloatArray:
    """Return ln uV^2 in the order of `input_names`, NaN for channels without clean signal.

    A headset with another number of channels gives NaN throughout: the expert knows this montage only.
    """
    if len(eeg.ln_power) != len(CHANNELS):
        return np.full(len(CHANNELS) * len(BANDS), np.nan)
    absent = (math.nan,) * len(BANDS)
    rows = [absent if row is None else row[FIRST_BAND:] for row in eeg.ln_power]
    return np.asarray(rows, dtype=np.float64).ravel()


def model_vector(deviations: FloatArray, spread: FloatArray) -> NDArray[np.float32] | None:
    """Return the model's inputs, or None with fewer than five usable channels.

    A missing channel takes the mean of the others in each band.

    Args:
        deviations: personal deviations in ln units, NaN where unknown.
        spread: the population's, one for each input.
    """
    scaled = np.clip(deviations / spread, -CLIP, CLIP).reshape(len(CHANNELS), len(BANDS))
    usable = np.isfinite(scaled).all(axis=1)
    if np.count_nonzero(usable) < MINIMUM_CHANNELS:
        return None
    filled = np.where(usable[:, None], scaled, scaled[usable].mean(axis=0))
    return filled.astype(np.float32).ravel()
