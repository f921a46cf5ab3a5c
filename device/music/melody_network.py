"""The trained melody network as the device runs it: one step per tone, checked against its card."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from device.errors import ModelError
from device.music.fields import FIELD_SIZES, TARGETS
from device.music.model_card import MelodyCard, read_card, verified
from device.music.tokens import DURATIONS_BEATS, HEIGHTS, INTERVALS, TRENDS

State = tuple[NDArray[np.float32], NDArray[np.float32]]  # hidden and cell states, (members, units) each
Logits = NDArray[np.float64]

_HEADS = {"interval": INTERVALS, "duration": len(DURATIONS_BEATS), "opening": HEIGHTS, "trend": TRENDS}


class Answer(NamedTuple):
    """What the network says after a tone: log probabilities of four things, and its state."""

    interval: Logits  # of the next tone, (27,)
    duration: Logits  # of the next tone, (9,)
    opening: Logits  # of the first tone of the next segment, height over the tonic, (37,)
    trend: Logits  # of that segment: down, level, up, (3,)
    state: State


class MelodyNetwork:
    """The step of a .tflite.

    Args:
        path: the .tflite; `card.json` lies beside it.

    Attributes:
        card: what the card says.

    Raises:
        ModelError: a file is absent, damaged, or not the one its card describes.
    """

    def __init__(self, path: Path) -> None:
        self.card: MelodyCard = read_card(path)
        self._step = _open(path, verified(path, self.card))
        inputs, outputs = self._step.get_input_details(), self._step.get_output_details()
        state = tuple(inputs["h_in"]["shape"]) if "h_in" in inputs else ()
        self._state_shape = state
        expected = {"token": (1, len(FIELD_SIZES)), "target": (1, TARGETS), "h_in": state, "c_in": state}
        said = {**{name: (1, size) for name, size in _HEADS.items()}, "h_out": state, "c_out": state}
        if _shapes(inputs) != expected or _shapes(outputs) != said:
            raise ModelError(f"{path}: its inputs are not those of this version; reinstall the model")

    def start(self) -> State:
        """Return the state before a melody."""
        return np.zeros(self._state_shape, np.float32), np.zeros(self._state_shape, np.float32)

    def step(self, token: tuple[int, ...], target: NDArray[np.float32], state: State) -> Answer:
        """Feed one tone, or the place where the first will fall.

        Args:
            token: see `fields.fields`.
            target: see `fields.target_input`, shape (1, 6).
            state: from `start` or the answer before.
        """
        out = self._step(
            token=np.array([token], np.int32), target=target, h_in=state[0], c_in=state[1])
        interval, duration, opening, trend = (out[name][0].astype(np.float64) for name in _HEADS)
        return Answer(interval, duration, opening, trend, (out["h_out"], out["c_out"]))


def _shapes(details: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    """Return the shape of each input or output by name."""
    return {name: tuple(int(size) for size in detail["shape"]) for name, detail in details.items()}


def _open(path: Path, content: bytes) -> Any:  # noqa: ANN401 - the interpreter has no types
    """Return the callable step of a .tflite.

    Raises:
        ModelError: the interpreter refuses it.
    """
    try:
        from tflite_runtime.interpreter import Interpreter
    except ImportError:
        from ai_edge_litert.interpreter import Interpreter
    try:
        interpreter = Interpreter(model_content=content, num_threads=1)
        return interpreter.get_signature_runner()
    except (ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0] if str(error) else "unreadable"
        raise ModelError(f"{path}: the interpreter refuses it ({reason}); reinstall the model") from error
