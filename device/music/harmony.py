"""Slow harmony: keys, modes, which chords a phrase has and how it closes.

Chords are triads of a calm mode, mostly one per bar or two bars. The last two bars are the phrase's
cadence: a question stays open, an answer comes home by the mode's own way, or is put off once more.
"""

from __future__ import annotations

import itertools
from enum import Enum
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

BEATS_PER_BAR = 4
PROGRESSION_BARS = 4
HARSH = frozenset({1, 6, 11})  # interval classes that beat or pull (semitone, tritone, major seventh)

# How willingly a root moves by that many scale steps upwards: by thirds and fourths rather than by
# steps, as in functional harmony (Piston, Harmony, 1941, table of usual root progressions).
_MOVES = (0.0, 1.0, 1.0, 3.0, 2.0, 2.5, 1.0)


class Cadence(Enum):
    """How a phrase closes."""

    HALF = "open, on a chord that asks"
    AUTHENTIC = "home by the dominant, or by the chord that leads home in its stead"
    PLAGAL = "home by the softer side"
    DECEPTIVE = "aside, where home was expected"

    @property
    def closing(self) -> bool:
        """Whether the phrase answers; the melody is then at home."""
        return self is not Cadence.HALF


class Mode(NamedTuple):
    """A scale of seven steps, its welcome triads and its cadences.

    `steps` are semitones over the tonic; `weights` how welcome the triad of each degree is (0: never);
    `authentic` and `plagal` the degrees before home, `deceptive` the one instead of home, `half` those
    that ask; `signature` semitones from the tonic to that of the major key with the same notes. A mode
    without a leading tone comes home from the chord under the tonic (its modal cadence).
    """

    name: str
    steps: tuple[int, ...]
    weights: tuple[float, ...]
    authentic: int
    plagal: int
    deceptive: int
    half: tuple[int, int]
    signature: int


# Diminished triads have weight 0 and never sound.
MODES = (
    Mode("ionian", (0, 2, 4, 5, 7, 9, 11), (3, 1.5, 1, 3, 2, 2.5, 0), 4, 3, 5, (4, 1), 0),
    Mode("dorian", (0, 2, 3, 5, 7, 9, 10), (3, 1, 1.5, 2.5, 1, 0, 2), 6, 3, 2, (6, 4), 10),
    Mode("lydian", (0, 2, 4, 6, 7, 9, 11), (3, 2.5, 1, 0, 2, 1.5, 1), 4, 1, 5, (4, 1), 7),
    Mode("mixolydian", (0, 2, 4, 5, 7, 9, 10), (3, 1, 0, 2.5, 1.5, 1.5, 2.5), 6, 3, 5, (6, 4), 5),
    Mode("aeolian", (0, 2, 3, 5, 7, 8, 10), (3, 0, 2, 2.5, 1, 2.5, 2), 6, 3, 5, (4, 6), 3),
)
_MODE_SHARES = (0.3, 0.2, 0.15, 0.2, 0.15)
_FIRST_HALF_SHARE = 0.7  # of the mode's first open chord
_LONG_OPENING_SHARE = 0.4  # of phrases whose first chord lasts two bars


class Key(msgspec.Struct, frozen=True):
    """A tonic (pitch class 0 to 11) and a mode by its place in `MODES`."""

    tonic: int
    mode: int

    @property
    def scale(self) -> tuple[int, ...]:
        """Pitch classes from the tonic upwards."""
        return tuple((self.tonic + step) % 12 for step in MODES[self.mode].steps)

    @property
    def signature(self) -> int:
        """Pitch class of the tonic of the major key with the same notes."""
        return (self.tonic + MODES[self.mode].signature) % 12

    def triad(self, degree: int) -> tuple[int, int, int]:
        """Return root, third and fifth of a degree 0 to 6 as pitch classes."""
        scale = self.scale
        return scale[degree % 7], scale[(degree + 2) % 7], scale[(degree + 4) % 7]


