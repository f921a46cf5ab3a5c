"""The melody network's vocabulary: the same classes in training, in evaluation and on the device.

A melody is a row of tones in quarter-note beats. `device/music/fields.py` puts together what the network
is told of each tone; it answers with logits of the classes defined here.
"""

from __future__ import annotations

import math
from functools import lru_cache
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
BARS = 8  # hymn lines come in twos, fours and eights of bars
_ON_GRID = 1e-3  # beats; written lengths are fractions, sums of them nearly so
METRES = 4  # duple, triple, compound, free

TRENDS = 3  # of a segment: down, level, up
SEGMENT_BARS = 2  # chosen: half a line of a hymn, the length of the composer's themes

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


@lru_cache(maxsize=256)  # the same few lengths are asked for at every tone
def duration_class(beats: float) -> int:
    """Return the nearest duration class by ratio; `beats` is above 0."""
    return min(range(len(DURATIONS_BEATS)), key=lambda index: abs(math.log(beats / DURATIONS_BEATS[index])))


def position_class(beat_in_bar: float) -> int:
    """Return the half-beat within the bar, or the last class when it is off that grid or beyond it."""
    halves = beat_in_bar * 2
    nearest = round(halves)
    return nearest if abs(halves - nearest) < _ON_GRID and 0 <= nearest < POSITIONS - 1 else POSITIONS - 1


def height_class(pitch: int, tonic: int) -> int:
    """Return the class 0 to 36 of a MIDI pitch over the tonic (pitch class of the major key signature)."""
    return max(0, min(HEIGHTS - 1, pitch - CENTRAL_C - tonic % 12 + HEIGHT_BELOW))


def height_pitch(height: int, tonic: int) -> int:
    """Return the MIDI pitch of a height class."""
    return height + CENTRAL_C + tonic % 12 - HEIGHT_BELOW
