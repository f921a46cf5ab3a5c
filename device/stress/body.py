"""What the experts for skin conductance, pulse and skin temperature say of the person in contact."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from device.messages import Features, Source
from device.stress.baseline import Baseline
from device.stress.card import Card
from device.stress.inputs import SOURCES, input_names, model_vector, of_source, read_inputs
from device.stress.opinion import Opinion

# In spreads. Of the heart rates of 28 people in an hour of tests one in a thousand lay further away, so a
# rate beyond it was rather counted from motion (tapping, shivering) than from the heart.
FARTHEST_HEART_RATE = 4.0
HEART_RATE = input_names().index("heart_rate")


class Ensemble(Protocol):
    """Small experts, one for each source; `device.stress.model.StressModel` is the one that ships."""

    @property
    def card(self) -> Card:
        """What the numbers mean."""

    def logits(self, vector: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return each member's logits, shape (members, sources), of one input vector."""


class BodyExperts:
    """One person's baseline and the ensemble of experts that judge deviations from it.

    Args:
        model: the checked model.
    """

    def __init__(self, model: Ensemble) -> None:
        self._model = model
        self._baseline = Baseline(model.card.population())
        self._sensitivity = np.square([one.sensitivity for one in model.card.inputs])
        self._of_source = of_source().astype(np.float64)
        self._certainty = np.zeros(len(SOURCES))

    def opinions(self, features: Features, quality: Mapping[Source, float]) -> dict[Source, Opinion]:
        """Take in one second's features and return an opinion for each usable source.

        There is none on a pulse whose rate is implausible for this person.

        The variance of an opinion is the disagreement of the members and what the short acquaintance
        with the person leaves open: the doubt of each input's baseline times its sensitivity squared.

        Args:
            features: this second's.
            quality: of the sources that are usable, 0 to 1; inputs of others are treated as absent.
        """
        values = read_inputs(features)
        values[self._hidden(quality)] = math.nan
        deviations = self._baseline.update(features.at_s, values)
        if not any(source in quality for source in SOURCES):
            return {}
        members = self._model.logits(model_vector(deviations))
        mean = np.add.reduce(members) / len(members)
        spread = np.add.reduce(np.square(members - mean)) / len(members)
        certainty = self._baseline.certainty()
        self._certainty = self._of_source @ certainty / self._of_source.sum(axis=1)
        known = np.isfinite(deviations)
        open_question = self._of_source @ np.where(known, self._sensitivity * (1.0 - certainty), 0.0)
        views = zip(SOURCES, mean.tolist(), (spread + open_question).tolist(), strict=True)
        opinions = {source: Opinion(logit, variance, quality[source])
                    for source, logit, variance in views if source in quality}
        if abs(deviations[HEART_RATE]) > FARTHEST_HEART_RATE:
            opinions.pop("ppg", None)
        return opinions

    def certainty(self, source: Source) -> float:
        """Return how far the baseline of a source is this person's own, 0 to near 1."""
        place = SOURCES.index(source)
        return float(self._certainty[place])

    def _hidden(self, quality: Mapping[Source, float]) -> NDArray[np.bool_]:
        """Return the mask of inputs whose source is not usable."""
        away = np.array([source not in quality for source in SOURCES], dtype=np.float64)
        return np.asarray(away @ self._of_source > 0.0)
