"""How a row of numbers wanders: the exponent of its power spectrum, and its entropy.

Voss and Clarke (1978) found pitch and loudness of music to be 1/f: exponent 1. White noise has 0, a
random walk 2.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

BANDS = 12
FEWEST = 64  # values; a shorter row says little about slow wandering


def exponent(row: ArrayLike) -> float | None:
    """Return the falling slope of a row's log-log power spectrum; None for a short or constant row.

    A straight line is fitted to the bands, so every octave weighs the same.
    """
    frequency, power = bands(row)
    return None if frequency.size == 0 else float(-np.polyfit(np.log(frequency), np.log(power), 1)[0])


def bands(row: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return frequencies (cycles per value) and mean power of bands of equal ratio.

    The periodogram (Hann window, without the mean) from 2 cycles a row to half a cycle a value; both
    are empty for a row that is constant or shorter than 64 values.
    """
    values = np.asarray(row, float)
    if values.size < FEWEST or np.ptp(values) == 0.0:
        return np.empty(0), np.empty(0)
    power = np.abs(np.fft.rfft((values - values.mean()) * np.hanning(values.size))) ** 2
    frequency = np.fft.rfftfreq(values.size)
    points = []
    for low, high in itertools.pairwise(np.geomspace(frequency[2], 0.5, BANDS)):
        inside = power[(frequency >= low) & (frequency < high)]
        if inside.size:
            points.append((math.sqrt(low * high), max(float(inside.mean()), 1e-300)))
    centres, powers = np.array(points).T
    return centres, powers


def entropy_bits(row: Sequence[Hashable]) -> float:
    """Return the entropy of what is in a row, in bits; 0 of nothing."""
    counts = np.array(list(Counter(row).values()), float)
    shares = counts / counts.sum() if counts.size else np.ones(1)
    return abs(float(-(shares * np.log2(shares)).sum()))


def following_bits(row: Sequence[Hashable]) -> float:
    """Return the entropy of the next when the present one is known (first order), in bits."""
    return max(0.0, entropy_bits(list(itertools.pairwise(row))) - entropy_bits(row[:-1]))
