"""ADS1115 16-bit converter through Adafruit's driver, with the waits that driver lacks.

Register map and timing: Texas Instruments SBAS444.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping
from typing import Protocol

from drivers.adc import Reading, ReadingQuality, Timer
from drivers.errors import DeviceConfigError, DeviceLost
from drivers.i2c import I2cBus
from drivers.retry import retrying

CHANNELS = 4

RATES_SPS = (8, 16, 32, 64, 128, 250, 475, 860)
FULL_SCALE_V = {2 / 3: 6.144, 1: 4.096, 2: 2.048, 4: 1.024, 8: 0.512, 16: 0.256}  # by gain, SBAS444 table 3
COUNTS = 32768  # codes from 0 V to full scale

# Config register, most significant bit first:
#   OS | MUX2 MUX1 MUX0 | PGA2 PGA1 PGA0 | MODE | DR2 DR1 DR0 | comparator (5 bits)
POINTER_CONFIG = 0x01
REGISTER_WRITE = 3  # bytes: pointer, high, low
OS_BIT = 0x8000  # written: start one conversion; read: 1 while idle
ALL_BUT_OS = 0x7FFF
SINGLE_ENDED = 4  # MUX 100b to 111b: AIN0 to AIN3 against ground

RATE_TOLERANCE = 1.1  # the internal oscillator is within 10 %
WAKE_UP_S = 25e-6  # leaving power-down before a single shot
POLLS = 40  # of a quarter conversion each: ten conversions, then the part is called stuck
LOCK_TRIES = 100
LOCK_PAUSE_S = 0.001


class _Chip(Protocol):
    """What is used of the library's `ADS1115`."""

    def read(self, pin: int) -> int:
        """Convert one multiplexer setting; return the signed code."""


class Ads1115:
    """One ADS1115 in single-shot mode, channels 0 to 3 against ground.

    Args:
        i2c: a `busio.I2C`-like bus.
        timer: time for waits and for the readings' stamps.
        address: 0x48 to 0x4B.
        rate_sps: one of `RATES_SPS`.
        gain: a key of `FULL_SCALE_V`, for every channel not named in `spans_v`.
        spans_v: the largest voltage expected on a channel; the finest gain that holds it is used there.

    Raises:
        DeviceConfigError: rate or gain is none the part has.
        DeviceLost: nothing answers at the address.
    """

    def __init__(
        self, i2c: I2cBus, timer: Timer, *, address: int, rate_sps: int = 860, gain: float = 1,
        spans_v: Mapping[int, float] | None = None,
    ) -> None:
        if rate_sps not in RATES_SPS or gain not in FULL_SCALE_V:
            raise DeviceConfigError(
                f"an ADS1115 has no rate of {rate_sps} samples/s or no gain of {gain:g}; choose one of "
                f"{RATES_SPS} and of {tuple(FULL_SCALE_V)}")
        self.full_scale_v = FULL_SCALE_V[gain]
        self._timer = timer
        self._address = address
        self._bus = _BoundedBus(i2c, timer, 1.0 / rate_sps)
        gains = [gain_for(spans_v[channel]) if spans_v and channel in spans_v else gain
                 for channel in range(CHANNELS)]
        # One library object per gain: each writes its own gain with every single shot, at no extra cost.
        chips = {wanted: self._open(rate_sps, wanted) for wanted in sorted(set(gains))}
        self._channels = [(chips[wanted], FULL_SCALE_V[wanted] / COUNTS) for wanted in gains]

    def read(self, channel: int) -> Reading:
        """Convert one channel; `at_s` is the middle of the conversion, clipped is either end code.

        Raises:
            DeviceLost: no trustworthy value after three retries.
        """
        chip, volts_per_count = self._channels[channel]
        count = retrying(lambda: chip.read(SINGLE_ENDED + channel), self._timer, self._lost)
        quality = ReadingQuality.GOOD if -COUNTS < count < COUNTS - 1 else ReadingQuality.CLIPPED
        return Reading(self._bus.converted_at_s(), count * volts_per_count, quality)

    def close(self) -> None:
        """Do nothing: a single shot ends in power-down, and the bus stays open for others."""

    def _open(self, rate_sps: int, gain: float) -> _Chip:
        """Make the library's object, which probes the address and writes thresholds and config."""
        from adafruit_ads1x15.ads1115 import ADS1115

        def make() -> _Chip:
            """Construct it once."""
            chip: _Chip = ADS1115(self._bus, gain=gain, data_rate=rate_sps, address=self._address)
            return chip

        return retrying(make, self._timer, self._lost, (OSError, ValueError))  # ValueError: nobody there

    def _lost(self, error: Exception) -> DeviceLost:
        """Say what to look at."""
        return DeviceLost(
            f"the ADS1115 at I2C address 0x{self._address:02x} does not answer as it should ({error}); check "
            "power and wiring, and that `i2cdetect -y BUS` shows the address")


