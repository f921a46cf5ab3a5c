"""A simulated ADS1115 at register level, on a simulated I2C bus (SBAS444)."""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping

from drivers.adc import Timer

# Pointer register: which of these the next read or write touches.
CONVERSION, CONFIG, LO_THRESH, HI_THRESH = range(4)
POWER_ON = (0x0000, 0x8583, 0x8000, 0x7FFF)

# Config register, table 8:
#   15 OS | 14:12 MUX | 11:9 PGA | 8 MODE | 7:5 DR | 4 COMP_MODE | 3 POL | 2 LAT | 1:0 QUE
OS_BIT = 0x8000
SINGLE_SHOT = 0x0100
FULL_SCALE_V = (6.144, 4.096, 2.048, 1.024, 0.512, 0.256, 0.256, 0.256)  # by PGA
RATE_SPS = (8, 16, 32, 64, 128, 250, 475, 860)  # by DR
INPUTS = ((0, 1), (0, 3), (1, 3), (2, 3), (0, None), (1, None), (2, None), (3, None))  # by MUX
COUNTS = 32768


class SimulatedAds1115:
    """The chip: pointer, conversion, config and two threshold registers; no ALERT pin.

    Args:
        timer: its oscillator; exact, where a real one is within 10 %.
        volts: the voltage at input 0 to 3 at a monotonic time.
        fault: whether a kind of `drivers.sim.faults` is active now.
        stall_s: for how many seconds a transfer that begins now is held up.
    """

    def __init__(
        self, timer: Timer, volts: Callable[[int, float], float], fault: Callable[[str], bool],
        stall_s: Callable[[], float] = float,
    ) -> None:
        self._timer = timer
        self._stall_s = stall_s
        self._volts = volts
        self._fault = fault
        self._registers = list(POWER_ON)
        self._pointer = CONVERSION
        self._running = POWER_ON[CONFIG]  # the config that the conversion under way was started with
        self._started_s: float | None = None

    def reset(self) -> None:
        """Return to the power-on state, as after a dip of the supply."""
        self._registers = list(POWER_ON)
        self._pointer = CONVERSION
        self._started_s = None

    def write(self, data: bytes | bytearray) -> None:
        """Take the bytes of one write: pointer, then high and low byte of its register; or none, a probe.

        Raises:
            OSError: the chip does not acknowledge.
        """
        self._acknowledge(probe=not data)
        if not data:
            return
        self._pointer = data[0] & 3
        if len(data) < 3 or self._pointer == CONVERSION:  # noqa: PLR2004 - pointer, high, low
            return
        value = data[1] << 8 | data[2]
        if self._pointer == CONFIG:
            self._configure(value)
        else:
            self._registers[self._pointer] = value

    def read(self, count: int) -> bytes:
        """Return the register that the pointer selects, high byte first; beyond two bytes 0xFF.

        Raises:
            OSError: the chip does not acknowledge.
        """
        self._acknowledge(probe=False)
        self._finish()
        value = self._registers[self._pointer]
        if self._pointer == CONFIG:
            value = value & ~OS_BIT if self._started_s is not None else value | OS_BIT
        return value.to_bytes(2, "big")[:count].ljust(count, b"\xff")

    def _acknowledge(self, *, probe: bool) -> None:
        """Wait while transfers are held up; raise what Linux reports for a NACK while a fault says so."""
        self._timer.sleep(self._stall_s())
        if self._fault("adc_absent") or (not probe and self._fault("adc_nack")):
            raise OSError(errno.EREMOTEIO, "no acknowledge")

    def _configure(self, value: int) -> None:
        """Write the config register; OS has no effect during a conversion."""
        self._finish()
        self._registers[CONFIG] = value & ~OS_BIT
        if self._started_s is None and (value & OS_BIT or not value & SINGLE_SHOT):
            self._running = value
            self._started_s = self._timer.monotonic()

    def _finish(self) -> None:
        """Store the result of a conversion that has ended by now."""
        if self._started_s is None:
            return
        period_s = 1.0 / RATE_SPS[self._running >> 5 & 7]
        elapsed_s = self._timer.monotonic() - self._started_s
        if elapsed_s < period_s or self._fault("adc_stuck"):
            return
        start_s = self._started_s
        if self._running & SINGLE_SHOT:
            self._started_s = None
        else:  # continuous: the last whole period counts, and the next one runs with the present config
            start_s += (elapsed_s // period_s - 1.0) * period_s
            self._started_s = start_s + period_s
        if not self._fault("adc_frozen"):
            self._registers[CONVERSION] = self._convert(start_s + period_s / 2.0)
        self._running = self._registers[CONFIG]

    def _convert(self, at_s: float) -> int:
        """Return the code of the selected input, 16-bit two's complement, clipped at full scale."""
        plus, minus = INPUTS[self._running >> 12 & 7]
        volts = self._volts(plus, at_s)
        if minus is not None:
            volts -= self._volts(minus, at_s)
        code = round(volts / FULL_SCALE_V[self._running >> 9 & 7] * COUNTS)
        return max(-COUNTS, min(COUNTS - 1, code)) & 0xFFFF


class SimulatedI2c:
    """A bus in the shape of `busio.I2C` with chips by address; nobody else is a NACK."""

    def __init__(self, chips: Mapping[int, SimulatedAds1115]) -> None:
        self._chips = dict(chips)
        self._locked = False

    def try_lock(self) -> bool:
        """Take the bus if it is free; tell whether it was."""
        if self._locked:
            return False
        self._locked = True
        return True

    def unlock(self) -> None:
        """Give the bus back."""
        self._locked = False

    def writeto(self, address: int, buffer: bytes | bytearray, *, start: int = 0,
                end: int | None = None) -> None:
        """Write `buffer[start:end]` to a 7-bit address."""
        self._chip(address).write(buffer[start:end])

    def readfrom_into(self, address: int, buffer: bytearray, *, start: int = 0,
                      end: int | None = None) -> None:
        """Fill `buffer[start:end]` from a 7-bit address."""
        end = len(buffer) if end is None else end
        buffer[start:end] = self._chip(address).read(end - start)

    def writeto_then_readfrom(
        self, address: int, out_buffer: bytes | bytearray, in_buffer: bytearray, *, out_start: int = 0,
        out_end: int | None = None, in_start: int = 0, in_end: int | None = None,
    ) -> None:
        """Write, then read with a repeated start."""
        self.writeto(address, out_buffer, start=out_start, end=out_end)
        self.readfrom_into(address, in_buffer, start=in_start, end=in_end)

    def _chip(self, address: int) -> SimulatedAds1115:
        """Return who answers.

        Raises:
            OSError: nobody.
        """
        try:
            return self._chips[address]
        except KeyError:
            raise OSError(errno.EREMOTEIO, "no acknowledge") from None
