"""Which systolic peaks are beats, and which beats may be trusted."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from device.features.pulse_wave import SHAPE_POINTS, Peaks
from device.features.window import FloatArray, Mask, median

CAPACITY = 1024  # peaks; 70 s at 200 a minute with a second wave each are 470
# Orphanidou et al. 2015 (IEEE J Biomed Health Inform 19:832) accept a whole PPG segment from a mean
# template correlation of 0.86; single beats of a good segment scatter below it.
TEMPLATE_CORRELATION = 0.6
# Chosen: a second (dicrotic) wave rises less than this share of both of its neighbours.
SECOND_WAVE = 0.45
RISE_RANGE = (0.25, 4.0)  # of the median of the window; chosen: vessels narrow within it when stress begins


class Beats(NamedTuple):
    """Beats of a window in order: peak times in seconds, which may be trusted, trough to peak, likeness."""

    at_s: FloatArray
    good: Mask
    amplitude: FloatArray
    template: FloatArray  # the mean pulse, 25 points over 0.3 s on each side of the peak


class BeatStore:
    """The peaks of the last minute or so in arrays that are not built anew every second."""

    def __init__(self) -> None:
        self._at_s = np.empty(CAPACITY)
        self._size = np.empty((CAPACITY, 2))
        self._whole = np.empty(CAPACITY, dtype=bool)
        self._shape = np.empty((CAPACITY, SHAPE_POINTS))
        self._end = 0

    def add(self, peaks: Peaks) -> None:
        """Keep peaks; a step back in time (a restarted clock) forgets what was before."""
        count = peaks.at_s.size
        if count == 0:
            return
        if self._end and peaks.at_s[0] <= self._at_s[self._end - 1]:
            self._end = 0
        if self._end + count > CAPACITY:
            self._drop_older_half()
        kept = slice(self._end, self._end + count)
        self._at_s[kept] = peaks.at_s
        self._size[kept, 0] = peaks.rise
        self._size[kept, 1] = peaks.amplitude
        self._whole[kept] = peaks.whole
        self._shape[kept] = peaks.shape
        self._end += count

    def between(self, start_s: float, end_s: float) -> Peaks:
        """Return the peaks after `start_s` up to `end_s`, as views."""
        low, high = self._at_s[:self._end].searchsorted((start_s, end_s), side="right").tolist()
        return Peaks(self._at_s[low:high], self._size[low:high, 0], self._size[low:high, 1],
                     self._whole[low:high], self._shape[low:high])

    def _drop_older_half(self) -> None:
        """Make room."""
        half = CAPACITY // 2
        for array in (self._at_s, self._size, self._whole, self._shape):
            array[:self._end - half] = array[half:self._end].copy()
        self._end -= half


def judge(peaks: Peaks, smallest: float) -> Beats:
    """Leave out second waves and tell which beats may be trusted.

    Trusted is a whole beat whose rise is near the median and whose shape is like the mean of all.

    Args:
        peaks: systolic peaks of one window.
        smallest: rise below which nothing is a pulse, in the signal's unit.
    """
    first = _not_second_waves(peaks.rise)
    at_s, rise, whole = peaks.at_s[first], peaks.rise[first], peaks.whole[first]
    shape = peaks.shape[first]
    if at_s.size == 0:
        return Beats(at_s, whole, rise, np.zeros(SHAPE_POINTS))
    middle = median(rise)
    likely = whole & (rise >= max(smallest, RISE_RANGE[0] * middle)) & (rise <= RISE_RANGE[1] * middle)
    template = shape[likely].sum(axis=0)
    for _ in range(2):  # once without what is unlike the first mean
        size = math.sqrt(float(template @ template))
        if size == 0.0:
            return Beats(at_s, np.zeros(at_s.size, dtype=bool), peaks.amplitude[first], template)
        template = template / size
        good = likely & (shape @ template >= TEMPLATE_CORRELATION)
        template = shape[good].sum(axis=0)
    return Beats(at_s, good, peaks.amplitude[first], template / max(1, np.count_nonzero(good)))


def _not_second_waves(rise: FloatArray) -> Mask:
    """Tell which peaks stand their ground between their neighbours."""
    if rise.size < 3:  # noqa: PLR2004 - a peak and its two neighbours
        return np.ones(rise.size, dtype=bool)
    kept = np.ones(rise.size, dtype=bool)
    kept[1:-1] = rise[1:-1] >= SECOND_WAVE * np.minimum(rise[:-2], rise[2:])
    return kept
