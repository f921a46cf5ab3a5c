"""What is known of people before contact, and everybody's deviations by the device's own baseline."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from device.evaluation.windows import UNLABELLED
from device.stress.baseline import Baseline, Population
from device.stress.inputs import CLIP
from models.stress.training.recordings import Subject

FloatArray = NDArray[np.float64]

FIRST_MINUTE_S = 60
SHORTEST_CONTACT_S = 600


def population_of(subjects: Sequence[Subject]) -> Population:
    """Return mean and spread over people of their medians, and the median spread within one person."""
    usable = [one.usable_inputs() for one in subjects]
    middles = np.array([_nan_median(one) for one in usable])
    spreads = np.array([_nan_deviation(one) for one in usable])
    return Population(mean=np.nanmean(middles, axis=0), between=np.nanstd(middles, axis=0, ddof=1),
                      within=np.nanmedian(spreads, axis=0))


def deviations(contacts: Sequence[Subject], population: Population) -> list[FloatArray]:
    """Return for each contact the deviations (seconds, inputs), clipped, 0 where absent.

    One `Baseline` runs over all of them side by side; no recording here pauses long enough to reset it.
    """
    longest = max(one.label.size for one in contacts)
    count = len(contacts)
    everybody = np.full((longest, count, contacts[0].inputs.shape[1]), np.nan)
    for place, one in enumerate(contacts):
        everybody[:one.label.size, place] = one.usable_inputs()
    tiled = Population(*(np.tile(np.asarray(one), (count, 1)) for one in population))
    baseline = Baseline(tiled)
    found = np.array([baseline.update(float(second), values) for second, values in enumerate(everybody)])
    found = np.nan_to_num(np.clip(found, -CLIP, CLIP))
    return [found[:one.label.size, place] for place, one in enumerate(contacts)]


def contact_from(subject: Subject, start_s: int) -> Subject:
    """Return what the device would know had contact begun only then.

    A patient may arrive in any state, so a model that only ever met people who began at rest would take
    everybody's usual for rest. The first minute of contact is not labelled: the device is silent then.
    """
    label = subject.label[start_s:].copy()
    label[:FIRST_MINUTE_S] = UNLABELLED
    return subject._replace(inputs=subject.inputs[start_s:], quality=subject.quality[start_s:], label=label,
                            features=subject.features[start_s:])


def random_contacts(subject: Subject, count: int, random: np.random.Generator) -> list[Subject]:
    """Return contacts that begin at random moments, ten minutes before the end at the latest."""
    starts = random.integers(0, max(1, subject.label.size - SHORTEST_CONTACT_S), count)
    return [contact_from(subject, int(at)) for at in starts]


def _nan_median(values: FloatArray) -> FloatArray:
    """Return each column's median over what is known, NaN for an empty column."""
    return np.array([np.median(known) if (known := column[np.isfinite(column)]).size else np.nan
                     for column in values.T])


def _nan_deviation(values: FloatArray) -> FloatArray:
    """Return each column's standard deviation over what is known, NaN for an empty column."""
    return np.array([known.std() if (known := column[np.isfinite(column)]).size else np.nan
                     for column in values.T])
