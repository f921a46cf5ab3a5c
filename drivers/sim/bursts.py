"""Bursts of a disturbance: when each begins, how long it lasts, how strong it is; a function of the seed."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

_KEPT = 32  # seconds remembered; drawn anew, and the same, when they are asked for again


class Burst(NamedTuple):
    """One burst: begin and length in seconds, and three numbers of 0 to 1 for whoever shapes it."""

    start_s: float
    length_s: float
    draws: tuple[float, ...]

    def phase(self, at_s: float) -> float:
        """Return how far the burst has gone, 0 to 1 while it lasts."""
        return (at_s - self.start_s) / self.length_s


class Bursts:
    """Bursts that begin by chance, at most one in each whole second.

    Args:
        seed: with `stream` decides everything.
        stream: tells one disturbance from another.
        chance: that a burst begins within a second, 0 to 1.
        length_s: shortest and longest burst.
    """

    def __init__(self, seed: int, stream: int, chance: float, length_s: tuple[float, float]) -> None:
        self._seed = (seed, stream)
        self._chance = chance
        self._length_s = length_s
        self._drawn: dict[int, Burst | None] = {}

    def at(self, elapsed_s: float) -> list[Burst]:
        """Return the bursts under way at a time of 0 or more seconds."""
        newest = int(elapsed_s)
        oldest = max(0, newest - math.ceil(self._length_s[1]))
        found = (self._second(second) for second in range(oldest, newest + 1))
        return [burst for burst in found if burst is not None and 0.0 <= burst.phase(elapsed_s) < 1.0]

    def _second(self, second: int) -> Burst | None:
        """Return what begins within a whole second."""
        if second not in self._drawn:
            strikes, offset, length, *draws = np.random.default_rng((*self._seed, second)).random(6).tolist()
            shortest, longest = self._length_s
            burst = Burst(second + offset, shortest + length * (longest - shortest), tuple(draws))
            self._drawn[second] = burst if strikes < self._chance else None
            if len(self._drawn) > _KEPT:
                del self._drawn[min(self._drawn)]
        return self._drawn[second]
