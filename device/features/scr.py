"""Skin conductance responses, found while the signal streams by, each once."""

from __future__ import annotations

import math
from collections import deque
from typing import NamedTuple

# Boucsein 2012, Electrodermal Activity: amplitude criterion 0.01 uS when scored by machine, rise
# time 0.5 to 5 s, recovery slower than rise.
SCR_THRESHOLD_US = 0.01
SCR_RISE_S = (0.5, 5.0)
ONSET_SLOPE = 0.2  # of the steepest slope of the rise
TURN = 0.3  # of the threshold: a smaller turn is part of the same rise or fall
ABRUPT_SHARE = 0.92  # of an amplitude within two cells (a step may fall into one): a pop, no gland

SMOOTH_S = 0.5  # half of the triangular kernel's width: passes responses, takes out converter noise
SLOW_S = 20.0  # time constant of the level under the responses; a rise of 2 s loses 5 % to it
# Posada-Quintero et al. 2016 (Am J Physiol 311:R582): stress shows in 0.045 to 0.25 Hz. First-order
# high pass at 0.045 Hz; the kernel's own low pass (-3 dB at 0.6 Hz) takes the place of the upper end.
BAND_S = 3.5


class Scr(NamedTuple):
    """One response: the cell of its peak, its onset-to-peak amplitude and time."""

    peak: int
    amplitude_us: float
    rise_s: float


class ScrFinder:
    """Finds responses in good stretches of conductance; start a new stretch after bad samples.

    A response is a rise that takes 0.5 to 5 s from its onset to the next local maximum. Its onset is
    where the rise last was slower than a fifth of its steepest slope, so that a slow rise before a
    response does not lengthen it. It is known as soon as the fall after it is clear.

    Args:
        rate_hz: cells per second, 4 to 8.
    """

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        half = max(1, round(SMOOTH_S * rate_hz))
        weights = [1.0 + min(k, 2 * half - k) for k in range(2 * half + 1)]
        self._kernel = [weight / sum(weights) for weight in weights]
        self.noise_gain = math.sqrt(sum(weight * weight for weight in self._kernel))
        self.delay = half
        kept = round((SCR_RISE_S[1] + 3.0) * rate_hz)
        self._taps: deque[float] = deque(maxlen=len(weights))
        self._phasic: deque[float] = deque(maxlen=kept)
        self._raw: deque[float] = deque(maxlen=kept)
        self.restart()

    def restart(self) -> None:
        """Begin a new stretch: nothing before is related to what follows."""
        self._taps.clear()
        self._phasic.clear()
        self._raw.clear()
        self._slow = self._band_slow = 0.0
        self._rising = False
        self._turn = 0.0  # highest value of a rise, lowest of a fall
        self._turn_age = 0
        self._low_age = 0

    def push(self, cell: int, value_us: float, threshold_us: float) -> tuple[Scr | None, float]:
        """Take in the next good value.

        Args:
            cell: its number on the grid.
            value_us: in microsiemens.
            threshold_us: amplitude criterion at present.

        Returns:
            The response that is now known, if any, and the band-passed signal (microsiemens, `delay`
            cells late; 0 while the kernel fills).
        """
        self._taps.append(value_us)
        if len(self._taps) < len(self._kernel):
            return None, 0.0
        smooth = sum(weight * tap for weight, tap in zip(self._kernel, self._taps, strict=True))
        if not self._phasic:
            self._slow = self._band_slow = smooth
        self._slow += (smooth - self._slow) / (SLOW_S * self._rate_hz)
        self._band_slow += (smooth - self._band_slow) / (BAND_S * self._rate_hz)
        self._phasic.append(smooth - self._slow)
        self._raw.append(self._taps[self.delay])
        found = self._turn_over(self._phasic[-1], threshold_us) if len(self._phasic) > 1 else None
        if found is not None:
            found = found._replace(peak=cell - self.delay - found.peak)
        return found, smooth - self._band_slow

    def _turn_over(self, phasic: float, threshold_us: float) -> Scr | None:
        """Follow highs and lows; return the response whose peak is now confirmed, peak as an age."""
        self._turn_age += 1
        self._low_age += 1
        found = None
        if phasic > self._turn if self._rising else phasic < self._turn:
            self._turn, self._turn_age = phasic, 0
        elif abs(phasic - self._turn) > TURN * threshold_us:
            if self._rising:
                found = self._judge(threshold_us)
            else:
                self._low_age = self._turn_age
            self._rising = not self._rising
            self._turn, self._turn_age = phasic, 0
        return found

    def _judge(self, threshold_us: float) -> Scr | None:
        """Return the rise from the last low to the high as a response, if it is one."""
        phasic = list(self._phasic)
        peak = len(phasic) - 1 - self._turn_age
        start = max(0, len(phasic) - 1 - self._low_age)
        if peak <= start or phasic[peak] - phasic[start] < threshold_us:
            return None
        slopes = [phasic[k + 1] - phasic[k] for k in range(start, peak)]
        steepest = max(range(len(slopes)), key=slopes.__getitem__)
        onset = start
        for k in range(steepest - 1, -1, -1):
            if slopes[k] < ONSET_SLOPE * slopes[steepest]:
                onset = start + k + 1
                break
        amplitude, rise_s = phasic[peak] - phasic[onset], (peak - onset) / self._rate_hz
        if amplitude < threshold_us or not SCR_RISE_S[0] <= rise_s <= SCR_RISE_S[1]:
            return None
        raw = list(self._raw)[onset:peak + 1]  # more than two, by the shortest rise
        if max(raw[k + 2] - raw[k] for k in range(len(raw) - 2)) > ABRUPT_SHARE * amplitude:
            return None
        return Scr(peak=self._turn_age, amplitude_us=amplitude, rise_s=rise_s)
