"""A serial port in the shape of `serial.Serial`, and how a real one is opened."""

from __future__ import annotations

from typing import Protocol

from drivers.errors import DeviceLost

CYTON_BAUD = 115_200
SERIAL_WAIT_S = 0.2  # the longest that one serial read or write may block


class Serial(Protocol):
    """What is used of `serial.Serial`."""

    timeout: float | None

    @property
    def in_waiting(self) -> int:
        """Return the number of bytes that can be read at once."""

    def read(self, size: int = 1) -> bytes:
        """Return up to `size` bytes, fewer when `timeout` seconds have passed."""

    def write(self, data: bytes) -> int | None:
        """Send bytes."""

    def reset_input_buffer(self) -> None:
        """Forget what has arrived."""

    def close(self) -> None:
        """Release the port."""


def open_serial(path: str) -> Serial:
    """Open a serial device at the Cyton's rate for this process alone, with bounded reads and writes.

    Raises:
        DeviceLost: it cannot be opened.
    """
    import serial

    try:
        port: Serial = serial.Serial(
            path, CYTON_BAUD, timeout=SERIAL_WAIT_S, write_timeout=SERIAL_WAIT_S, exclusive=True)
    except OSError as error:  # SerialException is one
        raise DeviceLost(f"the serial port {path} cannot be opened ({error}); plug the dongle in, and let "
                         "this user use it (group dialout)") from error
    return port
