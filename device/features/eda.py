"""Skin conductance: tonic level and slope, skin conductance responses (SCR), quality of contact.

Samples are averaged onto a grid of 4 to 8 cells a second, and every cell is judged
(`device.features.skin_contact`) and searched for responses (`device.features.scr`) once. What is asked
for a window is then cheap, and the same whatever blocks the samples came in.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

import numpy as np

from device.features.cells import Cell, Cells
from device.features.scr import SCR_THRESHOLD_US, Scr, ScrFinder
from device.features.skin_contact import SkinContact
from device.features.window import FloatArray, Mask
from device.vitals import EdaFeatures

WINDOW_S = 60.0
MINIMUM_GOOD_S = 20.0
LATE_SLOPE_S = 20.0

# An amplitude must also stand this far out of the converter's own noise and steps.
SCR_NOISES = 4.0
SCR_STEPS = 1.5
NOISE_S = 5.0  # how often the noise is measured anew
# Noise that hides responses of more than this (the criterion by hand; Boucsein 2012) costs quality.
HIDDEN_US = 0.05
HIDDEN_SHARE = 0.03  # of the level

# Hum that folds into the band looks like responses, but as regular and symmetric as no gland works.
HUM_RESPONSES = 4
HUM_SPREAD = 0.15  # standard deviation over mean, of intervals and of amplitudes
HUM_RISE_SHARE = (0.35, 0.65)  # of an interval; a response falls far more slowly than it rises
HUM_TRUST = 0.2  # below what the estimator calls usable
MOST_PER_MIN = 40.0  # responses; more than 20 is already rare in high arousal (Boucsein 2012)

# The fast change compares the newest seconds with the half minute before.
FAST_S = 2.0
BEFORE_S = 30.0
FAST_BREAKS = 1  # one step may be a startle or a test bench; two are motion

_VALUE, _GOOD, _BAND, _ROUGH = range(4)


class EdaTracker:
    """Skin conductance as it streams by.

    Args:
        rate_hz: sample rate, 4 Hz or more.
    """

    def __init__(self, rate_hz: float) -> None:
        self.rate_hz = rate_hz
        self._clear()

    def push(self, start_s: float, values: Sequence[float]) -> None:
        """Append samples in microsiemens, the first taken at `start_s`; NaN marks a bad one.

        Blocks come in order of time; a step back by more than a minute (a restarted clock) starts anew.
        """
        end_s = self._cells.end_s
        if end_s is not None and start_s < end_s - WINDOW_S:
            self._clear()
        self._cells.push(start_s, values)

    def features(self, at_s: float) -> EdaFeatures | None:
        """Describe the minute before `at_s`, which must not be less than in the call before.

        Returns:
            The features, or None with less than 20 s of good contact.
        """
        for cell in self._cells.take(at_s):
            self._step(cell)
        late = min(self._cells.behind(at_s), self._size)
        head = self._count % self._size
        ring = np.concatenate((self._ring[:, head + late:], self._ring[:, :head]), axis=1) \
            if head + late < self._size else self._ring[:, head + late - self._size:head]
        good = ring[_GOOD] > 0.0
        good_s = float(np.count_nonzero(good)) / self._cells.rate_hz
        if good_s < MINIMUM_GOOD_S:
            return None
        return self._describe(ring, good, good_s, late)

    def _clear(self) -> None:
        """Forget everything."""
        self._cells = Cells(self.rate_hz, WINDOW_S)
        rate_hz = self._cells.rate_hz
        self._contact = SkinContact(rate_hz)
        self._finder = ScrFinder(rate_hz)
        self._size = round(WINDOW_S * rate_hz)
        self._second = max(1, round(rate_hz))
        self._noise_every = round(NOISE_S * rate_hz)
        self._ring = np.zeros((4, self._size))
        self._ring[_VALUE] = np.nan
        self._count = 0
        self._responses: deque[Scr] = deque(maxlen=int(WINDOW_S * rate_hz))
        self._threshold_us = SCR_THRESHOLD_US
        self._before = (math.nan, math.nan)

    def _step(self, cell: Cell) -> None:
        """Take in one cell."""
        verdict = self._contact.judge(cell)
        place = self._count % self._size
        value = cell.mean if verdict.touches else math.nan
        rough = abs(value - 2.0 * self._before[1] + self._before[0])
        self._before = (self._before[1], value)
        band = 0.0
        if verdict.good:
            found, band = self._finder.push(self._count, value, self._threshold_us)
            if found is not None:
                self._responses.append(found)
        else:
            self._doubt(verdict.doubted, shaken=verdict.shaken or not verdict.touches)
        self._ring[:, place] = value, verdict.good, band, rough
        self._count += 1
        if self._count % self._noise_every == 0:
            self._threshold_us = self._criterion_us()

    def _doubt(self, cells: int, *, shaken: bool) -> None:
        """Take back what was thought of the last cells."""
        self._finder.restart()
        first = self._count - min(cells, self._size - 1)
        while self._responses and self._responses[-1].peak >= first:
            self._responses.pop()
        for index in range(first, self._count):
            self._ring[_GOOD, index % self._size] = 0.0
            if shaken:
                self._ring[_VALUE, index % self._size] = np.nan

    def _criterion_us(self) -> float:
        """Return the amplitude criterion: 0.01 uS, more where the converter's noise or steps are larger.

        White noise of standard deviation s has second differences of sqrt(6) s; 1.4826 times the
        median of the absolute value is a standard deviation.
        """
        rough = self._ring[_ROUGH][(self._ring[_GOOD] > 0.0) & np.isfinite(self._ring[_ROUGH])]
        if rough.size == 0:
            return SCR_THRESHOLD_US
        noise_us = 1.4826 * _median(rough) / math.sqrt(6.0) * self._finder.noise_gain
        step_us = self._contact.resolution_us
        steps_us = SCR_STEPS * step_us if math.isfinite(step_us) else 0.0
        return max(SCR_THRESHOLD_US, SCR_NOISES * noise_us, steps_us)

    def _describe(self, ring: FloatArray, good: Mask, good_s: float, late: int) -> EdaFeatures:
        """Return the features of a window that has enough contact."""
        known = ring[_VALUE][good]
        minutes = np.flatnonzero(good) / (self._cells.rate_hz * 60.0)
        tonic_us = _median(known)
        oldest = self._count + late - self._size
        while self._responses and self._responses[0].peak < oldest:
            self._responses.popleft()
        responses = [one for one in self._responses if one.amplitude_us >= self._threshold_us]
        hum = self._is_hum(responses, good_s)
        count = 0 if hum else len(responses)
        hidden_us = max(HIDDEN_US, HIDDEN_SHARE * tonic_us)
        trust = self._contact.flat_trust() * min(1.0, hidden_us / self._threshold_us)
        newest = int(np.searchsorted(minutes, (good.size / self._cells.rate_hz - LATE_SLOPE_S) / 60.0))
        return EdaFeatures(
            tonic_us=tonic_us,
            tonic_slope_us_per_min=slope(minutes, known),
            scr_per_min=60.0 * count / good_s,
            scr_amplitude_us=sum(one.amplitude_us for one in responses) / count if count else 0.0,
            quality=trust * (HUM_TRUST if hum else 1.0) * good_s / WINDOW_S,
            scr_rise_s=sum(one.rise_s for one in responses) / count if count else 0.0,
            late_slope_us_per_min=slope(minutes[newest:], known[newest:]),
            phasic_sd_us=_deviation(ring[_BAND][good]),
            rise_us_per_min=self._rise(ring[_VALUE], good),
            range_us=float(known.max() - known.min()),
            fast_change=None if hum else self._fast_change(ring, good, late),
        )

    def _rise(self, values: FloatArray, good: Mask) -> float:
        """Return the mean of all changes over one second that go up, per minute; others count as none."""
        both = good[self._second:] & good[:-self._second]
        change = (values[self._second:] - values[:-self._second])[both]
        return 60.0 * _mean(np.maximum(change, 0.0)) if change.size else 0.0

    def _is_hum(self, responses: Sequence[Scr], good_s: float) -> bool:
        """Tell whether the responses are too many or too regular for skin."""
        if 60.0 * len(responses) / good_s > MOST_PER_MIN:
            return True
        if len(responses) < HUM_RESPONSES:
            return False
        later = responses[1:]  # the first may have begun before the contact
        intervals = [(one.peak - before.peak) / self._cells.rate_hz
                     for before, one in zip(responses, later, strict=False)]
        rise_share = sum(one.rise_s for one in later) / sum(intervals)
        if not HUM_RISE_SHARE[0] < rise_share < HUM_RISE_SHARE[1]:
            return False
        return max(_spread(intervals), _spread([one.amplitude_us for one in later])) < HUM_SPREAD

    def _fast_change(self, ring: FloatArray, good: Mask, late: int) -> float | None:
        """Return the log ratio of the last 2 s to the half minute before; None if that may be no skin."""
        fast, before = round(FAST_S * self._cells.rate_hz), round(BEFORE_S * self._cells.rate_hz)
        if late > self._second or good.size < fast + before or not good[-fast:].all():
            return None
        values, still = ring[_VALUE, -fast - before:], good[-fast - before:]
        edges = int(np.count_nonzero(still[1:] ^ still[:-1]))
        lost = not math.isfinite(float(np.add.reduce(values)))
        if lost or edges > 2 * FAST_BREAKS or self._contact.flat_trust() < 1.0:
            return None
        return math.log(_mean(values[-fast:]) / _median(values[:-fast]))


def slope(x: FloatArray, y: FloatArray) -> float:
    """Return the least-squares slope of y over x, 0 for fewer than two different x."""
    if x.size == 0:
        return 0.0
    x = x - _mean(x)
    spread = float(x @ x)
    return float(x @ y) / spread if spread > 0 else 0.0


def _mean(values: FloatArray) -> float:
    """Return the mean; numpy's own costs three times as much for a few values."""
    return float(np.add.reduce(values)) / values.size


def _median(values: FloatArray) -> float:
    """Return the (lower) median, like `_mean` for the sake of the processor."""
    middle = (values.size - 1) // 2
    ordered = values.copy()
    ordered.partition(middle)
    return float(ordered[middle])


def _deviation(values: FloatArray) -> float:
    """Return the standard deviation."""
    values = values - _mean(values)
    return math.sqrt(float(values @ values) / values.size)


def _spread(values: Sequence[float]) -> float:
    """Return the standard deviation over the mean."""
    mean = sum(values) / len(values)
    return math.sqrt(sum((value - mean) ** 2 for value in values) / len(values)) / mean
