"""The TFLite model of the body's experts, checked against its card before use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.errors import ModelError
from device.stress.card import ADVICE, Card, read_checked
from device.stress.inputs import SOURCES


class StressModel:
    """An ensemble of small experts, one for each source: input vector to logits of stress against rest.

    Args:
        path: the .tflite file; `card.json` lies beside it.

    Raises:
        ModelError: one line on what is absent, damaged or does not fit, and what to do.
    """

    def __init__(self, path: Path) -> None:
        content, self.card = read_checked(path)
        try:
            self._interpreter = interpreter(content)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise ModelError(f"{path}: is no model that the interpreter takes; {ADVICE}") from error
        entry, leave = self._interpreter.get_input_details()[0], self._interpreter.get_output_details()[0]
        self._shape = (self.card.members, len(SOURCES))
        if tuple(entry["shape"]) != (1, len(self.card.inputs)) or tuple(leave["shape"]) != (1, *self._shape):
            raise ModelError(f"{path}: has other inputs or outputs than its card says; {ADVICE}")
        self._entry = int(entry["index"])
        self._leave = int(leave["index"])

    def logits(self, vector: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return each member's logits, shape (members, sources), of one input vector (see `model_vector`).

        0 is undecided. What an expert says without its source means nothing.
        """
        self._interpreter.set_tensor(self._entry, vector[None, :])
        self._interpreter.invoke()
        return np.asarray(self._interpreter.get_tensor(self._leave)[0], dtype=np.float64)


def interpreter(content: bytes) -> Any:  # noqa: ANN401 - neither runtime has types
    """Return an interpreter of whichever runtime this Python has (LiteRT from 3.12 on), one thread."""
    try:
        from tflite_runtime.interpreter import Interpreter
    except ImportError:
        from ai_edge_litert.interpreter import Interpreter
    return Interpreter(model_content=content, num_threads=1)


__all__ = ["Card", "StressModel", "interpreter"]
