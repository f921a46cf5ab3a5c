"""A slow value of the simulated body: one number a second, remembered for the last minute."""

from __future__ import annotations

HISTORY_S = 60  # how far behind the newest second a call may still look


class Track:
    """Numbers at whole seconds from 0 on, straight lines between them; holds the last 64."""

    _SIZE = 64

    def __init__(self, first: float) -> None:
        self._ring = [first] * self._SIZE
        self._newest = 0

    @property
    def newest(self) -> int:
        """The last second that is known."""
        return self._newest

    @property
    def last(self) -> float:
        """The value at the last second that is known."""
        return self._ring[self._newest % self._SIZE]

    def push(self, value: float) -> None:
        """Append the value of the next second."""
        self._newest += 1
        self._ring[self._newest % self._SIZE] = value

    def second(self, index: int) -> float:
        """Return the value at a whole second.

        Raises:
            ValueError: that second lies ahead of the newest or is forgotten.
        """
        if not max(0, self._newest - self._SIZE + 1) <= index <= self._newest:
            raise ValueError(f"second {index} is not held (newest is {self._newest}, {HISTORY_S} s are "
                             "kept); ask a body for times that do not go back")
        return self._ring[index % self._SIZE]

    def at(self, elapsed_s: float) -> float:
        """Return the value at any held time, interpolated linearly between whole seconds.

        Raises:
            ValueError: the time lies ahead of the newest second or is forgotten.
        """
        index = int(elapsed_s)
        below = self.second(index)
        share = elapsed_s - index
        if share == 0.0:
            return below
        return below + share * (self.second(index + 1) - below)
