"""The device's personal baseline over a whole recording at once; the tests hold both to be equal."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from device.stress.inputs import CLIP, INPUTS, SOURCES
from models.stress.training.recordings import HOP_S, UNLABELLED, Subject

FloatArray = NDArray[np.float64]

PRIOR_SECONDS = 120.0
FIRST_MINUTE_S = 60


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


def contact_from(subject: Subject, start_s: int) -> Subject:
    """Return what the device would know had contact begun only then.

    A patient may arrive in any state, so a model that only ever met people who began at rest would take
    everybody's usual for rest. The first minute of contact is not labelled: the device is silent then.
    """
    label = subject.label[start_s:].copy()
    label[:FIRST_MINUTE_S] = UNLABELLED
    return subject._replace(inputs=subject.inputs[start_s:], present=subject.present[start_s:], label=label)


def labelled(subject: Subject) -> NDArray[np.intp]:
    """Return the seconds of all labelled windows, every 10 s, without a calibration time."""
    second = np.arange(subject.label.size)
    keep = (subject.label != UNLABELLED) & (second % HOP_S == 0) & subject.present.any(axis=1)
    return np.flatnonzero(keep)


def vectors(deviation: FloatArray, present: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return model vectors (rows) as `device.stress.inputs.model_vector` makes them one by one."""
    filled = np.where(present[:, _source_of_input()], np.nan_to_num(np.clip(deviation, -CLIP, CLIP)), 0.0)
    return np.asarray(np.concatenate((filled, present), axis=1), dtype=np.float32)


def _source_of_input() -> NDArray[np.intp]:
    """Return for each input the position of its source."""
    return np.array([SOURCES.index(one.source) for one in INPUTS])
