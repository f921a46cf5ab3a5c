"""One ADC channel's samples on an absolute grid, collected into blocks."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

from device.messages import Quality, SampleBlock
from drivers.adc import Reading, ReadingQuality

BLOCK_S = 0.2

# Which quality a block carries when its samples differ: the later, the worse.
_WORSE = {quality: rank for rank, quality in enumerate((
    Quality.GOOD, Quality.CLIPPED, Quality.STUCK, Quality.SHORT, Quality.OPEN, Quality.MISSING,
))}


class Channel:
    """The schedule and the unfinished block of one channel.

    Sample k belongs to the time `origin_s` + k / `rate_hz`; it must be read before sample k + 1 is due.

    Args:
        signal: what the channel carries.
        number: channel of the converter.
        rate_hz: sample rate.
        convert: volts to physical unit and contact quality; NaN unless good.
        origin_s: monotonic time of sample 0.
    """

    def __init__(
        self,
        signal: Literal["eda", "ppg", "temperature"],
        number: int,
        rate_hz: float,
        convert: Callable[[float], tuple[float, Quality]],
        origin_s: float,
    ) -> None:
        self.number = number
        self.due_s = origin_s
        self._signal: Literal["eda", "ppg", "temperature"] = signal
        self._rate_hz = rate_hz
        self._convert = convert
        self._origin_s = origin_s
        self._next = 0
        self._full = max(1, round(BLOCK_S * rate_hz))
        self._values: list[float] = []
        self._quality = Quality.GOOD

    def move_to(self, now_s: float) -> SampleBlock | None:
        """Skip the samples whose time is over; return what was collected before such a gap."""
        current = math.floor((now_s - self._origin_s) * self._rate_hz + 1e-6)  # a due sample is due
        if current <= self._next:
            return None
        block = self._close(now_s) if self._values else None
        self._next = current
        return block

    def take(self, reading: Reading, now_s: float, *, stuck: bool) -> SampleBlock | None:
        """Put a reading into the next place of the grid; return the block when it is full."""
        value, quality = self._convert(reading.volts)
        if quality is Quality.GOOD:
            if stuck:
                quality = Quality.STUCK
            elif reading.quality is ReadingQuality.CLIPPED:
                quality = Quality.CLIPPED
        if quality is not Quality.GOOD:
            value = math.nan
            if _WORSE[quality] > _WORSE[self._quality]:
                self._quality = quality
        self._values.append(value)
        self._next += 1
        self.due_s = self._origin_s + self._next / self._rate_hz
        return self._close(now_s) if len(self._values) >= self._full else None

    def _close(self, now_s: float) -> SampleBlock:
        """Return the collected samples as a block and begin the next."""
        block = SampleBlock(
            at_s=now_s,
            signal=self._signal,
            start_s=self._origin_s + (self._next - len(self._values)) / self._rate_hz,
            rate_hz=self._rate_hz,
            values=tuple(self._values),
            quality=self._quality,
        )
        self._values = []
        self._quality = Quality.GOOD
        return block
