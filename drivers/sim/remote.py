"""The simulated machine of another process, in the shapes that drivers know."""

from __future__ import annotations

import errno
import socket
import struct
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from drivers.errors import DeviceLost
from drivers.serial_port import Serial, open_serial
from drivers.sim.faults import Kind
from drivers.sim.protocol import (
    MESSAGE_BYTES,
    SOCKET_NAME,
    Answer,
    CytonPath,
    I2cRead,
    I2cWrite,
    I2cWriteRead,
    Inject,
    Light,
    PinDrive,
    PinLevel,
    Press,
    Release,
    Request,
    SpiTransfer,
)

if TYPE_CHECKING:
    from gpiozero.pins import Factory

DEADLINE_S = 1.0


class Link:
    """One connection to the simulator, made at the first question and again after a failure.

    Args:
        run_dir: where the simulator's socket lies.
    """

    def __init__(self, run_dir: Path) -> None:
        self._path = run_dir / SOCKET_NAME
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(Answer)

    def ask(self, request: Request) -> Answer:
        """Return the simulator's answer.

        Raises:
            OSError: the simulated part failed so, or the simulator did not answer in time.
        """
        with self._lock:
            answer = self._exchange(self._encoder.encode(request))
        if answer.error:
            raise OSError(answer.error, answer.text)
        return answer

    def close(self) -> None:
        """Hang up."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _exchange(self, question: bytes) -> Answer:
        """Send and receive; after any failure hang up, so that a late answer is never taken for another's."""
        try:
            if self._socket is None:
                self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                # Not settimeout: it would ask the kernel twice for every send and receive.
                deadline = struct.pack("@ll", int(DEADLINE_S), 0)  # a timeval: seconds, microseconds
                for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
                    self._socket.setsockopt(socket.SOL_SOCKET, option, deadline)
                self._socket.connect(str(self._path))
            self._socket.send(question)
            answer = self._socket.recv(MESSAGE_BYTES)
        except OSError as error:
            self.close()
            raise self._gone(str(error)) from error
        if not answer:
            self.close()
            raise self._gone("it hung up")
        return self._decoder.decode(answer)

    def _gone(self, why: str) -> OSError:
        """Say what to look at."""
        return OSError(errno.EHOSTDOWN, f"the simulator at {self._path} does not answer ({why}); start it")


class RemoteHardware:
    """The simulated machine; implements `drivers.open.Hardware`. All parts share one connection."""

    def __init__(self, run_dir: Path) -> None:
        self._link = Link(run_dir)
        self._pins: Factory | None = None

    def i2c(self, bus: int) -> RemoteI2c:  # noqa: ARG002 - the only bus, whatever its number
        """Return the I2C bus."""
        return RemoteI2c(self._link)

    def spi(self, bus: int, device: int) -> RemoteSpi:  # noqa: ARG002 - the only device
        """Return the SPI device."""
        return RemoteSpi(self._link)

    def pins(self) -> Factory:
        """Return the one gpiozero pin factory."""
        if self._pins is None:
            from drivers.sim.pins import WiredFactory

            self._pins = WiredFactory(RemoteWires(self._link))
        return self._pins

    def serial(self, path: str) -> Serial:  # noqa: ARG002 - the only serial device
        """Open the Cyton's serial device, a pty of the simulator.

        Raises:
            DeviceLost: the simulator or the device is gone.
        """
        try:
            found = self._link.ask(CytonPath()).text
        except OSError as error:
            raise DeviceLost(str(error)) from error
        return open_serial(found)

    def close(self) -> None:
        """Hang up."""
        self._link.close()


class RemoteI2c:
    """The simulator's I2C bus in the shape of `busio.I2C`."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def try_lock(self) -> bool:
        """Take the bus; the simulator serves one transfer at a time, so it is always free."""
        return True

    def unlock(self) -> None:
        """Give the bus back."""

    def writeto(self, address: int, buffer: bytes | bytearray, *, start: int = 0,
                end: int | None = None) -> None:
        """Write `buffer[start:end]` to a 7-bit address."""
        self._link.ask(I2cWrite(address, bytes(buffer[start:end])))

    def readfrom_into(self, address: int, buffer: bytearray, *, start: int = 0,
                      end: int | None = None) -> None:
        """Fill `buffer[start:end]` from a 7-bit address."""
        end = len(buffer) if end is None else end
        buffer[start:end] = self._link.ask(I2cRead(address, end - start)).data

    def writeto_then_readfrom(
        self, address: int, out_buffer: bytes | bytearray, in_buffer: bytearray, *, out_start: int = 0,
        out_end: int | None = None, in_start: int = 0, in_end: int | None = None,
    ) -> None:
        """Write, then read with a repeated start."""
        in_end = len(in_buffer) if in_end is None else in_end
        request = I2cWriteRead(address, bytes(out_buffer[out_start:out_end]), in_end - in_start)
        in_buffer[in_start:in_end] = self._link.ask(request).data


class RemoteSpi:
    """The simulator's SPI device in the shape of `spidev.SpiDev`."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def xfer2(self, values: list[int]) -> list[int]:
        """Shift bytes out and in."""
        return list(self._link.ask(SpiTransfer(bytes(values))).data)

    def close(self) -> None:
        """Do nothing: the connection is shared with other parts."""


class RemoteWires:
    """The simulator's wires between GPIO lines and the panel."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def level(self, line: int) -> bool:
        """Return whether an input that is pulled up reads high."""
        return bool(self._link.ask(PinLevel(line)).values[0])

    def drive(self, line: int, value: float) -> None:
        """Drive an output at a duty cycle, 0 to 1."""
        self._link.ask(PinDrive(line, value))


class RemoteControl:
    """The hand at the simulated machine: its button, a look at its light, and faults.

    Every method raises OSError while the simulator does not answer.
    """

    def __init__(self, run_dir: Path) -> None:
        self._link = Link(run_dir)

    def press(self) -> None:
        """Push the button down."""
        self._link.ask(Press())

    def release(self) -> None:
        """Let the button go."""
        self._link.ask(Release())

    def light(self) -> tuple[float, float, float]:
        """Return the light's red, green and blue, 0 to 1."""
        red, green, blue = self._link.ask(Light()).values
        return red, green, blue

    def inject(self, kind: Kind, duration_s: float) -> None:
        """Let a fault begin now.

        Raises:
            OSError: there is no such kind.
        """
        self._link.ask(Inject(kind, duration_s))

    def close(self) -> None:
        """Hang up."""
        self._link.close()