def gain_for(span_v: float) -> float:
    """Return the finest gain whose full scale holds a voltage; the coarsest for more than 6.144 V."""
    fitting = [gain for gain, full_scale_v in FULL_SCALE_V.items() if full_scale_v >= span_v]
    return max(fitting, default=2 / 3)


class _BoundedBus:
    """Stands between the library and the bus, and sees to it that every wait ends.

    The library polls "conversion ready" without a pause and without a limit, and trusts whatever the
    conversion register then holds. Here a started conversion is slept through, polls are counted, and
    a finished one counts only if the config register still says what was asked for: a part that was
    reset by a dip of its supply, or written by somebody else, converted another input. The part
    ignores a start while it converts, and would then pass the old input's value off as the new one's:
    so a conversion that was not seen to end is waited for before the next is started.
    """

    def __init__(self, inner: I2cBus, timer: Timer, conversion_s: float) -> None:
        self._inner = inner
        self._timer = timer
        self._conversion_s = conversion_s
        self._asked = 0
        self._started_s = 0.0
        self._waiting = False
        self._polls = 0
        self.unlock = inner.unlock
        self.readfrom_into = inner.readfrom_into

    def converted_at_s(self) -> float:
        """Return the middle of the last conversion that was started."""
        return self._started_s + self._conversion_s / 2.0

    def try_lock(self) -> bool:
        """Take the bus, waiting a bounded while for whoever holds it.

        Raises:
            OSError: it was not given back in time.
        """
        for _ in range(LOCK_TRIES):
            if self._inner.try_lock():
                return True
            self._timer.sleep(LOCK_PAUSE_S)
        raise OSError(errno.EBUSY, "the I2C bus stays locked")

    def writeto(self, address: int, buffer: bytes | bytearray, *, start: int = 0,
                end: int | None = None) -> None:
        """Pass a write on; after one that starts a conversion, sleep until it should be done.

        Raises:
            OSError: also when the conversion before this one does not end.
        """
        starts = len(buffer) == REGISTER_WRITE and buffer[0] == POINTER_CONFIG and buffer[1] << 8 & OS_BIT
        if starts and self._waiting:
            self._drain(address)
        self._inner.writeto(address, buffer, start=start, end=end)
        if starts:
            self._asked = buffer[1] << 8 | buffer[2]
            self._started_s = self._timer.monotonic()
            self._waiting = True
            self._polls = 0
            self._timer.sleep(self._conversion_s * RATE_TOLERANCE + WAKE_UP_S)

    def writeto_then_readfrom(
        self, address: int, out_buffer: bytes | bytearray, in_buffer: bytearray, *, out_start: int = 0,
        out_end: int | None = None, in_start: int = 0, in_end: int | None = None,
    ) -> None:
        """Pass a transfer on; judge the config register while a conversion is waited for.

        Raises:
            OSError: the conversion does not end, or was not the one that was asked for.
        """
        self._inner.writeto_then_readfrom(
            address, out_buffer, in_buffer, out_start=out_start, out_end=out_end,
            in_start=in_start, in_end=in_end)
        if self._waiting and out_buffer[out_start] == POINTER_CONFIG:
            self._judge(in_buffer[in_start] << 8 | in_buffer[in_start + 1])

    def _judge(self, config: int) -> None:
        """Accept a finished conversion, pause before the next poll of a running one, or give up."""
        if not config & OS_BIT:
            self._pause()
            return
        self._waiting = False
        if (config ^ self._asked) & ALL_BUT_OS:
            raise OSError(errno.EIO, f"config reads 0x{config:04x} where 0x{self._asked:04x} was written")

    def _drain(self, address: int) -> None:
        """Wait for the end of a conversion whose result nobody wants."""
        config = bytearray(2)
        self._polls = 0
        while True:
            self._inner.writeto_then_readfrom(address, bytes([POINTER_CONFIG]), config)
            if config[0] << 8 & OS_BIT:
                return
            self._pause()

    def _pause(self) -> None:
        """Let a quarter conversion pass, a bounded number of times."""
        self._polls += 1
        if self._polls >= POLLS:
            raise OSError(errno.ETIMEDOUT, "the conversion does not end")
        self._timer.sleep(self._conversion_s / 4.0)
