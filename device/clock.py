"""Time, handed in: monotonic for intervals, wall time only where a record leaves the device."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """What a stage may know of time."""

    def monotonic(self) -> float:
        """Return seconds on a clock that never jumps; the origin is arbitrary."""

    def wall(self) -> float:
        """Return seconds since the Unix epoch, UTC; may jump, so never order or subtract these."""

    def sleep(self, seconds: float) -> None:
        """Let time pass; zero or less returns at once."""


class SystemClock:
    """The machine's own clocks."""

    def monotonic(self) -> float:
        """Return seconds of CLOCK_MONOTONIC, shared by all processes of the machine."""
        return time.monotonic()

    def wall(self) -> float:
        """Return seconds since the Unix epoch, UTC."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Block the calling thread for that long."""
        if seconds > 0:
            time.sleep(seconds)


class ManualClock:
    """A clock that moves only when told, so that hours pass in seconds and runs repeat exactly."""

    def __init__(self, start_s: float = 1000.0, wall_offset_s: float = 1_700_000_000.0) -> None:
        self._now_s = start_s
        self._wall_offset_s = wall_offset_s

    def monotonic(self) -> float:
        """Return the manual time in seconds."""
        return self._now_s

    def wall(self) -> float:
        """Return the manual time as seconds since the Unix epoch."""
        return self._now_s + self._wall_offset_s

    def sleep(self, seconds: float) -> None:
        """Move the clock on by that long and return at once."""
        if seconds > 0:
            self._now_s += seconds

    def advance_to(self, at_s: float) -> None:
        """Move the clock on to a monotonic time; a time already past leaves it where it is."""
        self._now_s = max(self._now_s, at_s)

    def set_wall(self, wall_s: float) -> None:
        """Make wall time jump, as the first synchronisation after boot does."""
        self._wall_offset_s = wall_s - self._now_s
