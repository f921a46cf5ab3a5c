"""How tense the simulated patient is, second by second, and what music does to it.

Arousal is a sum of four parts, clipped to 0 to 1, so that the same seed with and without music
differs by the effect of the music alone:

    spontaneous recovery + wandering + stressors + music

The effect of music is deliberately modest. De Witte et al. (2020, Health Psychology Review;
104 trials) report d = 0.38 on physiological arousal against controls, Adiasto et al. (2022, PLOS ONE)
g = 0.15, not significant, for recovery from acute stress. A `responsiveness` of 1 takes the first as
the effect of the calmest music this device can play, 0.4 stands for the second, 0 for nobody home.
That faster tempo raises arousal and percussiveness raises skin conductance is from van der Zwaag et
al. (2011, Musicae Scientiae); how the parts share the effect (`_SHARES`) is chosen.

Some people are irritated by music. For them any music raises arousal, in proportion to how much of it
there is (`annoyance`) and to `irritation`, counted in the same unit as `responsiveness`. No study known
to us gives that size; it is an assumption to test the loop against.
"""

from __future__ import annotations

import math

import numpy as np

from drivers.sim.body import Heard
from drivers.sim.track import Track

_EFFECT_D = 0.38  # de Witte 2020, physiological outcomes
PERSON_SD = 0.18  # chosen: spread of arousal between people on the 0 to 1 scale, to turn d into units
_SHARES = {"tempo": 0.35, "percussiveness": 0.25, "density": 0.20, "intensity": 0.20}  # chosen, sum 1
NEUTRAL_TEMPO_BPM = 70.0  # middle of the device's 50 to 90
_TEMPO_SPAN_BPM = 20.0
_LOUD_LUFS = -23.0  # EBU R 128 programme level: chosen as the point from which loudness itself arouses
_LOUD_SPAN_DB = 12.0  # chosen
_ANNOYING = {"intensity": 0.35, "density": 0.25, "percussiveness": 0.20, "mismatch": 0.20}  # chosen, sum 1
_MUSIC_LAG_S = 90.0  # chosen: music works over minutes

_START = (0.70, 0.04)  # mean and spread over seeds; chosen: a tense arrival
_REST = (0.36, 0.04)  # chosen: where the patient settles without any help
_RECOVERY_S = 1_200.0  # chosen: e-folding of spontaneous recovery
_WANDER_SD = 0.04  # chosen
_WANDER_S = 120.0  # chosen: correlation time of the Ornstein-Uhlenbeck wander
_STRESSOR_EVERY_S = 420.0  # chosen: mean time between a door, a voice, a thought
_STRESSOR_SIZE = (0.12, 0.4)  # chosen: median and log-spread
_STRESSOR_MAX = 0.3
_STRESSOR_RISE_S = 5.0  # chosen
_STRESSOR_FALL_S = 100.0  # chosen


def musical_drive(heard: Heard | None) -> float:
    """Return how far music pushes arousal: -1 (the calmest the device plays) to 1, silence 0.

    Tempo counts from 70 beats a minute, the shares from 0.5; each is clipped to its range. Above
    -23 LUFS loudness arouses whatever is played.
    """
    if heard is None:
        return 0.0
    pushes = {
        "tempo": (heard.tempo_bpm - NEUTRAL_TEMPO_BPM) / _TEMPO_SPAN_BPM,
        "percussiveness": 2.0 * heard.percussiveness - 1.0,
        "density": 2.0 * heard.density - 1.0,
        "intensity": 2.0 * heard.intensity - 1.0,
    }
    drive = sum(_SHARES[name] * min(1.0, max(-1.0, push)) for name, push in pushes.items())
    loud = max(0.0, (heard.loudness_lufs - _LOUD_LUFS) / _LOUD_SPAN_DB)
    return min(1.0, max(-1.0, drive + loud))


def annoyance(heard: Heard | None, pace_bpm: float) -> float:
    """Return how much there is to be irritated by, 0 (silence) to 1.

    Fullness, business and marked onsets count from 0 on, so even the softest music annoys a little; the
    tempo counts by its distance from the listener's own pace, 20 beats a minute being the most.
    """
    if heard is None:
        return 0.0
    parts = {
        "intensity": heard.intensity, "density": heard.density, "percussiveness": heard.percussiveness,
        "mismatch": abs(heard.tempo_bpm - pace_bpm) / _TEMPO_SPAN_BPM,
    }
    return sum(_ANNOYING[name] * min(1.0, max(0.0, part)) for name, part in parts.items())


class Arousal:
    """The patient's arousal, advanced one second at a time; `level` holds the track, 0 to 1.

    Args:
        rng: decides start, rest, wandering and stressors, none of which depends on the music.
        responsiveness: 1 for the literature's effect of the calmest music, 0 for nobody home.
        irritation: 1 for an equal effect the other way of as much music as there can be, 0 for none.
        pace_bpm: the tempo that suits an irritable listener best.
    """

    def __init__(self, rng: np.random.Generator, responsiveness: float, irritation: float = 0.0,
                 pace_bpm: float = NEUTRAL_TEMPO_BPM) -> None:
        self._rng = rng
        self._reach = responsiveness * _EFFECT_D * PERSON_SD
        self._irritable = irritation * _EFFECT_D * PERSON_SD
        self._pace_bpm = pace_bpm
        self._start = rng.normal(*_START)
        self._rest = rng.normal(*_REST)
        self._wander = 0.0
        self._coming = 0.0
        self._stressor = 0.0
        self._music = 0.0
        self.level = Track(self._start)

    def step(self, heard: Heard | None) -> float:
        """Advance by one second in which this is heard; return the size of a stressor that struck, or 0."""
        rng = self._rng
        self._wander += -self._wander / _WANDER_S + _WANDER_SD * math.sqrt(2.0 / _WANDER_S) * rng.normal()
        struck = rng.random() < 1.0 / _STRESSOR_EVERY_S
        size = min(_STRESSOR_MAX, _STRESSOR_SIZE[0] * math.exp(_STRESSOR_SIZE[1] * rng.normal()))
        blow = size if struck else 0.0
        self._coming += blow
        arriving = self._coming / _STRESSOR_RISE_S
        self._coming -= arriving
        self._stressor += arriving - self._stressor / _STRESSOR_FALL_S
        pull = self._reach * musical_drive(heard)
        if self._irritable:
            pull += self._irritable * annoyance(heard, self._pace_bpm)
        self._music += (pull - self._music) / _MUSIC_LAG_S
        elapsed_s = self.level.newest + 1
        recovery = self._rest + (self._start - self._rest) * math.exp(-elapsed_s / _RECOVERY_S)
        self.level.push(min(1.0, max(0.0, recovery + self._wander + self._stressor + self._music)))
        return blow
