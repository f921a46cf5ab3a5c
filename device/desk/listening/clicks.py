"""Clicks: samples whose bend stands out from all that is heard just before and just after.

A step or a spike of one sample is a wide-band event; in the second difference, which lifts high
frequencies by 12 dB an octave, it stands far above the music around it. The attack of a note is not a
click: after it the sound stays as bright as it came. Thresholds were set with steps put into rendered
music, see `tests/desk/listening/test_clicks.py`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from device.desk.listening.sound import Recording

NEIGHBOURS = 256  # samples to each side that make up the surroundings: 6 ms
GUARD = 8  # samples around the candidate that belong to it
RATIO = 10.0  # times the mean of either side; the largest of 10 million Gaussian samples is at 7
FLOOR = 1e-3  # -60 dBFS; a smaller bend is not heard and may come from rounding to 16 bit
JOIN_S = 0.01  # candidates so close are one click


def find_clicks(sound: Recording) -> list[float]:
    """Return the times in seconds at which any channel clicks."""
    found = [_outliers(sound.samples[:, channel].astype(np.float64))
             for channel in range(sound.samples.shape[1])]
    clicks: list[float] = []
    for at in np.sort(np.concatenate(found)) if found else ():
        if not clicks or at / sound.rate_hz - clicks[-1] > JOIN_S:
            clicks.append(float(at / sound.rate_hz))
    return clicks


def _outliers(channel: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the samples whose bend is an outlier to both sides; silence counts as surroundings too."""
    bend = np.pad(np.abs(np.diff(channel, n=2)), NEIGHBOURS)
    inner = bend[NEIGHBOURS:bend.size - NEIGHBOURS]
    total = np.concatenate([[0.0], np.cumsum(bend)])
    length = NEIGHBOURS - GUARD
    begins = np.arange(inner.size)
    before = (total[begins + length] - total[begins]) / length
    after_at = begins + NEIGHBOURS + GUARD + 1
    after = (total[np.minimum(after_at + length, bend.size)] - total[after_at]) / length
    return np.flatnonzero((inner > FLOOR) & (inner > RATIO * np.maximum(before, after))) + 1
