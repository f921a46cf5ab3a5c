"""What the services say on the bus within a few seconds, for a reader that only listens."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple, TypeVar

from device.bus import ZmqBus
from device.messages import (
    EegBlock,
    Features,
    Health,
    Message,
    Panel,
    PlayerState,
    SampleBlock,
    Service,
    Session,
    Stress,
)

KINDS: tuple[type[Message], ...] = (Health, SampleBlock, EegBlock, Features, Stress, Session, Panel,
                                   PlayerState)

M = TypeVar("M", bound=Message)


class Heard(NamedTuple):
    """The newest word of every service on itself, and all else in order; `lasted_s` of listening."""

    health: dict[Service, Health]
    messages: tuple[Message, ...]
    lasted_s: float

    def blocks(self, signal: str) -> list[SampleBlock]:
        """Return the sample blocks of one signal."""
        return [one for one in self.messages if isinstance(one, SampleBlock) and one.signal == signal]

    def all(self, kind: type[M]) -> list[M]:
        """Return the messages of one kind."""
        return [one for one in self.messages if isinstance(one, kind)]

    def newest(self, kind: type[M]) -> M | None:
        """Return the newest message of a kind, None without any."""
        found = self.all(kind)
        return found[-1] if found else None


NOTHING = Heard({}, (), 0.0)


def gather(messages: Iterable[Message], lasted_s: float) -> Heard:
    """Sort what was said."""
    kept = tuple(messages)
    return Heard({one.service: one for one in kept if isinstance(one, Health)}, kept, lasted_s)


def listen(run_dir: Path, seconds: float, awaited: frozenset[Service] = frozenset()) -> Heard:
    """Listen on the sockets of a run directory.

    Args:
        run_dir: the folder of the sockets.
        seconds: how long at most.
        awaited: once all of these have spoken of themselves listening ends early; empty: never.
    """
    bus = ZmqBus(run_dir, "", KINDS)
    messages: list[Message] = []
    begun_s = time.monotonic()
    try:
        while (left_s := begun_s + seconds - time.monotonic()) > 0.0:
            bus.wait(left_s)
            messages += bus.receive()
            if awaited and awaited <= {one.service for one in messages if isinstance(one, Health)}:
                break
    finally:
        bus.close()
    return gather(messages, time.monotonic() - begun_s)
