"""A part that may be lost: opened when due, reopened with backoff, its loss told as a fault."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

import msgspec

from device.clock import Clock
from device.errors import DeviceLost
from device.messages import Fault

BACKOFF_FIRST_S = 1.0
BACKOFF_LAST_S = 30.0


class Closable(Protocol):
    """Anything that holds a resource."""

    def close(self) -> None:
        """Release it."""


P = TypeVar("P", bound=Closable)


class Reopener(Generic[P]):
    """Keeps one part open as far as the world allows.

    Args:
        open_part: opens the part or raises DeviceLost.
        clock: paces the attempts: 1 s after a loss, doubling up to 30 s.
        fault: what to report while the part is lost; the driver's own advice is put before its words.
    """

    def __init__(self, open_part: Callable[[], P], clock: Clock, fault: Fault) -> None:
        self._open_part = open_part
        self._clock = clock
        self._fault = fault
        self._part: P | None = None
        self._backoff_s = BACKOFF_FIRST_S
        self._due_s = clock.monotonic()
        self._advice = ""

    def part(self) -> P | None:
        """Return the open part, trying to open it when an attempt is due; None while it is lost."""
        if self._part is None and self._clock.monotonic() >= self._due_s:
            try:
                self._part = self._open_part()
            except DeviceLost as error:
                self.lost(error)
        return self._part

    def opened(self) -> P | None:
        """Return the open part as it is; None while it is lost."""
        return self._part

    def working(self) -> None:
        """Note that the part has done its work, so the next loss starts with a short wait again."""
        self._backoff_s = BACKOFF_FIRST_S
        self._advice = ""

    def lost(self, error: DeviceLost) -> None:
        """Close the part and plan the next attempt."""
        self.close()
        self._advice = str(error)
        self._due_s = self._clock.monotonic() + self._backoff_s
        self._backoff_s = min(BACKOFF_LAST_S, 2 * self._backoff_s)

    def faults(self) -> tuple[Fault, ...]:
        """Return the fault until the part works again."""
        if not self._advice:
            return ()
        return (msgspec.structs.replace(self._fault, advice=f"{self._advice}; {self._fault.advice}"),)

    def close(self) -> None:
        """Release the part if it is open."""
        part, self._part = self._part, None
        if part is not None:
            part.close()
