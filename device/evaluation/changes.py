"""How long the level takes to follow a change between rest and stress."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from device.evaluation.metrics import UNDECIDED
from device.evaluation.windows import CALIBRATION_S, OF_REST, OF_STRESS, kind
from drivers.sim.e4 import Interval

FloatArray = NDArray[np.float64]

HELD_S = 10  # a change counts as seen once the level has kept to its side for so long


class Change(NamedTuple):
    """A change of the protocol and the seconds until the level had followed, None if it never did."""

    to: Literal["stress", "rest"]
    at_s: float
    delay_s: float | None


def changes_of(level: FloatArray, intervals: Sequence[Interval]) -> list[Change]:
    """Return the changes from rest to stress and from stress to rest that are scored.

    A change is the border between two successive intervals of the protocol of which one is stress and the
    other rest (a `transition` between them is left out), after the first five minutes. The level has
    followed at the end of the first ten seconds in a row on the right side of 0.5; *unknown* is on
    neither. Whether it does is looked for until the second interval ends. Even a level that was on the
    right side before takes the ten seconds.

    Args:
        level: one estimate per second since contact, NaN for unknown.
        intervals: the protocol in order.
    """
    found = []
    known = [span for span in intervals if span.task != "transition"]
    for before, after in pairwise(known):
        if {kind(before.task), kind(after.task)} == {OF_REST, OF_STRESS} and after.start_s >= CALIBRATION_S:
            to_stress = kind(after.task) == OF_STRESS
            first, last = math.ceil(after.start_s), math.floor(min(after.end_s, level.size - 1))
            part = level[first:last + 1]
            followed = _held(part > UNDECIDED if to_stress else part < UNDECIDED)
            delay_s = None if followed is None else first + followed - after.start_s
            found.append(Change("stress" if to_stress else "rest", after.start_s, delay_s))
    return found


def median_delay_s(changes: Iterable[Change]) -> float | None:
    """Return the median delay, with changes that were never followed as the slowest.

    None if there is no change, or half of them or more were never followed.
    """
    delays = [math.inf if one.delay_s is None else one.delay_s for one in changes]
    median = float(np.median(delays)) if delays else math.inf
    return median if math.isfinite(median) else None


def _held(right: NDArray[np.bool_]) -> int | None:
    """Return how many seconds pass until the first ten in a row are over, None if there are none."""
    in_a_row = 0
    for second, one in enumerate(right.tolist(), start=1):
        in_a_row = in_a_row + 1 if one else 0
        if in_a_row == HELD_S:
            return second
    return None
