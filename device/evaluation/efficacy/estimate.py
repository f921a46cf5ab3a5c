"""A stand-in for the whole estimator: arousal, late, with errors of the size that it makes on real people.

The level is `arousal` of 30 s ago plus an error that a person keeps and one that wanders. The errors are
sized by the shipped estimator on Stress-Predict (windows of 60 s, leave one subject out: balanced accuracy
0.772, AUC 0.849). Between stress and rest its level moves by 0.33, as arousal does here between arrival
(0.70) and rest (0.36), so the gain is 1; a balanced accuracy of 0.77 then needs a total error of
0.34 / (2 * 0.745) = 0.23. Of this 0.06 is the spread of people's mean levels; the rest wanders with a
correlation of 0.58 over 60 s, as the level does within a task (ten recordings, fitted as AR(1)).
"""

from __future__ import annotations

import math
from collections import deque

import numpy as np

from device.messages import Stress, StressBand

LAG_S = 30  # measured: the shipped estimate follows simulated patients by 20 to 30 s
PERSON_SD = 0.06
WANDER_SD = 0.22
WANDER_S = 110.0  # exp(-60 / 110) = 0.58
FIRST_S = 60  # unknown before: the estimator wants a minute of contact
CONFIDENCE = 0.75  # measured: mean on simulated patients with skin and pulse


class NoisyEstimate:
    """Gives a `Stress` for each second of a listener's arousal.

    Args:
        rng: of the errors, which do not depend on the music.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._offset = PERSON_SD * rng.normal()
        self._wander = WANDER_SD * rng.normal()
        self._kept = math.exp(-1.0 / WANDER_S)
        self._fresh = WANDER_SD * math.sqrt(1.0 - self._kept**2)
        self._past: deque[float] = deque(maxlen=LAG_S + 1)

    def update(self, second: int, arousal: float) -> Stress:
        """Return the estimate of this second, unknown within the first minute."""
        self._past.append(arousal)
        self._wander = self._kept * self._wander + self._fresh * self._rng.normal()
        level = min(1.0, max(0.0, self._past[0] + self._offset + self._wander))
        if second < FIRST_S:
            return Stress(at_s=float(second), level=None, confidence=0.0, band=StressBand.UNKNOWN,
                          sources=(), reason="too_little_contact")
        return Stress(at_s=float(second), level=level, confidence=CONFIDENCE, band=StressBand.MEDIUM,
                      sources=("eda", "ppg"), reason="")
