"""The card of the EEG model: what the file must be and how its numbers are meant."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path

import msgspec

from device.errors import ModelError
from device.stress.eeg_inputs import input_names

CARD_NAME = "card.json"
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


class EegCard(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a card that the device obeys; the rest is for people.

    `members` of the ensemble; `temperature` and `bias` calibrate a member's logit x as
    x / temperature + bias; `farthest` is the largest root mean square of the inputs for which the model
    was shown anything.
    """

    format: int
    sha256: str
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
    """Return a model file's bytes and its card.

    Raises:
        ModelError: either is absent or damaged, the bytes are not those of the card, or the card's
            inputs are not those of this firmware.
    """
    card_path = path.parent / CARD_NAME
    content = _bytes(path)
    try:
        card = msgspec.json.decode(_bytes(card_path), type=EegCard)
    except msgspec.DecodeError as error:
        raise ModelError(f"{card_path}: is not the card of an EEG model ({error}); {ADVICE}") from error
    if hashlib.sha256(content).hexdigest() != card.sha256:
        raise ModelError(f"{path}: is not the file its card describes (SHA-256 differs); {ADVICE}")
    if card.format != FORMAT or [one.name for one in card.inputs] != input_names():
        raise ModelError(f"{card_path}: was made for another version of this firmware; {ADVICE}")
    if not card.sensible():
        raise ModelError(f"{card_path}: holds constants that make no sense; {ADVICE}")
    return content, card


def _bytes(path: Path) -> bytes:
    """Return a file's content."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}); {ADVICE}") from error
