"""MCP3008 10-bit converter on a `SpiDev`-like object. Frame and timing: Microchip DS21295D."""

from __future__ import annotations

import errno
from typing import Protocol

from drivers.adc import Reading, ReadingQuality, Timer
from drivers.errors import DeviceLost
from drivers.retry import retrying

CHANNELS = 8
COUNTS = 1024
MAX_SPEED_HZ = 1_000_000  # 1.35 MHz is the limit at 2.7 V, section 1.0

NULL_BIT = 0x04  # of the second byte; the part drives it low, a floating line reads it high


class Spi(Protocol):
    """What is used of `spidev.SpiDev`, opened in mode 0."""

    def xfer2(self, values: list[int]) -> list[int]:
        """Shift bytes out and in with the chip selected throughout."""

    def close(self) -> None:
        """Release the device."""


class Mcp3008:
    """One MCP3008, channels 0 to 7 against ground.

    Args:
        spi: a `SpiDev`-like object, mode 0, at most `MAX_SPEED_HZ`.
        timer: time for the readings' stamps and between retries.
        reference_v: voltage at VREF, the full scale.

    A line stuck low reads 0 V with no error: SPI has no acknowledge.
    """

    def __init__(self, spi: Spi, timer: Timer, *, reference_v: float) -> None:
        self.full_scale_v = reference_v
        self._spi = spi
        self._timer = timer

    def read(self, channel: int) -> Reading:
        """Convert one channel; `at_s` is the moment of the transfer, clipped is either end code.

        Raises:
            DeviceLost: no frame with a null bit after three retries.
        """
        at_s, count = retrying(lambda: self._transfer(channel), self._timer, self._lost)
        quality = ReadingQuality.GOOD if 0 < count < COUNTS - 1 else ReadingQuality.CLIPPED
        return Reading(at_s, count * self.full_scale_v / COUNTS, quality)

    def close(self) -> None:
        """Release the SPI device."""
        self._spi.close()

    def _transfer(self, channel: int) -> tuple[float, int]:
        """Return when one frame was read, and its 10 bits.

        out  0 0 0 0 0 0 0 1   1 D2 D1 D0 x x x x      x x x x x x x x
        in   ? ? ? ? ? ? ? ?   ?  ?  ?  ? ? 0 B9 B8    B7 ........ B0      ? undefined, 0 the null bit
        """
        at_s = self._timer.monotonic()
        answer = self._spi.xfer2([1, (8 | channel) << 4, 0])
        if answer[1] & NULL_BIT:
            raise OSError(errno.EIO, "the null bit reads 1, as on a floating line")
        return at_s, (answer[1] & 3) << 8 | answer[2]

    def _lost(self, error: Exception) -> DeviceLost:
        """Say what to look at."""
        return DeviceLost(f"the MCP3008 does not answer as it should ({error}); check power, the four SPI "
                          "wires, and that SPI is on (dtparam=spi=on in config.txt)")
