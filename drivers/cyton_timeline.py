"""When each Cyton sample was taken, from its counter.

Bytes arrive in bursts (USB, radio, a busy reader), so arrival tells the time of a sample badly. The
counter tells it well: samples are 4 ms apart. Arrival only fixes where the count begins, tells whole
turns of the counter apart after a long gap, shows that a counter cannot be true, and corrects slowly
for the board's crystal.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

from drivers.cyton_frames import COUNTERS

RATE_HZ = 250.0
SAMPLE_S = 1.0 / RATE_HZ
_FUTURE_SAMPLES = 50  # 0.2 s: how far ahead of arrival a counter may claim to be before it is disbelieved
_DISBELIEVED_MAX = 8  # then arrival wins and the count begins anew
_DRIFT_WINDOW = 1_250  # samples: the earliest arrival of 5 s is the one least delayed
_DRIFT_SHARE = 0.005  # a correction stretches or shrinks time by at most this, so times stay monotone


class Run(NamedTuple):
    """Samples in unbroken sequence: items `first` to `stop` of what was given, `lost` before them."""

    start_s: float
    first: int
    stop: int
    lost: int


class Timeline:
    """Turns counters into sample times that never go back."""

    def __init__(self) -> None:
        self._index: int | None = None  # of the last believed sample
        self._counter = 0
        self._anchor_s = 0.0  # time of index 0
        self._disbelieved = 0
        self._earliest_s: float | None = None
        self._seen = 0
        self._drift_s = 0.0
        self._restarted = False

    @property
    def end_s(self) -> float | None:
        """Time at which the next sample is due, None before the first."""
        return None if self._index is None else self._anchor_s + (self._index + 1) * SAMPLE_S

    def restart(self) -> None:
        """Expect a new count: the next sample is dated by its arrival, after all earlier ones."""
        self._restarted = True

    def place(self, counters: list[int], now_s: float) -> list[Run]:
        """Return the runs among counters that arrived by `now_s`; disbelieved ones are in none."""
        behind = _span(counters)
        if self._index is None or self._restarted:
            self._begin(counters, now_s - behind * SAMPLE_S)
        runs: list[Run] = []
        for item, counter in enumerate(counters):
            if item:
                behind -= (counter - counters[item - 1]) % COUNTERS
            lost = self._accept(counter, round((now_s - self._anchor_s) * RATE_HZ) - behind)
            if lost is None:
                continue
            if runs and lost == 0 and runs[-1].stop == item:
                runs[-1] = runs[-1]._replace(stop=item + 1)
            else:
                start_s = self._anchor_s + (self._index or 0) * SAMPLE_S
                runs.append(Run(start_s, item, item + 1, lost))
        if counters:
            self._follow_drift(len(counters), now_s)
        return runs

    def _begin(self, counters: list[int], start_s: float) -> None:
        """Begin to count at the first of these samples, at that time or after all earlier ones."""
        if not counters:
            return
        earliest_s = self.end_s
        self._anchor_s = start_s if earliest_s is None else max(start_s, earliest_s)
        self._index = -1
        self._counter = (counters[0] - 1) % COUNTERS
        self._restarted = False
        self._disbelieved = self._seen = 0
        self._earliest_s, self._drift_s = None, 0.0

    def _accept(self, counter: int, arrived: int) -> int | None:
        """Count one sample and return how many were lost before it, or None if it is not believed.

        `arrived` is the index that its arrival suggests.
        """
        last = self._index or 0
        step = (counter - self._counter) % COUNTERS or COUNTERS
        # A loss of exactly 256 passes for none here; so long a silence makes the driver restart anyway.
        if step > 1:
            step += COUNTERS * max(0, round((arrived - last - step) / COUNTERS))
            if last + step > arrived + _FUTURE_SAMPLES:
                self._disbelieved += 1
                if self._disbelieved <= _DISBELIEVED_MAX:
                    return None
                step = max(1, arrived - last)
        self._disbelieved = 0
        self._index = (self._index if self._index is not None else -1) + step
        self._counter = counter
        return step - 1

    def _follow_drift(self, count: int, now_s: float) -> None:
        """Move the anchor a little towards the least delayed arrival of the last window."""
        late_s = now_s - (self._anchor_s + (self._index or 0) * SAMPLE_S)
        self._earliest_s = late_s if self._earliest_s is None else min(self._earliest_s, late_s)
        self._seen += count
        if self._seen >= _DRIFT_WINDOW:
            self._drift_s, self._earliest_s, self._seen = self._earliest_s, None, 0
        most_s = _DRIFT_SHARE * count * SAMPLE_S
        shift_s = min(most_s, max(-most_s, self._drift_s))
        self._anchor_s += shift_s
        self._drift_s -= shift_s


def _span(counters: list[int]) -> int:
    """Return how many samples lie between the first and the last counter, lost ones included."""
    return sum((after - before) % COUNTERS for before, after in pairwise(counters))
