"""One ADC channel's samples on an absolute grid, collected into blocks."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

from device.messages import Quality, SampleBlock
from drivers.adc import Reading, ReadingQuality

BLOCK_S = 0.2
SLACK_S = 0.002  # a read of several may come so much early, or it would be late by a whole step of the caller

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
        reads_at_s: when after its first read a sample's reads are due; the sample is their mean.
    """

    def __init__(
        self,
        signal: Literal["eda", "ppg", "temperature"],
        number: int,
        rate_hz: float,
        convert: Callable[[float], tuple[float, Quality]],
        origin_s: float,
        reads_at_s: tuple[float, ...] = (0.0,),
    ) -> None:
        self.number = number
        self.due_s = origin_s
        self._signal: Literal["eda", "ppg", "temperature"] = signal
        self._rate_hz = rate_hz
        self._convert = convert
        self._origin_s = origin_s
        self._reads_at_s = reads_at_s
        self._reads: list[Reading] = []
        self._began_s = origin_s
        self._stuck = False
        self._next = 0
        self._full = max(1, round(BLOCK_S * rate_hz))
        self._values: list[float] = []
        self._quality = Quality.GOOD

    def is_due(self, now_s: float) -> bool:
        """Tell whether the next read is due."""
        return now_s >= self.due_s - (SLACK_S if self._reads else 0.0)

    def move_to(self, now_s: float) -> SampleBlock | None:
        """Skip the samples whose time is over; return what was collected before such a gap."""
        current = math.floor((now_s - self._origin_s) * self._rate_hz + 1e-6)  # a due sample is due
        if current <= self._next:
            return None
        block = self._close(now_s) if self._values else None
        self._next = current
        self._reads.clear()
        return block

    def take(self, reading: Reading, now_s: float, *, stuck: bool) -> SampleBlock | None:
        """Add a reading to the next sample of the grid; return the block when it is full."""
        self._reads.append(reading)
        self._stuck = stuck
        count = len(self._reads)
        if count < len(self._reads_at_s):
            if count == 1:
                self._began_s = now_s
            self.due_s = self._began_s + self._reads_at_s[count]
            return None
        self._add(sum(one.volts for one in self._reads) / count)
        self._reads.clear()
        self._next += 1
        self.due_s = self._origin_s + self._next / self._rate_hz
        return self._close(now_s) if len(self._values) >= self._full else None

    def _add(self, volts: float) -> None:
        """Put one sample into the block, NaN unless it is good."""
        value, quality = self._convert(volts)
        if quality is Quality.GOOD:
            if self._stuck:
                quality = Quality.STUCK
            elif any(reading.quality is ReadingQuality.CLIPPED for reading in self._reads):
                quality = Quality.CLIPPED
        if quality is not Quality.GOOD:
            value = math.nan
            if _WORSE[quality] > _WORSE[self._quality]:
                self._quality = quality
        self._values.append(value)

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