class Chord(msgspec.Struct, frozen=True):
    """A triad (pitch classes, root first) and the beats it lasts from `start_beat`."""

    degree: int
    triad: tuple[int, int, int]
    start_beat: float
    beats: float


def key_of_section(seed: int, section: int) -> Key:
    """Return the key of a section: a home key drawn by the seed, left for a neighbour in odd sections.

    Args:
        seed: of the session.
        section: counted from 0; needs no section before it.
    """
    rng = np.random.default_rng([seed, 0])
    home = Key(int(rng.integers(12)), int(rng.choice(len(MODES), p=_MODE_SHARES)))
    if section % 2 == 0:
        return home
    away = np.random.default_rng([seed, 1, section])
    signature = (home.signature + int(away.choice((0, 5, 7), p=(0.4, 0.35, 0.25)))) % 12
    mode = int(away.integers(len(MODES)))
    return Key((signature - MODES[mode].signature) % 12, mode)


def progression(
    key: Key, cadence: Cadence, opening: tuple[int, ...], rng: np.random.Generator,
) -> tuple[Chord, ...]:
    """Return the chords of a phrase of 4 bars, of which the last two are the cadence.

    With the same draws all cadences share what comes before: the first two bars and the chord of the third.

    Args:
        key: tonic and mode.
        cadence: how it closes.
        opening: degrees of which one begins, the most wanted first; those that the mode lacks are left out.
        rng: seeded generator.
    """
    mode = MODES[key.mode]
    first = next(degree for degree in (*opening, 0) if mode.weights[degree] > 0)
    asks = mode.half[0] if rng.random() < _FIRST_HALF_SHARE else mode.half[1]
    onward = np.array([_MOVES[(asks - to) % 7] + _MOVES[(mode.authentic - to) % 7] for to in range(7)])
    long_opening = rng.random() < _LONG_OPENING_SHARE
    second = first if long_opening else _follow(first, {mode.authentic, 0}, mode, rng)
    third = _follow(second, {asks, mode.authentic, 0}, mode, rng, onward)
    row = [(first, 2.0)] if long_opening else [(first, 1.0), (second, 1.0)]
    row += _closed(mode, cadence, third, asks)
    starts = itertools.accumulate((bars for _, bars in row), initial=0.0)
    return tuple(
        Chord(degree, key.triad(degree), start * BEATS_PER_BAR, bars * BEATS_PER_BAR)
        for (degree, bars), start in zip(row, starts, strict=False))


def chord_at(chords: tuple[Chord, ...], beat: float) -> Chord:
    """Return the chord that sounds at a beat; the last one beyond the end."""
    return next((chord for chord in reversed(chords) if chord.start_beat <= beat), chords[0])


def gentle_tones(triad: tuple[int, int, int], scale: tuple[int, ...]) -> tuple[int, ...]:
    """Return the pitch classes of the scale that rub against no tone of the triad, the triad included."""
    return tuple(
        tone for tone in scale
        if tone in triad or not any((tone - part) % 12 in HARSH for part in triad))


def _closed(mode: Mode, cadence: Cadence, third: int, asks: int) -> list[tuple[int, float]]:
    """Return degrees and bars of the last two bars; harmony quickens before a close, as is usual."""
    if cadence is Cadence.HALF:
        return [(third, 1.0), (asks, 1.0)]
    approach = mode.plagal if cadence is Cadence.PLAGAL else mode.authentic
    final = mode.deceptive if cadence is Cadence.DECEPTIVE else 0
    led = [(approach, 1.0)] if approach == third else [(third, 0.5), (approach, 0.5)]
    return [*led, (final, 1.0)]


def _follow(
    before: int, avoided: set[int], mode: Mode, rng: np.random.Generator,
    onward: NDArray[np.float64] | None = None,
) -> int:
    """Draw the degree after another, by how willingly roots move there (and on)."""
    weights = np.array([
        0.0 if to in avoided else _MOVES[(to - before) % 7] * mode.weights[to] for to in range(7)])
    if onward is not None:
        weights = weights * onward
    return int(rng.choice(7, p=weights / weights.sum()))
