"""How far two methods agree on the same windows."""

from __future__ import annotations

import math

import msgspec
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

MINIMUM_PAIRS = 3  # fewer say nothing of a spread
LIMITS_SD = 1.96  # Bland and Altman 1986 (Lancet 327:307): 95 % of differences lie within, if normal


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """One method against another, in the unit of what they measure.

    `windows` where both said something, of `of_windows`; `bias` the mean difference (method minus
    reference), `mae` the mean absolute one; `limits` of agreement; `correlation` after Pearson, None where
    one of them is constant. All but the counts None with fewer than three pairs.
    """

    windows: int
    of_windows: int
    bias: float | None = None
    mae: float | None = None
    limits: tuple[float, float] | None = None
    correlation: float | None = None


def agreement(method: FloatArray, reference: FloatArray) -> Agreement:
    """Compare two methods window by window.

    Args:
        method: one value per window, NaN where the method says nothing.
        reference: likewise, of the same length.
    """
    both = np.isfinite(method) & np.isfinite(reference)
    pairs = int(np.count_nonzero(both))
    if pairs < MINIMUM_PAIRS:
        return Agreement(windows=pairs, of_windows=len(method))
    ours, theirs = method[both], reference[both]
    difference = ours - theirs
    bias, spread = float(difference.mean()), float(difference.std(ddof=1))
    return Agreement(
        windows=pairs, of_windows=len(method), bias=bias, mae=float(np.abs(difference).mean()),
        limits=(bias - LIMITS_SD * spread, bias + LIMITS_SD * spread), correlation=_correlation(ours, theirs),
    )


def _correlation(ours: FloatArray, theirs: FloatArray) -> float | None:
    """Return Pearson's r, None where one side does not vary."""
    ours, theirs = ours - ours.mean(), theirs - theirs.mean()
    size = math.sqrt(float(ours @ ours) * float(theirs @ theirs))
    return float(ours @ theirs) / size if size > 0 else None
