"""The simulated patient's heart, breath and pulse wave.

Beats come one by one: the mean rate follows arousal, respiratory sinus arrhythmia and the 0.1 Hz
Mayer wave sit on top and shrink with arousal. Sizes are set so that the calm patient comes near the
norms of Nunan, Sandercock and Brodie (2010, PACE): RMSSD 42 ms, SDNN 50 ms. The wave is two
Gaussians, systolic and dicrotic; its height falls with arousal as vessels narrow. The output is that
of a pulse sensor with its own amplifier, resting at half of 3.3 V.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from typing import NamedTuple

import numpy as np

from drivers.sim.track import HISTORY_S, Track

REST_V = 1.65  # half of the 3.3 V supply
_HR_CALM_BPM, _HR_GAIN_BPM = 60.0, 35.0  # 60 to 95 beats a minute
_BREATHS_CALM, _BREATHS_GAIN = 12.0, 7.0  # a minute; adults at rest take 12 to 20
_BREATH_WANDER_HZ, _BREATH_WANDER_S = 0.015, 30.0  # chosen
_RSA_S, _RSA_FLOOR_S = 0.080, 0.004  # chosen to meet Nunan's RMSSD at arousal 0.35
_MAYER_S, _MAYER_FLOOR_S = 0.045, 0.005  # chosen to meet Nunan's SDNN
_MAYER_HZ = 0.1
_BEAT_NOISE_S = 0.004  # chosen
_SHORTEST_S, _LONGEST_S = 0.40, 1.60

_HEIGHT_V, _HEIGHT_FALL_V = 0.60, 0.30  # chosen: 0.6 V calm to 0.3 V tense
_SYSTOLE_S, _SYSTOLE_SD_S = 0.22, 0.062  # after the onset, at a mean interval of 0.8 s
_DICROTIC_S, _DICROTIC_SD_S, _DICROTIC_SHARE = 0.46, 0.10, 0.42
_MEAN_SHAPE = 0.32  # mean of the unit wave, so that the output rests at half supply
_BREATH_ON_HEIGHT = 0.06  # chosen
_BREATH_WANDER_V = 0.03  # chosen
_NOISE_V = 0.002  # chosen: amplifier noise
_NOISE_RATE_HZ = 200


class Beat(NamedTuple):
    """One heart beat: onset and interval to the next in seconds, wave height in volts, time scale."""

    onset_s: float
    interval_s: float
    height_v: float
    scale: float


class Pulse:
    """Beats and their wave; breathing advances second by second, beats as far as they are asked for."""

    def __init__(self, seed: int, rng: np.random.Generator, arousal: Track) -> None:
        self._seed = seed
        # Two streams: beats are drawn when they are asked for, breaths once a second.
        self._rng, self._breath_rng = rng.spawn(2)
        self._arousal = arousal
        self._breath_cycles = Track(rng.random())
        self._breath_off_hz = 0.0
        self._mayer_phase = rng.random()
        self._person = float(np.clip(1.0 + 0.12 * rng.normal(), 0.8, 1.1))
        self._beats = [Beat(-0.6, 0.7, 0.0, 1.0)]
        self._onsets = [-0.6]
        self._noise_second = -1
        self._noise: list[float] = []

    def step(self, arousal: float) -> None:
        """Advance breathing by one second at this arousal."""
        pull = -self._breath_off_hz / _BREATH_WANDER_S
        push = _BREATH_WANDER_HZ * math.sqrt(2.0 / _BREATH_WANDER_S) * self._breath_rng.normal()
        self._breath_off_hz += pull + push
        rate_hz = (_BREATHS_CALM + _BREATHS_GAIN * arousal) / 60.0 + self._breath_off_hz
        self._breath_cycles.push(self._breath_cycles.last + max(0.05, rate_hz))

    def beat_until(self, elapsed_s: float) -> None:
        """Let the heart beat up to this time; breathing and arousal must be known that far."""
        while (onset_s := self._beats[-1].onset_s + self._beats[-1].interval_s) <= elapsed_s:
            self._beats.append(self._beat(onset_s))
            self._onsets.append(onset_s)
        if self._onsets[-1] - self._onsets[0] > 2 * HISTORY_S:
            keep = bisect_right(self._onsets, self._onsets[-1] - HISTORY_S)
            del self._beats[:keep], self._onsets[:keep]

    def volts(self, elapsed_s: float) -> float:
        """Return the sensor's output in volts; breathing and arousal must be known up to that time."""
        self.beat_until(elapsed_s)
        newest = bisect_right(self._onsets, elapsed_s)
        wave = 0.0
        for beat in self._beats[max(0, newest - 3) : newest]:
            age = (elapsed_s - beat.onset_s) / beat.scale
            systole = math.exp(-0.5 * ((age - _SYSTOLE_S) / _SYSTOLE_SD_S) ** 2)
            dicrotic = math.exp(-0.5 * ((age - _DICROTIC_S) / _DICROTIC_SD_S) ** 2)
            wave += beat.height_v * (systole + _DICROTIC_SHARE * dicrotic)
        wave -= self._beats[newest - 1].height_v * _MEAN_SHAPE
        breath = _BREATH_WANDER_V * math.sin(2 * math.pi * self._breath_cycles.at(elapsed_s))
        return REST_V + wave + breath + self._noise_at(elapsed_s)

    def hr_bpm(self, elapsed_s: float, over_s: float = 10.0) -> float | None:
        """Return the mean rate of the beats of the last seconds, None before the second beat."""
        self.beat_until(elapsed_s)
        last = bisect_right(self._onsets, elapsed_s) - 1
        first = max(1, bisect_right(self._onsets, elapsed_s - over_s))
        if last <= first:
            return None
        return 60.0 * (last - first) / (self._onsets[last] - self._onsets[first])

    def beats(self) -> list[Beat]:
        """Return the beats still remembered, oldest first."""
        return list(self._beats)

    def _beat(self, onset_s: float) -> Beat:
        """Return the beat that starts now."""
        arousal = self._arousal.at(onset_s)
        mean_s = 60.0 / (_HR_CALM_BPM + _HR_GAIN_BPM * arousal)
        breath = math.sin(2 * math.pi * self._breath_cycles.at(onset_s))
        mayer = math.sin(2 * math.pi * (_MAYER_HZ * onset_s + self._mayer_phase))
        calm = 1.0 - arousal
        interval_s = (mean_s + (_RSA_FLOOR_S + _RSA_S * calm**1.3) * breath
                      + (_MAYER_FLOOR_S + _MAYER_S * calm) * mayer + _BEAT_NOISE_S * self._rng.normal())
        height_v = (_HEIGHT_V - _HEIGHT_FALL_V * arousal) * self._person * (1 + _BREATH_ON_HEIGHT * breath)
        # The scale follows the mean rate alone: else a long beat would delay its own peak.
        scale = math.sqrt(mean_s / 0.8)
        return Beat(onset_s, min(_LONGEST_S, max(_SHORTEST_S, interval_s)), height_v, scale)

    def _noise_at(self, elapsed_s: float) -> float:
        """Return amplifier noise, a fixed function of seed and time."""
        second = int(elapsed_s)
        if second != self._noise_second:
            rng = np.random.default_rng((self._seed, second))
            self._noise = (_NOISE_V * rng.standard_normal(_NOISE_RATE_HZ)).tolist()
            self._noise_second = second
        return self._noise[int((elapsed_s - second) * _NOISE_RATE_HZ)]
