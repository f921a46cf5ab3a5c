"""Segments of two bars: where each begins and tends, and how dense, high and tense it is.

Chen 2020 (music for tinnitus) writes a melody segment by segment from two predictions: the pitch on which
the next segment opens, and the trend of its pitch. Segments are counted from the first tone, so an upbeat
belongs to what it leads to.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from device.evaluation.abc import Tune
from device.music.tokens import SEGMENT_BARS, TRENDS, Tone

DOWN, LEVEL, UP = range(TRENDS)
TREND_SEMITONES = 1.0  # chosen: makes the three trends about equally frequent
_GRACE_BEATS = 1e-6
_OCTAVE = 12

# How well each semitone over the tonic fits a major key: Krumhansl and Kessler, "Tracing the dynamic changes
# in perceived tonal organization", Psychological Review 89, 1982.
_FIT = np.array([6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88])
_INSTABILITY = (_FIT.max() - _FIT) / (_FIT.max() - _FIT.min())


class Segment(NamedTuple):
    """One segment: index of its first tone and past its last, trend, and what a target asks for."""

    first: int
    end: int
    trend: int
    density: float  # tones per beat
    register: float  # mean MIDI pitch by length
    tension: float  # 0 to about 1


def segments(tune: Tune) -> list[Segment]:
    """Return the segments of a tune in which a tone begins, in order."""
    length = SEGMENT_BARS * tune.bar_beats
    begins = tune.tones[0].start_beat
    numbers = [int((tone.start_beat - begins + _GRACE_BEATS) // length) for tone in tune.tones]
    edges = [0, *(i for i in range(1, len(numbers)) if numbers[i] != numbers[i - 1]), len(numbers)]
    return [
        _segment(tune, first, end, length) for first, end in itertools.pairwise(edges)]


def trend(tones: Sequence[Tone]) -> int:
    """Return whether the tones of a segment rise from its first half to its second, fall, or keep level."""
    middle = (tones[0].start_beat + tones[-1].end_beat) / 2
    early = [tone for tone in tones if tone.start_beat < middle]
    late = [tone for tone in tones if tone.start_beat >= middle]
    if not late:
        return LEVEL
    rise = _mean_pitch(late) - _mean_pitch(early)
    return UP if rise > TREND_SEMITONES else DOWN if rise < -TREND_SEMITONES else LEVEL


def tension(tones: Sequence[Tone], before: Sequence[Tone], tonic: int) -> float:
    """Return half the mean instability of the tones in the major key plus half their mean move in octaves."""
    lengths = np.array([tone.beats for tone in tones])
    unstable = _INSTABILITY[[(tone.pitch - tonic) % _OCTAVE for tone in tones]]
    line = [tone.pitch for tone in (*before[-1:], *tones)]
    moves = np.minimum(np.abs(np.diff(line)), _OCTAVE) / _OCTAVE
    move = moves.mean() if len(moves) else 0.0
    return float(0.5 * (unstable * lengths).sum() / lengths.sum() + 0.5 * move)


def ranks(found: list[Segment], corpus: list[Segment]) -> NDArray[np.float32]:
    """Return density, register and tension of some segments as shares 0 to 1 of the corpus below them."""
    measured = np.array([segment[3:] for segment in found])
    known = np.sort(np.array([segment[3:] for segment in corpus]), axis=0)
    columns = []
    for column in range(measured.shape[1]):
        below = np.searchsorted(known[:, column], measured[:, column] - _GRACE_BEATS, side="left")
        upto = np.searchsorted(known[:, column], measured[:, column] + _GRACE_BEATS, side="right")
        columns.append((below + upto) / (2 * len(known)))
    return np.asarray(np.stack(columns, axis=1), np.float32)


def _segment(tune: Tune, first: int, end: int, length: float) -> Segment:
    """Return one segment measured."""
    tones = tune.tones[first:end]
    return Segment(
        first, end, trend(tones), len(tones) / length, _mean_pitch(tones),
        tension(tones, tune.tones[:first], tune.tonic))


def _mean_pitch(tones: Sequence[Tone]) -> float:
    """Return the mean pitch, each tone counted by its length."""
    return sum(tone.pitch * tone.beats for tone in tones) / sum(tone.beats for tone in tones)
