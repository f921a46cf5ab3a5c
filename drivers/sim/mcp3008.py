"""A simulated MCP3008 in the shape of `spidev.SpiDev` (DS21295D)."""

from __future__ import annotations

import random
from collections.abc import Callable

from drivers.adc import Timer

COUNTS = 1024
FLOATING = 0xFF
FRAME_BYTES = 3


class SimulatedMcp3008:
    """The chip behind `xfer2`, in the three-byte frame of figure 6-1; the undefined bits are noise.

    Args:
        timer: when a conversion is taken.
        volts: the voltage at input 0 to 7 at a monotonic time.
        fault: whether a kind of `drivers.sim.faults` is active now.
        reference_v: voltage at VREF.
        rng: draws the undefined bits.
        stall_s: for how many seconds a transfer that begins now is held up.
    """

    def __init__(
        self, timer: Timer, volts: Callable[[int, float], float], fault: Callable[[str], bool], *,
        reference_v: float, rng: random.Random, stall_s: Callable[[], float] = float,
    ) -> None:
        self._stall_s = stall_s
        self._timer = timer
        self._volts = volts
        self._fault = fault
        self._reference_v = reference_v
        self._rng = rng
        self._code = 0

    def xfer2(self, values: list[int]) -> list[int]:
        """Shift bytes out and in with the chip selected throughout.

        Only start bit at the end of the first byte, single-ended, is understood; else the line floats.
        """
        self._timer.sleep(self._stall_s())
        floats = self._fault("adc_absent") or self._fault("adc_nack") or self._fault("adc_stuck")
        if floats or len(values) != FRAME_BYTES or values[0] != 1 or not values[1] & 0x80:
            return [FLOATING] * len(values)
        if not self._fault("adc_frozen"):
            self._code = self._convert(values[1] >> 4 & 7)
        undefined = self._rng.getrandbits(13)
        # second byte: five undefined bits, the null bit 0, B9, B8
        return [undefined & 0xFF, undefined >> 8 << 3 | self._code >> 8, self._code & 0xFF]

    def close(self) -> None:
        """Do nothing: the simulated device has no file behind it."""

    def _convert(self, channel: int) -> int:
        """Return the 10-bit code of an input, clipped at ground and reference."""
        volts = self._volts(channel, self._timer.monotonic())
        return max(0, min(COUNTS - 1, int(volts / self._reference_v * COUNTS)))
