"""How loud each note is: the target, the metre, and slow 1/f drift, as in played music.

Voss and Clarke (1978): loudness of music fluctuates as 1/f. The drift is a function of seed and beat,
so it goes on through a restart without a memory.
"""

from __future__ import annotations

import math

from device.messages import MusicalTarget, Voice
from device.music.motif import weight

# Velocity at intensity 0 and what full intensity adds.
_SOFTEST: dict[Voice, float] = {"pad": 0.20, "bass": 0.26, "melody": 0.32, "texture": 0.14}
_RANGE: dict[Voice, float] = {"pad": 0.30, "bass": 0.36, "melody": 0.42, "texture": 0.24}
_ACCENT = 0.25  # what full percussiveness adds to the first beat of a bar, and takes from between beats
_DRIFT = 0.2  # largest share by which drift moves a velocity
_ARCH = 0.08  # a melody is so much louder in the middle of a phrase than at its ends (Todd 1992, phrase arch)
_PHRASE_BEATS = 16.0
_OCTAVES = 9  # of drift: from 1 beat to 256 beats
LOWEST, HIGHEST = 0.05, 1.0

_MASK = (1 << 64) - 1


def velocity(voice: Voice, target: MusicalTarget, beat: float, drift: float) -> float:
    """Return the velocity 0.05 to 1 of a note.

    Args:
        voice: which part plays it.
        target: intensity sets the level, percussiveness the accents.
        beat: where the note starts in the phrase.
        drift: -1 to 1, see `drift_at`.
    """
    level = _SOFTEST[voice] + _RANGE[voice] * target.intensity
    accent = 1.0 + _ACCENT * target.percussiveness * (weight(beat) - 1.0) / 2.0
    if voice == "melody":
        level *= 1.0 + _ARCH * (math.sin(math.pi * beat / _PHRASE_BEATS) - 0.5)
    return round(min(HIGHEST, max(LOWEST, level * accent * (1.0 + _DRIFT * drift))), 4)


def drift_at(seed: int, beat: int, octaves: int = _OCTAVES) -> float:
    """Return 1/f noise -1 to 1 at a beat of the session (Voss's sum of ever slower dice).

    Args:
        seed: of the session.
        beat: counted from 0, or whatever else counts up.
        octaves: how many dice; the slowest is thrown every 2 ** (octaves - 1) beats.
    """
    dice = [_uniform(seed, octave, beat >> octave) for octave in range(octaves)]
    return 2.0 * sum(dice) / octaves - 1.0


def _uniform(seed: int, octave: int, count: int) -> float:
    """Return a number 0 to 1 that depends on all three (the finaliser of SplitMix64, Steele 2014)."""
    mixed = (seed * 0x9E3779B97F4A7C15 + octave * 0xBF58476D1CE4E5B9 + count * 0x94D049BB133111EB) & _MASK
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
    return (mixed ^ (mixed >> 31)) / _MASK
