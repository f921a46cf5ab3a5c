"""Samples of any rate averaged onto one slow grid, the same whatever blocks they came in."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

SLOWEST_HZ = 4.0  # rate of the grid is 4 to 8 Hz; a signal below 4 Hz keeps its own rate
NOTHING = 1e-9  # of a unit: converters differ by more, floating point by less


class Cell(NamedTuple):
    """The mean of some consecutive samples, NaN if one of them is bad.

    `finest` is the smallest difference of neighbouring samples that is not zero, infinite when all are
    equal: on a coarse converter its step.
    """

    mean: float
    finest: float


class Cells:
    """Collects samples into cells of a whole number of them.

    A jump between the end of one push and the start of the next becomes NaN samples; a block that begins
    before the end of the last one loses its overlap. At most `span_s` seconds wait to be taken.

    Args:
        rate_hz: sample rate of the signal.
        span_s: longest gap that is filled, and most that is kept.
    """

    def __init__(self, rate_hz: float, span_s: float) -> None:
        self.factor = max(1, int(rate_hz / SLOWEST_HZ + NOTHING))
        self.rate_hz = rate_hz / self.factor
        self._sample_hz = rate_hz
        self._span = round(span_s * rate_hz)
        self._waiting: list[float] = []
        self._last = math.nan
        self.end_s: float | None = None

    def push(self, start_s: float, values: Sequence[float]) -> None:
        """Append samples, the first taken at `start_s`; NaN marks a bad one."""
        if self.end_s is None:
            self.end_s = start_s
        missing = round((start_s - self.end_s) * self._sample_hz)
        if missing > 0:
            self._waiting += [math.nan] * min(missing, self._span)
        elif missing < 0:
            values = values[-missing:]
            start_s -= missing / self._sample_hz
        if values:
            self._waiting += values
            self.end_s = start_s + len(values) / self._sample_hz
        surplus = len(self._waiting) - self._span
        if surplus > 0:  # nobody asked for a long time; whole cells go, the grid stays
            del self._waiting[:-(-surplus // self.factor) * self.factor]

    def take(self, at_s: float) -> list[Cell]:
        """Return the cells that are complete by `at_s` and were not taken yet, in order of time."""
        count = len(self._waiting)
        if self.end_s is not None and at_s < self.end_s:
            count -= min(count, math.ceil((self.end_s - at_s) * self._sample_hz - 1e-6))
        count -= count % self.factor
        if count <= 0:
            return []
        taken, self._waiting = self._waiting[:count], self._waiting[count:]
        return [self._cell(taken[first:first + self.factor]) for first in range(0, count, self.factor)]

    def behind(self, at_s: float) -> int:
        """Return how many cells lie between the last complete one and `at_s`, never less than 0."""
        if self.end_s is None:
            return 0
        ended_s = self.end_s - len(self._waiting) / self._sample_hz
        return max(0, int((at_s - ended_s) * self.rate_hz + 1e-6))

    def _cell(self, samples: list[float]) -> Cell:
        """Return the cell of consecutive samples; a few are faster without numpy."""
        finest, last = math.inf, self._last
        for sample in samples:
            step = abs(sample - last)
            if NOTHING < step < finest:
                finest = step
            last = sample
        self._last = last
        return Cell(sum(samples) / self.factor, finest)
