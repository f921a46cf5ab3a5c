"""The device's personal baseline over a whole recording at once; the tests hold both to be equal."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from device.stress.inputs import CLIP, INPUTS, SOURCES
from models.stress.training.recordings import Subject

FloatArray = NDArray[np.float64]

PRIOR_SECONDS = 120.0


def typical_spread(subjects: list[Subject]) -> FloatArray:
    """Return for each input the median over subjects of its spread within one recording."""
    return np.asarray(np.nanmedian([np.nanstd(usable_inputs(one), axis=0) for one in subjects], axis=0))


def usable_inputs(subject: Subject) -> FloatArray:
    """Return the inputs with those of unusable sources taken out."""
    return np.where(subject.present[:, _source_of_input()], subject.inputs, np.nan)


def deviations(subject: Subject, spread: FloatArray, prior_seconds: float = PRIOR_SECONDS) -> FloatArray:
    """Return for each second what `device.stress.baseline.Baseline` would return.

    The device starts anew after two minutes without any signal; no recording here has such a pause.
    """
    values = usable_inputs(subject)
    known = np.isfinite(values)
    centre = np.nan_to_num(np.nanmedian(values, axis=0))  # only keeps the sums of squares small
    filled = np.where(known, values - centre, 0.0)
    seconds = np.cumsum(known, axis=0)
    mean = np.cumsum(filled, axis=0) / np.maximum(seconds, 1)
    squares = np.maximum(np.cumsum(filled**2, axis=0) - seconds * mean**2, 0.0)
    scale = np.sqrt((squares + prior_seconds * spread**2) / (seconds + prior_seconds))
    return np.where(known, (filled - mean) / scale, np.nan)


def vectors(deviation: FloatArray, present: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return model vectors (rows) as `device.stress.inputs.model_vector` makes them one by one."""
    filled = np.where(present[:, _source_of_input()], np.nan_to_num(np.clip(deviation, -CLIP, CLIP)), 0.0)
    return np.asarray(np.concatenate((filled, present), axis=1), dtype=np.float32)


def _source_of_input() -> NDArray[np.intp]:
    """Return for each input the position of its source."""
    return np.array([SOURCES.index(one.source) for one in INPUTS])
