"""The card of the EEG model: what the file must be and how its numbers are meant."""

from __future__ import annotations

import math
from pathlib import Path

import msgspec

from device.stress.eeg_inputs import input_names
from device.stress.network import CheckedCard, read_checked

ADVICE = "copy models/stress/eeg from the release again, or run `make train-stress`"
FORMAT = 1


class EegInput(msgspec.Struct, frozen=True, kw_only=True):
    """One input: deviation of `unit` from the first minute, in units of `spread` within one person."""

    name: str
    unit: str
    spread: float


class HeartCurve(msgspec.Struct, frozen=True, kw_only=True):
    """Logit of stress from the heart rate's ln ratio to the first minute: slope times it plus bias."""

    slope: float
    bias: float


class FusionWeights(msgspec.Struct, frozen=True, kw_only=True):
    """Weights of both calibrated logits where both are known, and a bias."""

    eeg: float
    heart: float
    bias: float


class EegCard(CheckedCard, frozen=True, kw_only=True):
    """The part of a card that the device obeys; the rest is for people.

    `members` of the ensemble; `temperature` and `bias` calibrate a member's logit x as
    x / temperature + bias; `farthest` is the largest root mean square of the inputs for which the model
    was shown anything.
    """

    inputs: tuple[EegInput, ...]
    members: int
    temperature: float
    bias: float
    farthest: float
    heart: HeartCurve
    both: FusionWeights

    def sensible(self) -> bool:
        """Tell whether the constants are such that the device can compute with them."""
        numbers = [*(one.spread for one in self.inputs), self.temperature, self.bias, self.farthest,
                   *msgspec.structs.astuple(self.heart), *msgspec.structs.astuple(self.both)]
        positive = [*(one.spread for one in self.inputs), self.temperature, self.farthest, self.members]
        return all(map(math.isfinite, numbers)) and min(positive) > 0


def read_eeg_card(path: Path) -> tuple[bytes, EegCard]:
    """Return the content of the model file at `path` and its card.

    Raises:
        ModelError: see `device.stress.network.read_checked`.
    """
    return read_checked(path, EegCard, _fits, ADVICE)


def _fits(card: EegCard) -> bool:
    """Tell whether the card is for this firmware."""
    return card.format == FORMAT and [one.name for one in card.inputs] == input_names()
