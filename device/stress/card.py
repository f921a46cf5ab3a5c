"""The model card beside a model: what the file must be and how its numbers are meant."""

from __future__ import annotations

import math
from pathlib import Path

import msgspec

from device.messages import Source
from device.stress.baseline import Population
from device.stress.inputs import INPUTS
from device.stress.network import CheckedCard, read_checked

ADVICE = "copy models/stress from the release again, or run `make train`"
FORMAT = 2


class CardInput(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the model's input, before personal normalisation.

    `mean` and `between` over people, `within` one person, in `unit`; `sensitivity` is how much the logit
    of its expert changes per unit of deviation, by which doubt about the baseline becomes doubt about
    the level.
    """

    name: str
    unit: str
    source: Source
    mean: float
    between: float
    within: float
    sensitivity: float


class Bands(msgspec.Struct, frozen=True, kw_only=True):
    """Levels at which the band changes; leaving is below entering, so that a level on the border rests."""

    medium_enter: float
    medium_leave: float
    high_enter: float
    high_leave: float


class Weights(msgspec.Struct, frozen=True, kw_only=True):
    """What each expert's log-odds count when others speak too; alone every expert counts 1."""

    eda: float
    ppg: float
    temperature: float
    eeg: float


class Card(CheckedCard, frozen=True, kw_only=True):
    """The part of a card that the device obeys; the rest is for people.

    `members` of the ensemble; `temperature` and `bias` calibrate the fused logit x as
    x / temperature + bias; `smoothing_s` is the time constant of the causal smoothing of that logit.
    """

    inputs: tuple[CardInput, ...]
    members: int
    weights: Weights
    temperature: float
    bias: float
    smoothing_s: float
    bands: Bands

    def population(self) -> Population:
        """Return what is known of people before contact."""
        return Population(mean=[one.mean for one in self.inputs],
                          between=[one.between for one in self.inputs],
                          within=[one.within for one in self.inputs])

    def weight(self, source: Source) -> float:
        """Return what an expert's log-odds count beside others."""
        weights: dict[Source, float] = {
            "eda": self.weights.eda, "ppg": self.weights.ppg, "temperature": self.weights.temperature,
            "eeg": self.weights.eeg}
        return weights[source]

    def sensible(self) -> bool:
        """Tell whether the constants are such that the device can compute with them."""
        numbers = [*(value for one in self.inputs for value in (one.mean, one.between, one.within,
                                                                one.sensitivity)),
                   *msgspec.structs.astuple(self.weights), self.temperature, self.bias, self.smoothing_s]
        spreads = [spread for one in self.inputs for spread in (one.between, one.within)]
        return (all(map(math.isfinite, numbers)) and min(spreads, default=0.0) > 0 and self.members > 0
                and self.temperature > 0 and self.smoothing_s > 0)


def read_card(path: Path) -> tuple[bytes, Card]:
    """Return the content of the model file at `path` and its card.

    Raises:
        ModelError: see `device.stress.network.read_checked`.
    """
    return read_checked(path, Card, _fits, ADVICE)


def _fits(card: Card) -> bool:
    """Tell whether the card is for this firmware."""
    named = [(one.name, one.source) for one in card.inputs] == [(one.name, one.source) for one in INPUTS]
    return card.format == FORMAT and named
