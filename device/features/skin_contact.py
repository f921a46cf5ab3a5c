"""Whether a skin conductance is skin: range, steepness, motion, and a sensor that stands still."""

from __future__ import annotations

import math
from collections import deque
from typing import NamedTuple

from device.features.cells import NOTHING, Cell

# Kleckner et al. 2018 (IEEE Trans Biomed Eng 65:1460): valid range 0.05 to 60 uS, slope within
# 10 uS/s, and samples near invalid ones are invalid too (here 1 s, at a 60 s window).
LOWEST_US = 0.05
HIGHEST_US = 60.0
STEEPEST_US_PER_S = 10.0
GUARD_S = 1.0

# Dry electrodes at 0.3 uS never reach 10 uS/s. Of 28 wrist recordings only those with lost contact
# change faster than threefold a second in more than one sample of a thousand.
STEEPEST_SHARE_PER_S = 3.0
LEAST_STEP_US = 0.05  # below it a large share is converter noise

# Motion moves to and fro: the path is many times the range. One whole response in the span (up and
# down) has a path of twice its range, two have four times.
SHAKE_S = 4.0
SHAKE_PATH = 4.5
SHAKE_SHARE = 0.08  # of the level, that the range must exceed besides
SHAKE_US = 0.10

# The longest run of equal samples in 28 recordings of an hour (0.001 uS converter) is 4 s.
FLAT_DOUBT_S = 10.0
FLAT_DEAD_S = 30.0
COARSE_US = 0.01  # coarser converters may rest on a code longer, in proportion, up to 4 times
COARSE_PATIENCE = 4.0

# A dead sensor on a fine converter shows that converter's noise and nothing else: less than 0.1 % of
# 5 uS from end to end. Averaged over seconds, no skin of 28 people kept within 1.1 % for 45 s.
STILL_S = 45
STILL_SHARE = 0.003


class Verdict(NamedTuple):
    """What is to be thought of a cell.

    Attributes:
        touches: its value is a conductance of skin.
        good: it may be part of a response and of the level.
        doubted: how many cells before it are not good either.
        shaken: those and this one are motion, and no conductance of skin.
    """

    touches: bool
    good: bool
    doubted: int = 0
    shaken: bool = False


class SkinContact:
    """Judges one cell after the other.

    Args:
        rate_hz: cells per second.
    """

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self._guard = round(GUARD_S * rate_hz)
        self._guarded = 0
        self._recent: deque[float] = deque(maxlen=round(SHAKE_S * rate_hz) + 1)
        self._last = math.nan
        self._flat = 0
        self._seconds: deque[float] = deque(maxlen=STILL_S)
        self._second: list[float] = []
        self._still = False
        self.resolution_us = math.inf

    def judge(self, cell: Cell) -> Verdict:
        """Return the verdict on the next cell of conductance in microsiemens."""
        value, last = cell.mean, self._last
        touches = LOWEST_US <= value <= HIGHEST_US
        self._last = value if touches else math.nan
        if not touches:
            return self._lose()
        self._resolve(cell.finest)
        change = abs(value - last)
        if cell.finest == math.inf and change < NOTHING:
            self._flat += 1
            dead = math.ceil(FLAT_DEAD_S * self._rate_hz * self._patience())
            if self._flat >= dead:
                self._recent.clear()
                return Verdict(touches=False, good=False, doubted=self._flat if self._flat == dead else 0)
        else:
            self._flat = 0
        if self._stands_still(value):
            return self._still_verdict()
        self._still = False
        self._recent.append(value)
        if change * self._rate_hz > self._steepest(value, last):
            self._guarded = self._guard
            self._recent.clear()
            return Verdict(touches=True, good=False, doubted=self._guard)
        if self._shakes():
            self._guarded = self._guard
            return Verdict(touches=False, good=False, doubted=len(self._recent) - 1, shaken=True)
        self._guarded = max(0, self._guarded - 1)
        return Verdict(touches=True, good=self._guarded == 0)

    def flat_trust(self) -> float:
        """Return 1 unless the signal has stood still for more than 10 s, falling to 0 at 30 s."""
        flat_s = self._flat / self._rate_hz / self._patience()
        return min(1.0, max(0.0, (FLAT_DEAD_S - flat_s) / (FLAT_DEAD_S - FLAT_DOUBT_S)))

    def _lose(self) -> Verdict:
        """Return the verdict on a cell that is no skin."""
        self._recent.clear()
        self._seconds.clear()
        self._second = []
        self._still = False
        self._flat = 0
        self._guarded = self._guard
        return Verdict(touches=False, good=False, doubted=self._guard)

    def _stands_still(self, value: float) -> bool:
        """Tell whether the seconds before have shown nothing but a fine converter's noise."""
        self._second.append(value)
        if len(self._second) >= self._rate_hz:
            self._seconds.append(sum(self._second) / len(self._second))
            self._second = []
        if len(self._seconds) < STILL_S:
            return False
        low = min(self._seconds)
        reach = STILL_SHARE * low
        # What a coarse converter does not show is left to the run of equal samples.
        return 2.0 * self.resolution_us < reach and max(self._seconds) - low < reach

    def _still_verdict(self) -> Verdict:
        """Return the verdict on a cell of a dead sensor; the first also condemns the seconds before."""
        doubted = 0 if self._still else round(STILL_S * self._rate_hz)
        self._still = True
        self._recent.clear()
        self._guarded = self._guard
        return Verdict(touches=False, good=False, doubted=doubted)

    def _resolve(self, finest_us: float) -> None:
        """Follow the converter's step, forgetting a finer one within minutes."""
        if math.isfinite(self.resolution_us):
            self.resolution_us *= 1.0 + 1.0 / (60.0 * self._rate_hz)
        self.resolution_us = min(self.resolution_us, finest_us)

    def _patience(self) -> float:
        """Return how many times longer than a fine converter this one may rest on a code."""
        if not math.isfinite(self.resolution_us):
            return 1.0
        return min(max(self.resolution_us / COARSE_US, 1.0), COARSE_PATIENCE)

    def _steepest(self, value: float, last: float) -> float:
        """Return the fastest change that skin can make at this level, in microsiemens per second."""
        share = STEEPEST_SHARE_PER_S * min(value, last)
        return min(STEEPEST_US_PER_S, max(share, LEAST_STEP_US * self._rate_hz))

    def _shakes(self) -> bool:
        """Tell whether the last seconds moved to and fro more than skin does."""
        recent = self._recent
        low, high = min(recent), max(recent)
        if high - low <= max(SHAKE_US, SHAKE_SHARE * low):
            return False
        path, before = 0.0, recent[0]
        for value in recent:
            path += abs(value - before)
            before = value
        return path > SHAKE_PATH * (high - low)
