"""Which moments of a recording are scored, and as what: the one definition of it.

An estimate at second t rests on the window that ends there. It is scored if that window lies wholly
inside one interval of the protocol, t is a multiple of 10 s, and the first five minutes are over.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from device.features.extractor import WINDOW_S
from drivers.sim.e4 import Interval

FloatArray = NDArray[np.float64]
Labels = NDArray[np.int64]

STRESS = ("stroop", "interview")
REST = ("baseline", "rest")
HYPERVENTILATION = "hyperventilation"  # breathing on command looks like stress; it is reported apart
OF_HYPERVENTILATION, UNLABELLED, OF_REST, OF_STRESS = -2, -1, 0, 1
CALIBRATION_S = 300.0  # the first five minutes of contact teach the personal baseline
HOP_S = 10
CONTEXTS_S = (60.0, 120.0)


def labels(intervals: Sequence[Interval], seconds: int, context_s: float = WINDOW_S) -> Labels:
    """Return per second what the window that ends there is: 1 stress, 0 rest, -1 neither or not whole.

    Args:
        intervals: the protocol, in seconds since contact.
        seconds: how many seconds to label, the first of them second 0.
        context_s: length of the window that has to lie wholly inside one interval.
    """
    found = tasks(intervals, seconds, context_s)
    found[found == OF_HYPERVENTILATION] = UNLABELLED
    return found


def tasks(intervals: Sequence[Interval], seconds: int, context_s: float = WINDOW_S) -> Labels:
    """Return the same as `labels` with -2 for windows of hyperventilation."""
    found = np.full(seconds, UNLABELLED, dtype=np.int64)
    for span in intervals:
        found[math.ceil(span.start_s + context_s):int(span.end_s) + 1] = kind(span.task)
    return found


def kind(task: str) -> int:
    """Return 1 for a stress task, 0 for rest, -2 for hyperventilation, -1 for anything else."""
    if task in STRESS:
        return OF_STRESS
    if task in REST:
        return OF_REST
    return OF_HYPERVENTILATION if task == HYPERVENTILATION else UNLABELLED


def on_grid(seconds: int) -> NDArray[np.bool_]:
    """Return the mask of seconds that may be scored: every 10 s, after the first five minutes."""
    second = np.arange(seconds)
    return np.asarray((second >= CALIBRATION_S) & (second % HOP_S == 0))


def in_context(level: FloatArray, context_s: float) -> FloatArray:
    """Return per second what the device said of the last `context_s`, NaN where it did not know.

    One estimate rests on 60 s of signal, so with 60 s it is the estimate itself. With more it is the mean
    of the estimates whose windows lie inside: with 120 s, of those of the last 60 s. It is unknown where
    the last estimate is, or fewer than half of the others are known.

    Args:
        level: one estimate per second, 0 to 1, NaN for unknown.
        context_s: 60 s or more.
    """
    span = round(context_s - WINDOW_S)
    if span <= 0:
        return level
    known = np.isfinite(level)
    total = np.concatenate((np.zeros(span + 1), np.cumsum(np.where(known, level, 0.0))))
    count = np.concatenate((np.zeros(span + 1), np.cumsum(known)))
    summed, found = total[span + 1:] - total[:-span - 1], count[span + 1:] - count[:-span - 1]
    enough = known & (2 * found >= span)
    return np.where(enough, summed / np.maximum(found, 1), np.nan)
