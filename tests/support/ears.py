"""Hearing everything that the processes of one unit say to each other."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from device.bus import ZmqBus
from device.messages import MESSAGE_TYPES, Message

M = TypeVar("M", bound=Message)


class Ears:
    """Keeps every message of a bus.

    Args:
        run_dir: where the sockets are.
        explain: returns what helps to understand a failure.
    """

    def __init__(self, run_dir: Path, explain: Callable[[], str]) -> None:
        self.messages: list[Message] = []
        self._explain = explain
        self._bus = ZmqBus(run_dir, "", MESSAGE_TYPES)

    def listen(self, seconds: float) -> list[Message]:
        """Return what is said in that time."""
        start = len(self.messages)
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._bus.wait(left)
            self.messages += self._bus.receive()
        return self.messages[start:]

    def until(self, kind: type[M], wanted: Callable[[M], bool], seconds: float) -> M:
        """Return the first new message of a kind that is as wanted."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for message in self.listen(0.05):
                if isinstance(message, kind) and wanted(message):
                    return message
        raise AssertionError(f"no {kind.__name__} as wanted within {seconds} s; {self._explain()}")

    def heard(self, kind: type[M], since_s: float = 0.0) -> list[M]:
        """Return the messages of a kind that were said after a monotonic time."""
        return [one for one in self.messages if isinstance(one, kind) and one.at_s > since_s]

    def close(self) -> None:
        """Stop hearing."""
        self._bus.close()
