"""The themes of a session: invented, judged as a singer would, and brought back in a changed form.

Even sections are in the home key and return to the session's main theme, each time in another guise;
odd sections have a theme of their own. A theme is three bars; the fourth is left to the cadence.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np

from device.music.form import OPENINGS
from device.music.harmony import BEATS_PER_BAR, Cadence, Chord, Key, chord_at, key_of_section, progression
from device.music.melody import MelodySource, MotifRequest
from device.music.motif import (
    Shape,
    bar_of,
    inverted,
    ladder_index,
    placed,
    shape_of,
    shifted,
    stretched,
    varied,
)
from device.music.tokens import Tone

THEME_BARS = 3
CANDIDATES = 3  # themes of which the most singable is taken
_RETURNS_ALIKE = 4  # sections after which the main theme has its first chords again
_LOW, _HIGH = 59, 76  # where the corpus lies, so the network is at home
_THEME_STREAM, _CHORD_STREAM, _GUISE_STREAM = 2, 3, 7


class Theme(NamedTuple):
    """Three bars in scale steps over a tonic."""

    shape: Shape

    @property
    def bars(self) -> tuple[Shape, ...]:
        """The three bars, each from beat 0."""
        return tuple(bar_of(self.shape, bar) for bar in range(THEME_BARS))

    @property
    def middle(self) -> float:
        """Mean height in scale steps, long tones counting more."""
        length = sum(step.beats for step in self.shape)
        return sum(step.rise * step.beats for step in self.shape) / length


def chords_of(seed: int, section: int, number: int, cadence: Cadence) -> tuple[Chord, ...]:
    """Return a progression of a section; one that asks and one that answers begin alike.

    Every other return of the main theme has its first harmony again.
    """
    shared = 0 if number == 0 and section % _RETURNS_ALIKE == 0 else section
    rng = np.random.default_rng([seed, _CHORD_STREAM, shared, number])
    return progression(key_of_section(seed, section), cadence, OPENINGS[number], rng)


class Themes:
    """The themes of one session; the same for a section whenever they are asked for.

    Keeps the main theme and the last one, because inventing takes some milliseconds.

    Args:
        source: where melodies come from.
        seed: of the session.
    """

    def __init__(self, source: MelodySource, seed: int) -> None:
        self._source = source
        self._seed = seed
        self._kept: dict[int, Theme] = {}

    def of_section(self, section: int) -> Theme:
        """Return the theme of a section, counted from 0; needs no section before it."""
        if section not in self._kept:
            found = self._made(section)
            main = {place: theme for place, theme in self._kept.items() if place == 0}
            self._kept = main | {section: found}
        return self._kept[section]

    def _made(self, section: int) -> Theme:
        """Return a section's own theme, or the main one in another guise."""
        if section % 2 == 1 or section == 0:
            return _invented(self._source, self._seed, section)
        rng = np.random.default_rng([self._seed, _GUISE_STREAM, section])
        return in_guise(self.of_section(0), section // 2, rng)


def in_guise(theme: Theme, turn: int, rng: np.random.Generator) -> Theme:
    """Return a theme as it comes back: still known by its first bar or its rhythm, never quite the same.

    Args:
        theme: as it was first heard.
        turn: how often it has come back, 1 or more.
        rng: seeded generator.
    """
    first, second, third = theme.bars
    guises = (
        (first, varied(second, 1, rng), varied(third, 2, rng)),
        (varied(first, 1, rng), first, shifted(second, int(rng.choice((-1, 1))))),
        (bar_of(stretched(first, 2.0), 0), bar_of(stretched(first, 2.0), 1), varied(second, 1, rng)),
        (inverted(first), varied(second, 1, rng), first),
        (first, varied(third, 2, rng), varied(second, 1, rng)),
    )
    bars = guises[(turn - 1) % len(guises)]
    return Theme(tuple(step for bar, shape in enumerate(bars) for step in placed(shape, bar)))


def singable(tones: tuple[Tone, ...]) -> float:
    """Return how far a theme is from what one sings easily; 0 is best.

    Counted against it: a range under a fifth or over an octave, tones repeated twice running, leaps that
    do not turn back, more than three or only one note value, and a highest tone that comes more than once
    (the rules of a good cantus: Jeppesen, Counterpoint, 1939).
    """
    pitches = [tone.pitch for tone in tones]
    steps = [after - before for before, after in itertools.pairwise(pitches)]
    span = max(pitches) - min(pitches)
    cost = 0.7 * max(0, 7 - span) + 0.7 * max(0, span - 12)
    cost += 1.5 * sum(one == other == 0 for one, other in itertools.pairwise(steps))
    cost += 0.9 * sum(step == 0 for step in steps)
    cost += sum(abs(one) > 4 and one * other >= 0 for one, other in itertools.pairwise(steps))  # noqa: PLR2004
    values = len({tone.beats for tone in tones})
    cost += 1.0 * (values == 1) + 0.7 * max(0, values - 3)
    cost += 0.8 * (pitches.count(max(pitches)) - 1)
    per_bar = len(tones) / THEME_BARS
    return cost + 1.5 * max(0.0, 2.5 - per_bar) + 1.0 * max(0.0, per_bar - 5.0)


def _invented(source: MelodySource, seed: int, section: int) -> Theme:
    """Return the most singable of some themes over the section's first chords; its rhythm holds together."""
    key = key_of_section(seed, section)
    chords = chords_of(seed, section, 0, Cadence.HALF)
    request = MotifRequest(
        tonic=key.signature, scale=key.scale,
        chords=tuple(chord_at(chords, beat).triad for beat in range(THEME_BARS * BEATS_PER_BAR)),
        low=_LOW, high=_HIGH, beats=float(THEME_BARS * BEATS_PER_BAR))
    rng = np.random.default_rng([seed, _THEME_STREAM, section])
    drawn = [source.motif(request, rng) for _ in range(CANDIDATES)]
    best = min(drawn, key=singable)
    return Theme(_knit(shape_of(best, key.scale, tonic_rung(best[0].pitch, key)), rng))


def tonic_rung(near: int, key: Key) -> int:
    """Return the rung of the tonic that lies nearest to a MIDI pitch."""
    tonics = [near + step for step in range(-6, 6) if (near + step) % 12 == key.tonic]
    return ladder_index(tonics[0], key.scale)


def _knit(shape: Shape, rng: np.random.Generator) -> Shape:
    """Let the third bar take up the rhythm of an earlier one, as tunes do, now and then its tones as well."""
    first, second, third = (bar_of(shape, bar) for bar in range(THEME_BARS))
    whim = rng.random()
    model = first if whim < 0.7 else second  # noqa: PLR2004 - chosen
    if not model or not third or whim > 0.9:  # noqa: PLR2004 - chosen
        return shape
    rises = [third[min(place, len(third) - 1)].rise for place in range(len(model))]
    taken = tuple(step._replace(rise=rise) for step, rise in zip(model, rises, strict=True))
    if whim < 0.35:  # noqa: PLR2004 - chosen
        taken = shifted(model, third[0].rise - model[0].rise)
    bars = (first, second, taken)
    return tuple(step for bar, part in enumerate(bars) for step in placed(part, bar))
