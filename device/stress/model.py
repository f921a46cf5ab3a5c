"""The TFLite stress model, checked against its card before use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.errors import ModelError
from device.stress.card import ADVICE, Card, read_checked


class StressModel:
    """A small dense network: input vector to the logit of stress against rest.

    Args:
        path: the .tflite file; `card.json` lies beside it.

    Raises:
        ModelError: one line on what is absent, damaged or does not fit, and what to do.
    """

    def __init__(self, path: Path) -> None:
        content, self.card = read_checked(path)
        try:
            self._interpreter = _interpreter(content)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise ModelError(f"{path}: is no model that the interpreter takes; {ADVICE}") from error
        entry, leave = self._interpreter.get_input_details()[0], self._interpreter.get_output_details()[0]
        if tuple(entry["shape"]) != (1, len(self.card.inputs)) or tuple(leave["shape"]) != (1, 1):
            raise ModelError(f"{path}: has other inputs or outputs than its card says; {ADVICE}")
        self._entry = int(entry["index"])
        self._leave = int(leave["index"])

    def logit(self, vector: NDArray[np.float32]) -> float:
        """Return the calibrated logit of one input vector (see `model_vector`); 0 is undecided."""
        self._interpreter.set_tensor(self._entry, vector[None, :])
        self._interpreter.invoke()
        raw = float(self._interpreter.get_tensor(self._leave)[0, 0])
        return raw / self.card.temperature + self.card.bias


def _interpreter(content: bytes) -> Any:  # noqa: ANN401 - neither runtime has types
    """Return an interpreter of whichever runtime this Python has (LiteRT from 3.12 on), one thread."""
    try:
        from tflite_runtime.interpreter import Interpreter
    except ImportError:
        from ai_edge_litert.interpreter import Interpreter
    return Interpreter(model_content=content, num_threads=1)


__all__ = ["Card", "StressModel"]
