"""A simulated person whose arousal a test decides: the shipped patient's skin, pulse and scalp, no chance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from drivers.sim.body import BodyTruth, Heard
from drivers.sim.eeg import Scalp
from drivers.sim.pulse import Pulse
from drivers.sim.skin import Skin
from drivers.sim.track import Track

CALM, TENSE = 0.30, 0.85
CHANGE_S = 20.0  # over which arousal moves from one to the other


class ScriptedPatient:
    """Calm until `tense_s` seconds after the start, tense from then on; deaf. A `drivers.sim.body.Body`."""

    def __init__(self, seed: int, start_s: float, tense_s: float = float("inf")) -> None:
        skin, heart = np.random.SeedSequence(seed).spawn(2)
        self._start_s = start_s
        self._tense_s = tense_s
        self._arousal = Track(CALM)
        self._skin = Skin(np.random.default_rng(skin), CALM)
        self._pulse = Pulse(seed, np.random.default_rng(heart), self._arousal)
        self._scalp = Scalp(seed, self._arousal)

    def skin_us(self, at_s: float) -> float:
        return self._skin.conductance_us(self._advance(at_s))

    def pulse_v(self, at_s: float) -> float:
        return self._pulse.volts(self._advance(at_s))

    def skin_c(self, at_s: float) -> float:
        return self._skin.celsius(self._advance(at_s))

    def eeg_uv(self, start_s: float, count: int, rate_hz: float) -> NDArray[np.float64]:
        self._advance(start_s + count / rate_hz)
        return self._scalp.microvolts(start_s - self._start_s, count, rate_hz)

    def hear(self, at_s: float, heard: Heard | None) -> None:
        """Hear nothing."""

    def truth(self, at_s: float) -> BodyTruth:
        elapsed_s = self._advance(at_s)
        return BodyTruth(self._arousal.at(elapsed_s), "", self._skin.conductance_us(elapsed_s),
                         self._pulse.hr_bpm(elapsed_s), self._skin.celsius(elapsed_s))

    def _advance(self, at_s: float) -> float:
        elapsed_s = at_s - self._start_s
        while self._arousal.newest <= elapsed_s:
            newest = self._arousal.newest
            share = min(1.0, max(0.0, (newest - self._tense_s) / CHANGE_S))
            now = self._arousal.last
            self._arousal.push(CALM + share * (TENSE - CALM))
            self._skin.step(now, 0.0)
            self._pulse.step(now)
            self._pulse.beat_until(float(self._arousal.newest - 1))
        return elapsed_s
