"""The least of MQTT 5 that a simulated unit needs, on asyncio and TLS: thousands fit into one process.

Packets as in the OASIS standard "MQTT Version 5.0" (2019): CONNECT 3.1, PUBLISH 3.3, PUBACK 3.4.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import ssl
from collections.abc import Callable

import msgspec

from device.desk.fleet_unit import FleetUnit, Size
from device.telemetry.lane import BACKOFF_MIN_S
from device.telemetry.link import DIAL_TIMEOUT_S, KEEPALIVE_S
from device.telemetry.records import Letter

_CONNACK, _PUBACK, _PINGRESP = 0x20, 0x40, 0xD0
_PINGREQ, _DISCONNECT = b"\xc0\x00", b"\xe0\x00"
_HEADER_BYTES_MOST = 4  # of a length, 1.5.5
_REFUSED = 0x80


class Told(msgspec.Struct, kw_only=True):
    """What one process of simulated units has seen; times are of the system's monotonic clock."""

    sent_s: dict[str, float] = {}
    acknowledged_s: dict[str, float] = {}
    up_s: list[float] = []
    refused: int = 0
    failed_dials: int = 0


class Line:
    """One unit's connection, again and again, with the real unit's keep-alive and back-off.

    Args:
        unit: says what to publish.
        port: of the broker on the loopback.
        context: with this unit's own certificate.
        size: its heartbeat and its wait before it connects again.
        told: gathers what happens.
        clock: monotonic seconds. wall: seconds since the Unix epoch.
    """

    def __init__(
        self, unit: FleetUnit, port: int, context: ssl.SSLContext, size: Size, told: Told,
        clock: Callable[[], float], wall: Callable[[], float], rng: random.Random,
    ) -> None:
        self._unit = unit
        self._port = port
        self._context = context
        self._heartbeat_s = size.heartbeat_s
        self._reconnect_max_s = size.reconnect_max_s
        self._told = told
        self._clock = clock
        self._wall = wall
        self._rng = rng
        self._mid = 0
        self._flying: dict[int, str] = {}

    async def run(self, first_wait_s: float) -> None:
        """Live until cancelled."""
        wait_s = first_wait_s
        while True:
            await asyncio.sleep(wait_s)
            try:
                await self._once()
            except (OSError, EOFError, TimeoutError, asyncio.IncompleteReadError):
                self._told.failed_dials += 1
            wait_s = self._rng.uniform(min(BACKOFF_MIN_S, self._reconnect_max_s), self._reconnect_max_s)

    async def _once(self) -> None:
        """Connect, publish and listen until the connection breaks."""
        async with asyncio.timeout(DIAL_TIMEOUT_S):
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", self._port, ssl=self._context, server_hostname="localhost")
        self._flying.clear()
        try:
            writer.write(connect_packet(f"tranquillo-{self._unit.name}", self._unit.availability("lost")))
            kind, body = await asyncio.wait_for(read_packet(reader), DIAL_TIMEOUT_S)
            if kind != _CONNACK or body[1] >= _REFUSED:
                self._told.refused += 1
                return
            self._told.up_s.append(self._clock())
            self._publish(writer, self._unit.availability("connected"))
            speaking = asyncio.create_task(self._speak(writer))
            try:
                await self._listen(reader)
            finally:
                speaking.cancel()
        finally:
            if not writer.is_closing():
                writer.write(_DISCONNECT)
            writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                await asyncio.wait_for(writer.wait_closed(), DIAL_TIMEOUT_S)

    async def _speak(self, writer: asyncio.StreamWriter) -> None:
        """Publish heartbeats at an even pace from a random moment on; ping when there is time between."""
        await asyncio.sleep(self._rng.uniform(0.0, self._heartbeat_s))
        due_s = self._clock()
        while True:
            for letter in self._unit.letters(self._clock(), self._wall()):
                self._publish(writer, letter)
            due_s += self._heartbeat_s
            while (left_s := due_s - self._clock()) > 0:
                await asyncio.sleep(min(left_s, KEEPALIVE_S - 1))
                if left_s > KEEPALIVE_S - 1:
                    writer.write(_PINGREQ)

    def _publish(self, writer: asyncio.StreamWriter, letter: Letter) -> None:
        """Send a letter with QoS 1 and note when."""
        self._mid = self._mid % 0xFFFF + 1
        self._flying[self._mid] = letter.id
        self._told.sent_s[letter.id] = self._clock()
        writer.write(publish_packet(letter, self._mid))

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        """Take receipts until the broker hangs up or is silent."""
        while True:
            kind, body = await asyncio.wait_for(read_packet(reader), 2 * KEEPALIVE_S + self._heartbeat_s)
            if kind == _PUBACK:
                identifier = self._flying.pop(int.from_bytes(body[:2], "big"), "")
                if len(body) > 2 and body[2] >= _REFUSED:  # noqa: PLR2004 - 3.4.2.1: no reason is success
                    self._told.refused += 1
                elif identifier:
                    self._told.acknowledged_s[identifier] = self._clock()
            elif kind != _PINGRESP:
                return


def connect_packet(client: str, will: Letter) -> bytes:
    """Return CONNECT: clean start, a retained last will with QoS 1, no other properties."""
    flags = 0x02 | 0x04 | 0x08 | 0x20  # clean start, will, its QoS 1, its retain
    head = _text("MQTT") + bytes([5, flags]) + KEEPALIVE_S.to_bytes(2, "big") + b"\x00"
    body = head + _text(client) + b"\x00" + _text(will.topic) + _data(will.payload)
    return bytes([0x10]) + _length(len(body)) + body


def publish_packet(letter: Letter, mid: int) -> bytes:
    """Return PUBLISH with QoS 1."""
    body = _text(letter.topic) + mid.to_bytes(2, "big") + b"\x00" + letter.payload
    return bytes([0x32 | letter.retain]) + _length(len(body)) + body


async def read_packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Return kind and body of the next packet.

    Raises:
        asyncio.IncompleteReadError: the other side hung up.
        ValueError: a length of more than four bytes.
    """
    kind = (await reader.readexactly(1))[0] & 0xF0
    length = 0
    for place in range(_HEADER_BYTES_MOST):
        byte = (await reader.readexactly(1))[0]
        length |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:  # noqa: PLR2004 - 1.5.5: the last byte of a length
            return kind, await reader.readexactly(length)
    raise ValueError("a length of more than four bytes; the broker does not speak MQTT")


def _length(number: int) -> bytes:
    """Return a number as a variable byte integer (1.5.5)."""
    found = bytearray()
    while True:
        number, low = divmod(number, 0x80)
        found.append(low | (0x80 if number else 0))
        if not number:
            return bytes(found)


def _text(words: str) -> bytes:
    """Return a UTF-8 string with its length."""
    return _data(words.encode())


def _data(body: bytes) -> bytes:
    """Return binary data with its length."""
    return len(body).to_bytes(2, "big") + body
