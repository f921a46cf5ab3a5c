"""What stands behind the electrodes: a simulated patient or a recording of a real person."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray


class Heard(NamedTuple):
    """What reaches the ear now: tempo in beats a minute, the rest 0 to 1, loudness in LUFS."""

    tempo_bpm: float
    pitch: float
    timbre: float
    intensity: float
    density: float
    percussiveness: float
    loudness_lufs: float


class BodyTruth(NamedTuple):
    """What the body knows of itself; None where it does not know, `label` empty outside a protocol."""

    arousal: float | None
    label: str
    skin_us: float
    hr_bpm: float | None
    skin_c: float | None


class Body(Protocol):
    """Physiology as a function of time; calls come with times that never go back.

    A NaN means that this electrode or sensor touches nobody.
    """

    def skin_us(self, at_s: float) -> float:
        """Return skin conductance in microsiemens."""

    def pulse_v(self, at_s: float) -> float:
        """Return the pulse sensor's output in volts, resting near half of 3.3 V."""

    def skin_c(self, at_s: float) -> float:
        """Return skin temperature in degrees Celsius."""

    def eeg_uv(self, start_s: float, count: int, rate_hz: float) -> NDArray[np.float64]:
        """Return `count` consecutive EEG samples as an array (count, 8) in microvolts."""

    def hear(self, at_s: float, heard: Heard | None) -> None:
        """Let the body hear this from now on; None is silence."""

    def truth(self, at_s: float) -> BodyTruth:
        """Return what the sensors ought to show at this time."""
