"""What a driver's process and the simulator say to each other: MessagePack over a Unix socket.

SOCK_SEQPACKET keeps the messages apart; a client has one question under way at a time.
"""

from __future__ import annotations

import msgspec

SOCKET_NAME = "hardware.sock"  # in the run directory
MESSAGE_BYTES = 4096  # more than the longest message


class I2cWrite(msgspec.Struct, frozen=True, tag=True):
    """Write to an address."""

    address: int
    data: bytes


class I2cRead(msgspec.Struct, frozen=True, tag=True):
    """Read from an address."""

    address: int
    count: int


class I2cWriteRead(msgspec.Struct, frozen=True, tag=True):
    """Write, then read with a repeated start."""

    address: int
    data: bytes
    count: int


class SpiTransfer(msgspec.Struct, frozen=True, tag=True):
    """Shift bytes out and in."""

    data: bytes


class PinLevel(msgspec.Struct, frozen=True, tag=True):
    """Read a pulled-up input."""

    line: int


class PinDrive(msgspec.Struct, frozen=True, tag=True):
    """Drive an output."""

    line: int
    value: float


class Press(msgspec.Struct, frozen=True, tag=True):
    """Push the button down."""


class Release(msgspec.Struct, frozen=True, tag=True):
    """Let the button go."""


class Light(msgspec.Struct, frozen=True, tag=True):
    """Ask for the light's colour."""


class Inject(msgspec.Struct, frozen=True, tag=True):
    """Let a fault begin now."""

    kind: str
    duration_s: float


class CytonPath(msgspec.Struct, frozen=True, tag=True):
    """Ask for the serial device of the Cyton."""


Request = (
    I2cWrite | I2cRead | I2cWriteRead | SpiTransfer | PinLevel | PinDrive
    | Press | Release | Light | Inject | CytonPath
)  # fmt: skip


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """The result, or an operating system error: its number (0 is none) and `text`."""

    data: bytes = b""
    values: tuple[float, ...] = ()
    text: str = ""
    error: int = 0
