"""The wires between GPIO lines and the simulated button and light."""

from __future__ import annotations

from typing import Protocol


class Wires(Protocol):
    """What a simulated pin is soldered to; lines are BCM numbers."""

    def level(self, line: int) -> bool:
        """Return whether an input that is pulled up reads high."""

    def drive(self, line: int, value: float) -> None:
        """Drive an output at a duty cycle, 0 to 1."""


class LocalWires:
    """The wires themselves: a button to ground is an input held low, a light an output driven."""

    def __init__(self) -> None:
        self._grounded: set[int] = set()
        self._driven: dict[int, float] = {}

    def level(self, line: int) -> bool:
        """Return whether an input that is pulled up reads high."""
        return line not in self._grounded

    def drive(self, line: int, value: float) -> None:
        """Drive an output at a duty cycle, 0 to 1."""
        self._driven[line] = value

    def ground(self, line: int, *, connected: bool) -> None:
        """Connect a line to ground, or let go of it."""
        (self._grounded.add if connected else self._grounded.discard)(line)

    def driven(self, line: int) -> float:
        """Return the duty cycle that a line is driven at, 0 if it never was."""
        return self._driven.get(line, 0.0)
