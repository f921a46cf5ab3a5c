"""A TFLite file and its card: read, checked against each other, and run."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from device.errors import ModelError

CARD_NAME = "card.json"


class CheckedCard(msgspec.Struct, frozen=True, kw_only=True):
    """What every card says: its format, and what the file beside it hashes to."""

    format: int
    sha256: str

    def sensible(self) -> bool:
        """Tell whether the constants are such that the device can compute with them."""
        raise NotImplementedError


Kind = TypeVar("Kind", bound=CheckedCard)


def read_checked(
    path: Path, kind: type[Kind], fits: Callable[[Kind], bool], advice: str,
) -> tuple[bytes, Kind]:
    """Return a model file's bytes and its card.

    Args:
        path: the .tflite file; `card.json` lies beside it.
        kind: of card.
        fits: tells whether the card is for this firmware.
        advice: what to do about a bad file.

    Raises:
        ModelError: either is absent or damaged, the bytes are not those of the card, or the card is
            for another firmware.
    """
    card_path = path.parent / CARD_NAME
    content = _bytes(path, advice)
    try:
        card = msgspec.json.decode(_bytes(card_path, advice), type=kind)
    except msgspec.DecodeError as error:
        raise ModelError(f"{card_path}: is not a model card ({error}); {advice}") from error
    if hashlib.sha256(content).hexdigest() != card.sha256:
        raise ModelError(f"{path}: is not the file its card describes (SHA-256 differs); {advice}")
    if not fits(card):
        raise ModelError(f"{card_path}: was made for another version of this firmware; {advice}")
    if not card.sensible():
        raise ModelError(f"{card_path}: holds constants that make no sense; {advice}")
    return content, card


class Network:
    """A model that turns one vector into one array.

    Args:
        path: of the file, for messages.
        content: of the file.
        inputs: length of the vector.
        outputs: shape of the array.
        advice: what to do about a bad file.

    Raises:
        ModelError: the content is no model, or has other inputs or outputs.
    """

    def __init__(
        self, path: Path, content: bytes, inputs: int, outputs: tuple[int, ...], advice: str,
    ) -> None:
        try:
            self._interpreter = _interpreter(content)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise ModelError(f"{path}: is no model that the interpreter takes; {advice}") from error
        entry, leave = self._interpreter.get_input_details()[0], self._interpreter.get_output_details()[0]
        if (tuple(entry["shape"]), tuple(leave["shape"])) != ((1, inputs), (1, *outputs)):
            raise ModelError(f"{path}: has other inputs or outputs than its card says; {advice}")
        self._entry = int(entry["index"])
        self._leave = int(leave["index"])

    def run(self, vector: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return what the model makes of one vector."""
        self._interpreter.set_tensor(self._entry, vector[None, :])
        self._interpreter.invoke()
        return np.asarray(self._interpreter.get_tensor(self._leave)[0], dtype=np.float64)


def _interpreter(content: bytes) -> Any:  # noqa: ANN401 - neither runtime has types
    """Return an interpreter of whichever runtime this Python has (LiteRT from 3.12 on), one thread."""
    try:
        from tflite_runtime.interpreter import Interpreter
    except ImportError:
        from ai_edge_litert.interpreter import Interpreter
    return Interpreter(model_content=content, num_threads=1)


def _bytes(path: Path, advice: str) -> bytes:
    """Return a file's content."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}); {advice}") from error
