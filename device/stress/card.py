"""The model card beside a model: what the file must be and how its numbers are meant."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from device.errors import ModelError
from device.stress.inputs import INPUTS, input_names

CARD_NAME = "card.json"
ADVICE = "copy models/stress from the release again, or run `make train`"


class CardInput(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the model's input; `spread` is the population's within-person spread, None for a flag."""

    name: str
    unit: str
    spread: float | None


class Bands(msgspec.Struct, frozen=True, kw_only=True):
    """Levels at which the band changes; leaving is below entering, so that a level on the border rests."""

    medium_enter: float
    medium_leave: float
    high_enter: float
    high_leave: float


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a card that the device obeys; the rest is for people.

    `temperature` and `bias` calibrate the model's logit x as x / temperature + bias; `smoothing_s` is
    the time constant of the causal smoothing of that logit; `prior_seconds` as in `Baseline`.
    """

    format: int
    sha256: str
    inputs: tuple[CardInput, ...]
    prior_seconds: float
    temperature: float
    bias: float
    smoothing_s: float
    bands: Bands

    def spreads(self) -> list[float]:
        """Return the population's spread of each input, flags left out."""
        return [one.spread for one in self.inputs if one.spread is not None]


FORMAT = 1


def read_checked(path: Path) -> tuple[bytes, Card]:
    """Return a model file's bytes and its card.

    Raises:
        ModelError: either is absent or damaged, the bytes are not those of the card, or the card's
            inputs are not those of this firmware.
    """
    card_path = path.parent / CARD_NAME
    content = _bytes(path)
    try:
        card = msgspec.json.decode(_bytes(card_path), type=Card)
    except msgspec.DecodeError as error:
        raise ModelError(f"{card_path}: is not a model card ({error}); {ADVICE}") from error
    if hashlib.sha256(content).hexdigest() != card.sha256:
        raise ModelError(f"{path}: is not the file its card describes (SHA-256 differs); {ADVICE}")
    if card.format != FORMAT or [one.name for one in card.inputs] != input_names():
        raise ModelError(f"{card_path}: was made for another version of this firmware; {ADVICE}")
    if len(card.spreads()) != len(INPUTS) or min(card.spreads()) <= 0 or card.temperature <= 0:
        raise ModelError(f"{card_path}: holds constants that make no sense; {ADVICE}")
    return content, card


def _bytes(path: Path) -> bytes:
    """Return a file's content."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}); {ADVICE}") from error
