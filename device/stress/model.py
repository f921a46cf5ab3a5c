"""The TFLite model of the body's experts, checked against its card before use."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from device.stress.card import ADVICE, read_card
from device.stress.inputs import SOURCES
from device.stress.network import Network


class StressModel:
    """An ensemble of small experts, one for each source: input vector to logits of stress against rest.

    Args:
        path: the .tflite file; `card.json` lies beside it.

    Raises:
        ModelError: one line on what is absent, damaged or does not fit, and what to do.
    """

    def __init__(self, path: Path) -> None:
        content, self.card = read_card(path)
        shape = (self.card.members, len(SOURCES))
        self._network = Network(path, content, len(self.card.inputs), shape, ADVICE)

    def logits(self, vector: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return each member's logits, shape (members, sources), of one input vector (see `model_vector`).

        0 is undecided. What an expert says without its source means nothing.
        """
        return self._network.run(vector)

