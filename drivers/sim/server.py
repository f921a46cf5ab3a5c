"""Serves a simulated world to the processes of one device, on a Unix socket."""

from __future__ import annotations

import errno
import logging
import selectors
import socket
import stat
import threading
from pathlib import Path
from typing import TYPE_CHECKING, cast

import msgspec

from drivers.errors import DeviceConfigError
from drivers.sim.faults import Kind
from drivers.sim.protocol import (
    MESSAGE_BYTES,
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
from drivers.sim.world import World

if TYPE_CHECKING:
    from drivers.sim.cyton import CytonPty

SEND_WAIT_S = 0.5  # a client that does not read its answer is dropped
JOIN_S = 2.0


class SimulatorServer:
    """Answers every client from one thread, so that the world's parts need no locks.

    Args:
        world: what is served.
        socket_path: where; a socket left behind there is replaced.

    Raises:
        OSError: the socket cannot be made.
    """

    def __init__(self, world: World, socket_path: Path) -> None:
        self._desk = _Desk(world)
        self._path = socket_path
        socket_path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(str(socket_path))
        # Where the folder is the group's to write, so is the socket: each service is a user of its own there.
        socket_path.chmod(0o660 if socket_path.parent.stat().st_mode & stat.S_IWGRP else 0o600)
        self._listener.listen()
        self._wake, self._woken = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="simulator", daemon=True)
        self._thread.start()

    def alive(self) -> bool:
        """Tell whether clients are being answered; False after `close` or a defect."""
        return self._thread.is_alive()

    def close(self) -> None:
        """Stop answering, hang up on everyone, and remove the socket."""
        self._wake.close()
        self._thread.join(JOIN_S)
        self._desk.close()

    def _run(self) -> None:
        """Answer until woken."""
        with selectors.DefaultSelector() as selector, self._woken, self._listener:
            selector.register(self._woken, selectors.EVENT_READ)
            selector.register(self._listener, selectors.EVENT_READ)
            try:
                while self._serve(selector):
                    pass
            finally:
                self._path.unlink(missing_ok=True)
                for key in list(selector.get_map().values()):
                    cast("socket.socket", key.fileobj).close()

    def _serve(self, selector: selectors.BaseSelector) -> bool:
        """Take what has come in; return False when it is time to end."""
        for key, _ in selector.select():
            ready = cast("socket.socket", key.fileobj)
            if ready is self._woken:
                return False
            if ready is self._listener:
                client, _ = self._listener.accept()
                client.settimeout(SEND_WAIT_S)
                selector.register(client, selectors.EVENT_READ)
            elif not self._answer(ready):
                selector.unregister(ready)
                ready.close()
        return True

    def _answer(self, client: socket.socket) -> bool:
        """Answer one question; return False when the client is gone."""
        try:
            question = client.recv(MESSAGE_BYTES)
            if question:
                client.send(self._desk.answer(question))
        except OSError as error:
            logging.getLogger("simulator").warning("a client was dropped: %s", error)
            return False
        return bool(question)


class _Desk:
    """Turns questions into what the world does."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._i2c = world.i2c(1)
        self._spi = world.spi(0, 0)
        self._pty: CytonPty | None = None
        self._decoder = msgspec.msgpack.Decoder(Request)
        self._encoder = msgspec.msgpack.Encoder()

    def answer(self, question: bytes) -> bytes:
        """Return the answer to an encoded question; errors travel as their numbers."""
        try:
            found = self._do(self._decoder.decode(question))
        except OSError as error:
            found = Answer(error=error.errno or errno.EIO, text=error.strerror or str(error))
        except (msgspec.DecodeError, DeviceConfigError) as error:
            found = Answer(error=errno.EINVAL, text=str(error))
        return self._encoder.encode(found)

    def close(self) -> None:
        """Close the Cyton's pty if there is one."""
        if self._pty is not None:
            self._pty.close()

    def _do(self, request: Request) -> Answer:
        """Do what a request says: the buses here, the rest below."""
        match request:
            case I2cWriteRead(address, data, count):
                buffer = bytearray(count)
                self._i2c.writeto_then_readfrom(address, data, buffer)
                return Answer(data=bytes(buffer))
            case I2cWrite(address, data):
                self._i2c.writeto(address, data)
                return Answer()
            case I2cRead(address, count):
                buffer = bytearray(count)
                self._i2c.readfrom_into(address, buffer)
                return Answer(data=bytes(buffer))
            case SpiTransfer(data):
                return Answer(data=bytes(self._spi.xfer2(list(data))))
            case _:
                return self._touch(request)

    def _touch(self, request: Request) -> Answer:
        """Do what concerns the panel, the headset or the scenario."""
        world = self._world
        match request:
            case PinLevel(line):
                return Answer(values=(float(world.wires.level(line)),))
            case PinDrive(line, value):
                world.wires.drive(line, value)
            case Press():
                world.press()
            case Release():
                world.release()
            case Light():
                return Answer(values=world.light())
            case Inject(kind, duration_s):
                world.inject(cast("Kind", kind), duration_s)
            case CytonPath():
                return Answer(text=self._cyton_path())
        return Answer()

    def _cyton_path(self) -> str:
        """Return the path of the Cyton's serial device, made at the first question."""
        if self._pty is None:
            from drivers.sim.cyton import CytonPty

            self._pty = CytonPty(self._world.serial("cyton"))
        return str(self._pty.path)
