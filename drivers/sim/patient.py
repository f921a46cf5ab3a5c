"""A seeded patient: arousal drives skin, pulse and EEG, and music moves arousal a little.

Slow state moves in whole seconds, each decided by what was heard when it began; beats and skin
responses are events in between. So every signal is a fixed function of the seed and of what was heard,
whatever is asked for, in which order and how often, as long as times do not go back by more than a
minute. Nothing depends on what is heard after the time asked for.
"""

from __future__ import annotations

import math
from collections import deque

import numpy as np
from numpy.typing import NDArray

from drivers.sim.arousal import NEUTRAL_TEMPO_BPM, Arousal
from drivers.sim.body import BodyTruth, Heard
from drivers.sim.eeg import CHANNELS, Scalp
from drivers.sim.pulse import Beat, Pulse
from drivers.sim.skin import Skin


class SimulatedPatient:
    """A body that hears; `responsiveness` scales the literature's effect of music, 0 is deaf.

    Before `start_s` the sensors touch nobody (NaN). Not safe for threads.

    Args:
        seed: decides the person and everything that happens to them.
        start_s: monotonic seconds at which the patient sits down.
        responsiveness: 1 for d = 0.38 of the calmest music (de Witte 2020), 0.4 for g = 0.15.
        irritation: how far music as such raises arousal, in the same unit; 0 for most people.
        pace_bpm: the tempo that irritates least.

    Raises:
        ValueError: responsiveness or irritation is negative or not finite.
    """

    def __init__(self, seed: int, start_s: float, *, responsiveness: float = 1.0, irritation: float = 0.0,
                 pace_bpm: float = NEUTRAL_TEMPO_BPM) -> None:
        if not 0.0 <= responsiveness < math.inf:
            raise ValueError(f"responsiveness is {responsiveness}; give 0 (deaf) or more")
        if not 0.0 <= irritation < math.inf:
            raise ValueError(f"irritation is {irritation}; give 0 (none) or more")
        _, skin, heart, noise, scalp = np.random.SeedSequence(seed).spawn(5)
        self._start_s = start_s
        self._mind = Arousal(mind_of(seed), responsiveness, irritation, pace_bpm)
        self._skin = Skin(np.random.default_rng(skin), self._mind.level.last)
        self._pulse = Pulse(_number(noise), np.random.default_rng(heart), self._mind.level)
        self._scalp = Scalp(_number(scalp), self._mind.level)
        self._hearing: deque[tuple[float, Heard | None]] = deque([(0.0, None)])

    def skin_us(self, at_s: float) -> float:
        """Return skin conductance in microsiemens, about 1 to 20."""
        elapsed_s = self._advance(at_s)
        return self._skin.conductance_us(elapsed_s) if elapsed_s >= 0 else math.nan

    def pulse_v(self, at_s: float) -> float:
        """Return the pulse sensor's output in volts around 1.65, 0.3 to 0.6 V from foot to peak."""
        elapsed_s = self._advance(at_s)
        return self._pulse.volts(elapsed_s) if elapsed_s >= 0 else math.nan

    def skin_c(self, at_s: float) -> float:
        """Return skin temperature in degrees Celsius, 30 to 34."""
        elapsed_s = self._advance(at_s)
        return self._skin.celsius(elapsed_s) if elapsed_s >= 0 else math.nan

    def eeg_uv(self, start_s: float, count: int, rate_hz: float) -> NDArray[np.float64]:
        """Return `count` EEG samples as an array (count, 8) in microvolts, tens of them from peak to peak."""
        if count <= 0:
            return np.empty((0, CHANNELS))
        self._advance(start_s + (count - 1) / rate_hz)
        return self._scalp.microvolts(start_s - self._start_s, count, rate_hz)

    def hear(self, at_s: float, heard: Heard | None) -> None:
        """Let the patient hear this from the next whole second on; None is silence."""
        elapsed_s = at_s - self._start_s
        if len(self._hearing) > 1 and math.ceil(self._hearing[-1][0]) == math.ceil(elapsed_s):
            self._hearing.pop()  # only the last word before a whole second counts
        self._hearing.append((elapsed_s, heard))

    def truth(self, at_s: float) -> BodyTruth:
        """Return what the sensors ought to show; before the start only NaN and None."""
        elapsed_s = self._advance(at_s)
        if elapsed_s < 0:
            return BodyTruth(None, "", math.nan, None, None)
        return BodyTruth(
            arousal=self._mind.level.at(elapsed_s),
            label="",
            skin_us=self._skin.conductance_us(elapsed_s),
            hr_bpm=self._pulse.hr_bpm(elapsed_s),
            skin_c=self._skin.celsius(elapsed_s),
        )

    def beats(self) -> list[Beat]:
        """Return the heart beats of the last minute, onsets in seconds since the start."""
        return self._pulse.beats()

    def responses(self) -> list[tuple[float, float]]:
        """Return the skin's responses of the last minute: onset in seconds since the start, microsiemens."""
        return self._skin.responses()

    def _advance(self, at_s: float) -> float:
        """Let the body live until the whole second after this time; return the elapsed seconds."""
        elapsed_s = at_s - self._start_s
        level = self._mind.level
        while level.newest <= elapsed_s:
            while len(self._hearing) > 1 and self._hearing[1][0] <= level.newest:
                self._hearing.popleft()
            arousal = level.last
            stressor = self._mind.step(self._hearing[0][1])
            self._skin.step(arousal, stressor)
            self._pulse.step(arousal)
            # Beats are drawn in order of time, so they must not fall behind what tracks remember.
            self._pulse.beat_until(float(level.newest - 1))
        return elapsed_s


def mind_of(seed: int) -> np.random.Generator:
    """Return what draws this patient's arousal, so that it can be had without a body."""
    return np.random.default_rng(np.random.SeedSequence(seed).spawn(1)[0])


def _number(sequence: np.random.SeedSequence) -> int:
    """Return one non-negative number that stands for a seed sequence."""
    return int(sequence.generate_state(1)[0])
