"""An I2C bus in the shape of `busio.I2C`, and that bus on Linux without board detection."""

from __future__ import annotations

from typing import Protocol

from drivers.errors import DeviceLost


class I2cBus(Protocol):
    """The five methods of `busio.I2C` that Adafruit's drivers use; a NACK is an OSError."""

    def try_lock(self) -> bool:
        """Take the bus if it is free; tell whether it was."""

    def unlock(self) -> None:
        """Give the bus back."""

    def writeto(self, address: int, buffer: bytes | bytearray, *, start: int = 0,
                end: int | None = None) -> None:
        """Write `buffer[start:end]` to a 7-bit address; an empty buffer only asks for the ACK."""

    def readfrom_into(self, address: int, buffer: bytearray, *, start: int = 0,
                      end: int | None = None) -> None:
        """Fill `buffer[start:end]` from a 7-bit address."""

    def writeto_then_readfrom(
        self, address: int, out_buffer: bytes | bytearray, in_buffer: bytearray, *, out_start: int = 0,
        out_end: int | None = None, in_start: int = 0, in_end: int | None = None,
    ) -> None:
        """Write, then read with a repeated start."""


class LinuxI2c:
    """`/dev/i2c-N` through Blinka's ioctl layer; the kernel's lock is per transfer, so ours is a flag.

    `busio.I2C` itself would detect the board at import and refuse an unknown one; this needs a number.
    """

    def __init__(self, bus: int) -> None:
        from adafruit_blinka.microcontroller.generic_linux.i2c import I2C

        try:
            self._raw = I2C(bus)
        except (OSError, RuntimeError) as error:
            raise DeviceLost(
                f"I2C bus {bus} cannot be opened ({error}); enable I2C (dtparam=i2c_arm=on in config.txt), "
                f"and let this user read and write /dev/i2c-{bus} (group i2c)") from error
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
        self._raw.writeto(address, buffer, start=start, end=end)

    def readfrom_into(self, address: int, buffer: bytearray, *, start: int = 0,
                      end: int | None = None) -> None:
        """Fill `buffer[start:end]` from a 7-bit address."""
        self._raw.readfrom_into(address, buffer, start=start, end=end)

    def writeto_then_readfrom(
        self, address: int, out_buffer: bytes | bytearray, in_buffer: bytearray, *, out_start: int = 0,
        out_end: int | None = None, in_start: int = 0, in_end: int | None = None,
    ) -> None:
        """Write, then read with a repeated start, in one ioctl."""
        self._raw.writeto_then_readfrom(
            address, out_buffer, in_buffer, out_start=out_start, out_end=out_end,
            in_start=in_start, in_end=in_end)
