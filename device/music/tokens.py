"""What the melody network reads and says: the same numbers in training and on the device.

A melody is a row of tones in quarter-note beats. For every tone the network is told how it was
reached, where it lies in the key, how long it is and where the next one will fall in the bar; it
answers with one logit per class of the next interval and one per class of the next duration.
"""

from __future__ import annotations

import math
from typing import NamedTuple

LEAP_LIMIT = 13  # the outermost interval classes mean "13 semitones or more", as the data's README counts
INTERVALS = 2 * LEAP_LIMIT + 1
START_INTERVAL = INTERVALS  # the first tone was reached from nowhere

DURATIONS_BEATS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)  # cover 99 % of the corpus exactly

HEIGHT_BELOW = 12  # semitones under the tonic of the central octave that are told apart
HEIGHTS = 37
CENTRAL_C = 60  # the tonic's octave is MIDI 60 to 71; hymn tunes lie from there upwards
ABSOLUTE_LOW = 52
ABSOLUTES = 33  # MIDI 52 to 84
POSITIONS = 17  # half-beats within a bar of up to eight beats; the last class is "off the grid"
BARS = 4  # hymn lines come in twos and fours of bars
_ON_GRID = 1e-3  # beats; written lengths are fractions, sums of them nearly so
METRES = 4  # duple, triple, compound, free

FIELD_SIZES = (INTERVALS + 1, HEIGHTS, 12, ABSOLUTES, len(DURATIONS_BEATS), POSITIONS, BARS, METRES)
FIELD_NAMES = ("interval", "height", "degree", "absolute", "duration", "position", "bar", "metre")


class Tone(NamedTuple):
    """One tone of a melody: MIDI `pitch`; `start_beat` and `beats` in quarter notes."""

    pitch: int
    start_beat: float
    beats: float

    @property
    def end_beat(self) -> float:
        """Where the tone ends, in beats."""
        return self.start_beat + self.beats


class Place(NamedTuple):
    """Where a beat lies: `beat_in_bar` in quarters, `bar` counted from 0, `metre` 0 to 3."""

    beat_in_bar: float
    bar: int
    metre: int


def interval_class(semitones: int) -> int:
    """Return the class 0 to 26 of an interval; 13 is a repeated pitch."""
    return max(-LEAP_LIMIT, min(LEAP_LIMIT, semitones)) + LEAP_LIMIT


def duration_class(beats: float) -> int:
    """Return the nearest duration class by ratio; `beats` is above 0."""
    return min(range(len(DURATIONS_BEATS)), key=lambda index: abs(math.log(beats / DURATIONS_BEATS[index])))


def position_class(beat_in_bar: float) -> int:
    """Return the half-beat within the bar, or the last class when it is off that grid or beyond it."""
    halves = beat_in_bar * 2
    nearest = round(halves)
    return nearest if abs(halves - nearest) < _ON_GRID and 0 <= nearest < POSITIONS - 1 else POSITIONS - 1


def fields(before: int | None, tone: Tone, tonic: int, following: Place) -> tuple[int, ...]:
    """Return the network's input for one tone, in the order of `FIELD_NAMES`.

    Args:
        before: MIDI pitch of the tone before, None at the start.
        tone: the tone itself.
        tonic: pitch class 0 to 11 of the major key signature.
        following: where the next tone starts.
    """
    height = tone.pitch - CENTRAL_C - tonic % 12
    return (
        START_INTERVAL if before is None else interval_class(tone.pitch - before),
        max(0, min(HEIGHTS - 1, height + HEIGHT_BELOW)),
        height % 12,
        max(0, min(ABSOLUTES - 1, tone.pitch - ABSOLUTE_LOW)),
        duration_class(tone.beats),
        position_class(following.beat_in_bar),
        following.bar % BARS,
        following.metre,
    )
