"""From a shape to pitches: the tone of the scale that best keeps the shape, the chord and the register."""

from __future__ import annotations

from typing import NamedTuple

from device.music.harmony import Chord, chord_at, gentle_tones
from device.music.melody import MAX_LEAP
from device.music.motif import Shape, Step, ladder_index, weight
from device.music.tokens import Tone

MELODY_LOW, MELODY_HIGH = 55, 84
_STRONG = 2.0  # metrical weight of the third beat; only the first weighs more
_LONG_BEATS = 1.5  # a tone as long as this is heard as harmony as well

# What counts against a pitch, in scale steps away from what the shape wants.
_PLACE_COST = 0.35  # per step away from where the shape lies
_MOTION_COST = 0.6  # per step by which the movement differs from the shape's
_REGISTER_COST = 0.7  # per semitone outside
_LEAP_COST = 0.6  # per semitone over a whole tone
_REPEAT_COST = 1.8  # for standing still where the shape moves
_STILL_COST = 1.0  # for standing still where it does too
_LONG_FOREIGN_COST = 3.0
_UNSTABLE_END_COST = 2.5
_FREE_LEAP = 2


class Register(NamedTuple):
    """MIDI limits within which a line should stay; leaving an old register takes a few tones."""

    low: int
    high: int


def register_of(pitch: float) -> Register:
    """Return the register for the target's pitch 0 to 1: a ninth, its middle at MIDI 62 to 77."""
    middle = 62 + 15 * pitch
    return Register(max(MELODY_LOW, round(middle - 7)), min(MELODY_HIGH, round(middle + 7)))


class Setting(NamedTuple):
    """What a line is sung over.

    `scale` are pitch classes, `home` that of the tonic; `reference` is the rung of the scale (see
    `ladder_index`) on which a rise of 0 lies.
    """

    chords: tuple[Chord, ...]
    scale: tuple[int, ...]
    home: int
    register: Register
    reference: int


def sung(shape: Shape, setting: Setting, before: int | None) -> tuple[Tone, ...]:
    """Choose a pitch for every step of a phrase, one after the other.

    Tones on the first beat belong to the chord, those on the third at least do not rub against it. No
    leap exceeds a fifth, the one from the phrase before included. The last tone belongs to the chord
    and is home or the chord's root if it can.

    Args:
        shape: the phrase, in order of time.
        setting: harmony and register.
        before: MIDI pitch of the last tone of the phrase before, None at the start.
    """
    tones: list[Tone] = []
    last, last_step = before, None
    for place, step in enumerate(shape):
        ends = place == len(shape) - 1
        costs = {
            pitch: _fit(pitch, step, ends, setting) + _motion(pitch, last, step, last_step, setting.scale)
            for pitch in _options(step, ends, last, setting)}
        last, last_step = min(costs, key=lambda pitch: (costs[pitch], pitch)), step
        tones.append(Tone(last, step.start_beat, step.beats))
    return tuple(tones)


def _options(step: Step, ends: bool, last: int | None, setting: Setting) -> list[int]:
    """Return the pitches that may stand at a step after the last one."""
    register = setting.register
    low, high = (register.low, register.high) if last is None else (last - MAX_LEAP, last + MAX_LEAP)
    allowed: tuple[int, ...] = setting.scale
    chord = chord_at(setting.chords, step.start_beat).triad
    if ends or weight(step.start_beat) > _STRONG:
        allowed = chord
    elif weight(step.start_beat) == _STRONG:
        allowed = gentle_tones(chord, setting.scale)
    return [p for p in range(max(low, MELODY_LOW), min(high, MELODY_HIGH) + 1) if p % 12 in allowed]


def _fit(pitch: int, step: Step, ends: bool, setting: Setting) -> float:
    """Return how ill a pitch fits place, chord and end."""
    register, chord = setting.register, chord_at(setting.chords, step.start_beat).triad
    cost = _PLACE_COST * abs(ladder_index(pitch, setting.scale) - setting.reference - step.rise)
    cost += _REGISTER_COST * (max(0, register.low - pitch) + max(0, pitch - register.high))
    if pitch % 12 not in chord:
        cost += _LONG_FOREIGN_COST * (step.beats >= _LONG_BEATS)
    if ends and pitch % 12 not in (setting.home, chord[0]):
        cost += _UNSTABLE_END_COST
    return cost


def _motion(
    pitch: int, last: int | None, step: Step, last_step: Step | None, scale: tuple[int, ...],
) -> float:
    """Return how ill the movement from the last tone fits: its size, its difference from the shape's."""
    if last is None:
        return 0.0
    moved = ladder_index(pitch, scale) - ladder_index(last, scale)
    meant = moved if last_step is None else step.rise - last_step.rise
    cost = _MOTION_COST * abs(moved - meant) + _LEAP_COST * max(0, abs(pitch - last) - _FREE_LEAP)
    if pitch != last:
        return cost
    return cost + (_STILL_COST if meant == 0 else _REPEAT_COST)
