"""From a shape to pitches: the tone of the scale that best keeps the shape, the chord and the register."""

from __future__ import annotations

from typing import NamedTuple

from device.music.harmony import Chord, chord_at
from device.music.melody import MAX_LEAP
from device.music.motif import Shape, Step, ladder_index, weight
from device.music.tokens import Tone

MELODY_LOW, MELODY_HIGH = 55, 84
_STRONG = 2.0  # metrical weight from which a tone has to belong to the chord
_LONG_BEATS = 1.5  # a tone as long as this is heard as harmony as well

# Costs in scale steps away from the shape.
_REGISTER_COST = 0.7  # per semitone outside
_LEAP_COST = 0.3  # per semitone over a major third
_REPEAT_COST = 0.6
_LONG_FOREIGN_COST = 1.5
_UNSTABLE_END_COST = 1.2
_FREE_LEAP = 4


class Register(NamedTuple):
    """MIDI limits within which a line should stay; leaving an old register takes a few tones."""

    low: int
    high: int


def register_of(pitch: float) -> Register:
    """Return the register for the target's pitch 0 to 1: a tenth, its middle at MIDI 63 to 76."""
    middle = 63 + 13 * pitch
    return Register(max(MELODY_LOW, round(middle - 8)), min(MELODY_HIGH, round(middle + 8)))


def sung(
    shape: Shape, chords: tuple[Chord, ...], scale: tuple[int, ...], register: Register,
    reference: int, before: int | None, home: int,
) -> tuple[Tone, ...]:
    """Choose a pitch for every step of a phrase, one after the other.

    Tones on the first and third beat belong to the chord. No leap exceeds a fifth, the one from the
    phrase before included. The last tone belongs to the chord, home or third of the key if it can.

    Args:
        shape: the phrase, at least one step.
        chords: of the phrase.
        scale: pitch classes.
        register: where to be.
        reference: rung of the scale (see `ladder_index`) on which a rise of 0 lies.
        before: MIDI pitch of the last tone of the phrase before, None at the start.
        home: pitch class of the tonic.
    """
    tones: list[Tone] = []
    last = before
    for place, step in enumerate(shape):
        ends = place == len(shape) - 1
        chord = chord_at(chords, step.start_beat).triad
        options = _reachable(scale, last, register)
        if ends or weight(step.start_beat) >= _STRONG:
            options = [pitch for pitch in options if pitch % 12 in chord] or options
        wanted = reference + step.rise
        costs = {
            pitch: _cost(pitch, step, wanted, scale, chord, register, last)
            + (_UNSTABLE_END_COST if ends and pitch % 12 not in (home, chord[0]) else 0.0)
            for pitch in options}
        last = min(options, key=lambda pitch: (costs[pitch], pitch))
        tones.append(Tone(last, step.start_beat, step.beats))
    return tuple(tones)


def _reachable(scale: tuple[int, ...], last: int | None, register: Register) -> list[int]:
    """Return the pitches of the scale that may follow."""
    low, high = (register.low, register.high) if last is None else (last - MAX_LEAP, last + MAX_LEAP)
    return [p for p in range(max(low, MELODY_LOW), min(high, MELODY_HIGH) + 1) if p % 12 in scale]


def _cost(
    pitch: int, step: Step, wanted: int, scale: tuple[int, ...], chord: tuple[int, ...],
    register: Register, last: int | None,
) -> float:
    """Return how ill a pitch fits, in scale steps."""
    cost = float(abs(ladder_index(pitch, scale) - wanted))
    cost += _REGISTER_COST * (max(0, register.low - pitch) + max(0, pitch - register.high))
    if step.beats >= _LONG_BEATS and pitch % 12 not in chord:
        cost += _LONG_FOREIGN_COST
    if last is not None:
        cost += _LEAP_COST * max(0, abs(pitch - last) - _FREE_LEAP)
        cost += _REPEAT_COST * (pitch == last)
    return cost
