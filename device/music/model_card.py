"""The card beside the melody network: what it is, and the hashes its files must have."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from device.errors import ModelError

CARD = "card.json"


class MelodyCard(msgspec.Struct, frozen=True, kw_only=True):
    """The part of the card that the device needs.

    SHA-256 per file name, the known runs' name, and fingerprints (see `evaluation.melody`) of the tunes
    that the network learnt from and of those that were set apart to test it.
    """

    sha256: dict[str, str]
    known_runs: str
    trained_on: frozenset[str] = frozenset()
    set_apart: frozenset[str] = frozenset()


def read_card(model: Path) -> MelodyCard:
    """Read the card that lies beside a model.

    Raises:
        ModelError: the card is absent or damaged.
    """
    path = model.with_name(CARD)
    try:
        return msgspec.json.decode(path.read_bytes(), type=MelodyCard)
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror or error}; reinstall the melody model") from error
    except msgspec.MsgspecError as error:
        raise ModelError(f"{path}: damaged ({error}); reinstall the melody model with its card") from error


def verified(path: Path, card: MelodyCard) -> bytes:
    """Return the content of a file whose hash stands on the card.

    Raises:
        ModelError: the file is absent, not on the card, or not the one the card describes.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror or error}; reinstall the melody model") from error
    if hashlib.sha256(content).hexdigest() != card.sha256.get(path.name):
        raise ModelError(f"{path}: not the file its card describes; reinstall the melody model")
    return content
