"""Slow modal harmony: which chords, when, and in which voices.

Chords are triads of a calm mode, one per bar or two bars. A phrase opens on the home chord and ends
either open (a question) or at home (its answer). Voices move as little as they can; a pad chord never
holds a semitone, a tritone or a major seventh.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import msgspec
import numpy as np

BEATS_PER_BAR = 4
PAD_LOW, PAD_HIGH = 45, 76
BASS_LOW, BASS_HIGH = 33, 52
HARSH = frozenset({1, 6, 11})  # interval classes that beat or pull (semitone, tritone, major seventh)
COLOUR_CHANCE = 0.35  # of a whole-tone ninth in a pad chord

# How willingly a root moves by that many scale steps upwards: by thirds and fourths rather than by
# steps, as in functional harmony (Piston, Harmony, 1941, table of usual root progressions).
_MOVES = (0.0, 1.0, 1.0, 3.0, 2.0, 2.5, 1.0)


class Mode(NamedTuple):
    """A scale of seven steps: semitones over its tonic, and how welcome each triad is (0: never)."""

    name: str
    steps: tuple[int, ...]
    weights: tuple[float, ...]
    approaches: tuple[int, ...]  # degrees that lead home
    open_ends: tuple[int, ...]  # degrees on which a question may rest
    signature: int  # semitones from the tonic to that of the major key with the same notes


# Diminished triads have weight 0 and never sound.
MODES = (
    Mode("ionian", (0, 2, 4, 5, 7, 9, 11), (3, 1.5, 1, 3, 2, 2.5, 0), (3, 4), (3, 4, 5), 0),
    Mode("dorian", (0, 2, 3, 5, 7, 9, 10), (3, 1, 1.5, 2.5, 1, 0, 2), (3, 6), (3, 6, 2), 10),
    Mode("lydian", (0, 2, 4, 6, 7, 9, 11), (3, 2.5, 1, 0, 2, 1.5, 1), (1, 4), (1, 4, 5), 7),
    Mode("mixolydian", (0, 2, 4, 5, 7, 9, 10), (3, 1, 0, 2.5, 1.5, 1.5, 2.5), (3, 6), (3, 6, 4), 5),
    Mode("aeolian", (0, 2, 3, 5, 7, 8, 10), (3, 0, 2, 2.5, 1, 2.5, 2), (3, 6), (3, 5, 2), 3),
)

_RHYTHMS = ((1, 1, 1, 1), (2, 1, 1), (1, 1, 2), (2, 2))
_RHYTHM_SHARES = (0.3, 0.3, 0.15, 0.25)


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
    home = Key(int(rng.integers(12)), int(rng.choice(len(MODES), p=(0.3, 0.2, 0.15, 0.2, 0.15))))
    if section % 2 == 0:
        return home
    away = np.random.default_rng([seed, 1, section])
    signature = (home.signature + int(away.choice((0, 5, 7), p=(0.4, 0.35, 0.25)))) % 12
    mode = int(away.integers(len(MODES)))
    return Key((signature - MODES[mode].signature) % 12, mode)


def progression(key: Key, bars: int, closing: bool, rng: np.random.Generator) -> tuple[Chord, ...]:
    """Return the chords of a phrase of 4 bars (or a multiple of 4), home at the start.

    Args:
        key: tonic and mode.
        bars: length of the phrase.
        closing: end at home rather than on an open degree.
        rng: seeded generator.
    """
    mode = MODES[key.mode]
    lengths = [length for _ in range(bars // 4) for length in _RHYTHMS[int(rng.choice(4, p=_RHYTHM_SHARES))]]
    final = 0 if closing else int(rng.choice(mode.open_ends))
    degrees = [0]
    for place in range(1, len(lengths) - 1):
        last_but_one = place == len(lengths) - 2
        degrees.append(_follow(degrees[-1], final if last_but_one else None, mode, rng))
    if closing and len(lengths) == 2:  # noqa: PLR2004 - two chords: leave home before coming back
        degrees[0] = int(rng.choice(mode.approaches))
    degrees.append(final)
    starts = itertools.accumulate(lengths, initial=0)
    return tuple(
        Chord(degree, key.triad(degree), float(start * BEATS_PER_BAR), float(length * BEATS_PER_BAR))
        for degree, start, length in zip(degrees, starts, lengths, strict=False))


def chord_at(chords: tuple[Chord, ...], beat: float) -> Chord:
    """Return the chord that sounds at a beat; the last one beyond the end."""
    return next((chord for chord in reversed(chords) if chord.start_beat <= beat), chords[0])


def pad_voicing(
    chord: Chord, key: Key, before: tuple[int, ...], centre: float, rng: np.random.Generator,
) -> tuple[int, ...]:
    """Return three or four ascending MIDI pitches that lie nearest to the voicing before.

    Args:
        chord: to be voiced; its third always sounds.
        key: whose scale may lend a ninth.
        before: the voicing that sounds now, empty at the start.
        centre: MIDI pitch around which to stay, 54 to 66.
        rng: seeded generator, for the colour.
    """
    root, third, _ = chord.triad
    ninth = (root + 2) % 12
    gentle = ninth in key.scale and (third - ninth) % 12 == 2  # noqa: PLR2004 - a whole tone
    colour = (ninth,) if rng.random() < COLOUR_CHANCE and gentle else ()
    low, high = max(PAD_LOW, round(centre) - 9), min(PAD_HIGH, round(centre) + 9)
    reachable = [p for p in range(low, high + 1) if p % 12 in (*chord.triad, *colour)]
    size = 4 if colour else 3
    fitting = [
        voices for voices in itertools.combinations(reachable, size)
        if {root, third, *colour} <= {voice % 12 for voice in voices} and not harsh(voices)
        and voices[-1] - voices[0] <= 16]  # noqa: PLR2004 - a tenth: what two hands hold together
    return min(fitting, key=lambda voices: (_distance(voices, before, centre), voices))


def harsh(voices: tuple[int, ...]) -> bool:
    """Return whether any two voices make a semitone, tritone or major seventh (octaves aside)."""
    return any((high - low) % 12 in HARSH for low, high in itertools.combinations(voices, 2))


def gentle_tones(triad: tuple[int, int, int], scale: tuple[int, ...]) -> tuple[int, ...]:
    """Return the pitch classes of the scale that rub against no tone of the triad, the triad included."""
    return tuple(
        tone for tone in scale
        if tone in triad or not any((tone - part) % 12 in HARSH for part in triad))


def bass_pitch(pitch_class: int, before: int | None) -> int:
    """Return the MIDI pitch of a pitch class in the bass that lies nearest to the one before."""
    near = 40 if before is None else before
    options = [pitch for pitch in range(BASS_LOW, BASS_HIGH + 1) if pitch % 12 == pitch_class]
    return min(options, key=lambda pitch: (abs(pitch - near), pitch))


def _follow(degree: int, final: int | None, mode: Mode, rng: np.random.Generator) -> int:
    """Draw the next degree; before the final one, from those that also lead there."""
    weights = np.array([_MOVES[(to - degree) % 7] * mode.weights[to] for to in range(7)])
    if final is not None:
        onward = np.array([_MOVES[(final - to) % 7] for to in range(7)])
        if final == 0:
            onward = onward * np.array([4.0 if to in mode.approaches else 1.0 for to in range(7)])
        weights = weights * onward
    return int(rng.choice(7, p=weights / weights.sum()))


def _distance(voices: tuple[int, ...], before: tuple[int, ...], centre: float) -> float:
    """Return how far the voices move, and a little for straying from the centre."""
    stray = 0.5 * abs(sum(voices) / len(voices) - centre)
    if not before:
        return stray
    return stray + sum(min(abs(voice - old) for old in before) for voice in voices)
