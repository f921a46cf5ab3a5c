"""The bus between the processes: ZeroMQ PUB/SUB on `ipc://`, msgspec structs in MessagePack.

Each process binds one PUB socket named after it; a reader connects to the owners of the topics it
wants. This is the only file that imports zmq.
"""

from __future__ import annotations

import logging
import math
import stat
from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

import msgspec
import zmq

from device.errors import ConfigError
from device.messages import MESSAGE_TYPES, Message

OWNERS = ("sensors", "headset", "estimator", "conductor", "player", "telemetry", "simulator")
QUEUE_MESSAGES = 1000  # per reader; beyond it ZeroMQ drops the newest, so the music never waits

_BY_TOPIC = {kind.topic: kind for kind in MESSAGE_TYPES}


class Bus(Protocol):
    """What a composition root needs to talk to the other processes."""

    def publish(self, message: Message) -> None:
        """Hand a message to whoever listens now; never blocks."""

    def receive(self) -> list[Message]:
        """Return all messages that have arrived since the last call, in order per owner."""

    def close(self) -> None:
        """Release the sockets."""


def encode(message: Message) -> tuple[bytes, bytes]:
    """Return the topic and body frames of a message."""
    return type(message).topic.encode(), msgspec.msgpack.encode(message)


def decode(topic: bytes, body: bytes) -> Message:
    """Return the message of two frames.

    Raises:
        KeyError: no message has this topic.
        msgspec.DecodeError: the body does not fit the topic's struct.
    """
    return msgspec.msgpack.decode(body, type=_BY_TOPIC[topic.decode()])


def owners_of(kinds: tuple[type[Message], ...]) -> tuple[str, ...]:
    """Return the processes that publish any of these messages."""
    if any(kind.owner == "*" for kind in kinds):
        return OWNERS
    return tuple(sorted({kind.owner for kind in kinds}))


def share(path: Path) -> None:
    """Let the group use a socket where its folder is the group's to write, and nobody else anywhere.

    On a unit each service is a user of its own, and the group of the run directory is the bus; at a desk
    the folder is one person's alone.

    Raises:
        OSError: the socket is not there or not ours.
    """
    path.chmod(0o660 if path.parent.stat().st_mode & stat.S_IWGRP else 0o600)


class ZmqBus:
    """The bus between processes of one device.

    Args:
        run_dir: folder of the sockets, shared by all processes.
        name: this process; binds `ipc://RUN_DIR/NAME.sock`. Empty for a process that only listens.
        reads: the messages it wants.

    Raises:
        ConfigError: the folder cannot hold a socket: absent, not ours, or its path too long.
    """

    def __init__(self, run_dir: Path, name: str, reads: tuple[type[Message], ...]) -> None:
        self._letters = _Letters()
        self._context = zmq.Context()
        self._pub: zmq.Socket[bytes] | None = None
        if name:
            self._pub = self._context.socket(zmq.PUB)
            self._pub.setsockopt(zmq.SNDHWM, QUEUE_MESSAGES)
            try:
                self._pub.bind(f"ipc://{run_dir}/{name}.sock")
                share(run_dir / f"{name}.sock")
            except (zmq.ZMQError, OSError) as error:
                self.close()
                raise ConfigError(f"run_dir {run_dir} cannot hold a socket ({error}); "
                                  "change run_dir") from error
        self._sub = self._context.socket(zmq.SUB)
        self._sub.setsockopt(zmq.RCVHWM, QUEUE_MESSAGES)
        self._sub.setsockopt(zmq.RECONNECT_IVL, 100)
        self._sub.setsockopt(zmq.RECONNECT_IVL_MAX, 1000)
        for kind in reads:
            self._sub.setsockopt(zmq.SUBSCRIBE, kind.topic.encode())
        for owner in owners_of(reads):
            self._sub.connect(f"ipc://{run_dir}/{owner}.sock")

    def publish(self, message: Message) -> None:
        """Hand a message to whoever listens now; a full reader loses it."""
        if self._pub is not None:
            self._pub.send_multipart(encode(message), flags=zmq.NOBLOCK)

    def receive(self) -> list[Message]:
        """Return all messages that have arrived since the last call; unreadable ones are dropped."""
        frames: list[list[bytes]] = []
        # Asked first: an exception for "nothing there" would cost more than all else a quiet step does.
        while self._has_letter():
            frames.append(self._sub.recv_multipart(flags=zmq.NOBLOCK))
        return self._letters.open(frames)

    def _has_letter(self) -> bool:
        """Tell whether a message waits to be received."""
        events = self._sub.getsockopt(zmq.EVENTS)
        return isinstance(events, int) and bool(events & zmq.POLLIN)

    def wait(self, timeout_s: float) -> bool:
        """Block until something has arrived or the time is over; tell whether it has."""
        return bool(self._sub.poll(math.ceil(timeout_s * 1000)))

    def close(self) -> None:
        """Release the sockets without waiting for readers."""
        self._context.destroy(linger=0)


class _Letters:
    """Decodes what arrives; one that cannot be read is dropped, and logged once a topic.

    A reader that ended over another process's defect would spread it: the music would stop with it.
    """

    def __init__(self) -> None:
        self._refused: set[bytes] = set()

    def open(self, letters: Iterable[Sequence[bytes]]) -> list[Message]:
        """Return the messages of these frames that can be read, in order."""
        messages: list[Message] = []
        for frames in letters:
            try:
                topic, body = frames
                messages.append(decode(topic, body))
            except (KeyError, ValueError) as error:  # msgspec's and Unicode's errors are ValueErrors
                self._note(bytes(frames[0]), error)
        return messages

    def _note(self, topic: bytes, error: Exception) -> None:
        """Log the first refusal of a topic; the text names the field, never its value."""
        if topic not in self._refused:
            self._refused.add(topic)
            logging.getLogger("bus").error("a message %r was dropped, it does not fit its struct: %s", topic,
                                           error)


class LocalHub:
    """A bus inside one process, for the lockstep run and for tests: same encoding, exact order."""

    def __init__(self) -> None:
        self._readers: list[tuple[frozenset[bytes], deque[tuple[bytes, bytes]]]] = []

    def connect(self, reads: tuple[type[Message], ...]) -> LocalBus:
        """Return one process's end of the bus."""
        queue: deque[tuple[bytes, bytes]] = deque(maxlen=QUEUE_MESSAGES)
        self._readers.append((frozenset(kind.topic.encode() for kind in reads), queue))
        return LocalBus(self, queue)

    def deliver(self, frames: tuple[bytes, bytes]) -> None:
        """Put a message into the queue of everyone who reads its topic."""
        for topics, queue in self._readers:
            if frames[0] in topics:
                queue.append(frames)


class LocalBus:
    """One end of a `LocalHub`."""

    def __init__(self, hub: LocalHub, queue: deque[tuple[bytes, bytes]]) -> None:
        self._hub = hub
        self._queue = queue
        self._letters = _Letters()

    def publish(self, message: Message) -> None:
        """Deliver a message to all readers at once."""
        self._hub.deliver(encode(message))

    def receive(self) -> list[Message]:
        """Return all messages since the last call; unreadable ones are dropped."""
        arrived = self._letters.open(self._queue)
        self._queue.clear()
        return arrived

    def close(self) -> None:
        """Forget what has not been read."""
        self._queue.clear()
