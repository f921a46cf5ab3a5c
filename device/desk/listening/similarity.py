"""The self-similarity matrix of a session's bars (Foote 1999): form made visible."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from device.desk.listening.line import BEATS_PER_BAR, Bar, bars_of
from device.messages import Phrase

Floats = NDArray[np.float64]

SLOTS = 2 * BEATS_PER_BAR  # half-beats of a bar
NEAR_BARS = 2  # a bar is like its neighbours anyway


def self_similarity(phrases: Iterable[Phrase]) -> Floats:
    """Return the likeness 0 to 1 of every bar with every other, bars x bars.

    A bar is what its notes of all voices are: how often each pitch class and each half-beat is struck,
    and which way the melody goes from one half-beat to the next. Likeness is the cosine of the three
    parts' vectors, each of length 1; a bar without notes is like none.
    """
    ordered = list(phrases)
    rows = [_described(whole, melody) for whole, melody
            in zip(bars_of(ordered, None), bars_of(ordered), strict=True)]
    if not rows:
        return np.zeros((0, 0))
    table = np.array(rows)
    lengths = np.linalg.norm(table, axis=1, keepdims=True)
    unit = np.divide(table, lengths, out=np.zeros_like(table), where=lengths > 0)
    alike: Floats = np.clip(unit @ unit.T, 0.0, 1.0)
    return alike


def coherence(matrix: Floats) -> float:
    """Return how much more alike bars of one section (16 bars apart at most) are than distant ones."""
    lags = np.abs(np.subtract.outer(np.arange(len(matrix)), np.arange(len(matrix))))
    near = matrix[(lags > NEAR_BARS) & (lags <= 16)]  # noqa: PLR2004 - four phrases
    far = matrix[lags > 48]  # noqa: PLR2004 - beyond a section of eight phrases and half of the next
    return float(near.mean() - far.mean()) if near.size and far.size else 0.0


def _described(whole: Bar, melody: Bar) -> Floats:
    """Return the description of a bar: pitch classes, half-beats, turns of the melody."""
    classes = np.bincount([pitch % 12 for pitch, _ in whole], minlength=12).astype(float)
    struck = np.bincount([_slot(beat) for _, beat in melody], minlength=SLOTS).astype(float)
    return np.concatenate([_unit(classes), _unit(struck), _unit(_turns(melody))])


def _turns(melody: Sequence[tuple[int, float]]) -> Floats:
    """Return the interval (semitones) by which the melody reaches each half-beat of a bar."""
    turns = np.zeros(SLOTS)
    for (before, _), (pitch, beat) in itertools.pairwise(melody):
        turns[_slot(beat)] = pitch - before
    return turns


def _slot(beat: float) -> int:
    """Return the half-beat in which a note begins."""
    return min(SLOTS - 1, int(2 * beat))


def _unit(vector: Floats) -> Floats:
    """Return a vector of length 1, or zeros."""
    length = float(np.linalg.norm(vector))
    return vector / length if length else vector
