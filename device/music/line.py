"""From a shape to pitches: of all lines within the rules the one that best keeps shape, chords and register.

The whole phrase is chosen at once, by dynamic programming over the pitches of the register (Viterbi 1967),
so an early tone makes room for a later one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from device.music.harmony import Chord, chord_at, gentle_tones
from device.music.melody import MAX_LEAP
from device.music.motif import Shape, Step, ladder_index, weight
from device.music.tokens import Tone

MELODY_LOW, MELODY_HIGH = 55, 84
_STRONG = 2.0  # metrical weight of the third beat; only the first weighs more
_LONG_BEATS = 1.5  # a tone as long as this is heard as harmony as well
_TRITONE = 6

# What counts against a pitch, in scale steps away from what the shape wants.
_PLACE_COST = 0.4  # per step away from where the shape lies
_MOTION_COST = 1.3  # per step by which the movement differs from the shape's
_REGISTER_COST = 0.5  # per semitone outside
_LEAP_COST = 0.55  # per semitone over a whole tone
_TRITONE_COST = 4.0
_REPEAT_COST = 1.8  # for standing still where the shape moves
_STILL_COST = 0.5  # for standing still where it does too
_LONG_FOREIGN_COST = 6.0
_END_COST = 2.5  # for an end on the second-best tone, twice for another
_LAST_REPEAT_COST = 2.0  # more for an end on the tone before it
_FREE_LEAP = 2
_AFTER_REST = 0.15  # share of a leap's cost between phrases, where the singer breathes

_Costs = NDArray[np.float64]
_PITCHES = np.arange(MELODY_LOW, MELODY_HIGH + 1)


class Register(NamedTuple):
    """MIDI limits within which a line should stay; leaving an old register takes a few tones."""

    low: int
    high: int


def register_of(pitch: float, lift: int = 0) -> Register:
    """Return the register for the target's pitch 0 to 1: a ninth, its middle at MIDI 62 to 77.

    Args:
        pitch: of the target.
        lift: semitones by which a style plays higher.
    """
    middle = 62 + 15 * pitch + lift * (1.0 - pitch)  # the top of the range stays where it is
    return Register(max(MELODY_LOW, round(middle - 7)), min(MELODY_HIGH, round(middle + 7)))


class Setting(NamedTuple):
    """What a line is sung over.

    `scale` are pitch classes; `ends` those on which the phrase should end, the best first, all of the
    last chord; `reference` is the rung of the scale (see `ladder_index`) on which a rise of 0 lies.
    """

    chords: tuple[Chord, ...]
    scale: tuple[int, ...]
    ends: tuple[int, ...]
    register: Register
    reference: int


def sung(shape: Shape, setting: Setting, before: int | None) -> tuple[Tone, ...]:
    """Choose the pitches of a phrase.

    Tones on the first beat belong to the chord, those on the third at least do not rub against it. No
    leap exceeds a fifth, the one from the phrase before included. The last tone belongs to the chord.

    Args:
        shape: the phrase, in order of time.
        setting: harmony and register.
        before: MIDI pitch of the last tone of the phrase before, None at the start.
    """
    if not shape:
        return ()
    rungs = np.array([ladder_index(int(pitch), setting.scale) for pitch in _PITCHES])
    leaps = _PITCHES[None, :] - _PITCHES[:, None]
    moved = rungs[None, :] - rungs[:, None]
    fixed = _leap_costs(leaps)
    total = _fit(shape[0], len(shape) == 1, rungs, setting)
    if before is not None:
        total = total + _AFTER_REST * _leap_costs(_PITCHES - before)
    came_from = []
    for place in range(1, len(shape)):
        step, meant = shape[place], shape[place].rise - shape[place - 1].rise
        motion = fixed + _MOTION_COST * np.abs(moved - meant)
        motion = motion + np.where(leaps == 0, _STILL_COST if meant == 0 else _REPEAT_COST, 0.0)
        if place == len(shape) - 1:
            motion = motion + np.where(leaps == 0, _LAST_REPEAT_COST, 0.0)
        ways = total[:, None] + motion
        came_from.append(ways.argmin(axis=0))
        total = ways.min(axis=0) + _fit(step, place == len(shape) - 1, rungs, setting)
    indices = [int(total.argmin())]
    for row in reversed(came_from):
        indices.append(int(row[indices[-1]]))
    return tuple(
        Tone(int(_PITCHES[index]), step.start_beat, step.beats)
        for index, step in zip(reversed(indices), shape, strict=True))


def _leap_costs(leaps: NDArray[np.int64]) -> _Costs:
    """Return what each leap (semitones) costs; a forbidden one is infinite."""
    size = np.abs(leaps)
    cost = _LEAP_COST * np.maximum(0, size - _FREE_LEAP) + _TRITONE_COST * (size == _TRITONE)
    return np.where(size > MAX_LEAP, np.inf, cost)


def _fit(step: Step, ends: bool, rungs: NDArray[np.int64], setting: Setting) -> _Costs:
    """Return how ill each pitch fits place, chord and end; what may not stand there is infinite."""
    register, chord = setting.register, chord_at(setting.chords, step.start_beat).triad
    cost = _PLACE_COST * np.abs(rungs - setting.reference - step.rise)
    outside = np.maximum(0, register.low - _PITCHES) + np.maximum(0, _PITCHES - register.high)
    cost = cost + _REGISTER_COST * outside
    allowed: tuple[int, ...] = setting.scale
    if ends or weight(step.start_beat) > _STRONG:
        allowed = chord
    elif weight(step.start_beat) == _STRONG:
        allowed = gentle_tones(chord, setting.scale)
    if step.beats >= _LONG_BEATS:
        cost = cost + np.where(_among(chord), 0.0, _LONG_FOREIGN_COST)
    if ends:
        for rank, tone in enumerate(setting.ends):
            cost = cost + _END_COST * rank * _among((tone,))
    return np.where(_among(allowed), cost, np.inf)


def _among(classes: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return for each pitch whether it is of one of these classes."""
    table = np.zeros(12, np.bool_)
    table[list(classes)] = True
    found: NDArray[np.bool_] = table[_PITCHES % 12]
    return found
