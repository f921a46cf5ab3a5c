"""Motifs as shapes in scale steps, and what can be done to them: move, mirror, stretch, thin, ornament.

A shape knows no key and no register, so one theme can return over other chords and higher or lower.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from device.music.tokens import Tone

BEATS_PER_BAR = 4
SHORTEST_BEATS = 0.25
_SPLIT_FROM_BEATS = 1.0  # an ornament is no shorter than half a beat
_METRE = 0.5  # per metrical weight, what a strong beat saves a tone from being left out
_WHIM = 1.0  # chance in what is left out; with less, every thin bar would have the same rhythm
_ON_THE_ONE, _ON_THE_THREE, _ON_A_BEAT = 3.0, 2.0, 1.0  # metrical weight in 4/4, strongest first


class Step(NamedTuple):
    """One tone of a shape: `rise` in scale steps over the shape's reference; beats as in `Tone`."""

    rise: int
    start_beat: float
    beats: float


Shape = tuple[Step, ...]


def shape_of(tones: Sequence[Tone], scale: Sequence[int], reference: int) -> Shape:
    """Return tones of a scale as steps over a reference rung (see `ladder_index`)."""
    return tuple(
        Step(ladder_index(tone.pitch, scale) - reference, tone.start_beat, tone.beats) for tone in tones)


def ladder_index(pitch: int, scale: Sequence[int]) -> int:
    """Return how many tones of the scale lie below a MIDI pitch, from pitch 0."""
    octave, within = divmod(pitch, 12)
    return octave * len(scale) + sum(step < within for step in scale)


def bar_of(shape: Shape, bar: int) -> Shape:
    """Return the steps that start in one bar, moved to start at beat 0."""
    first = bar * BEATS_PER_BAR
    return tuple(
        step._replace(start_beat=step.start_beat - first)
        for step in shape if first <= step.start_beat < first + BEATS_PER_BAR)


def placed(shape: Shape, bar: int) -> Shape:
    """Return a one-bar shape moved to a bar, cut where that bar ends."""
    return tuple(
        step._replace(
            start_beat=step.start_beat + bar * BEATS_PER_BAR,
            beats=min(step.beats, BEATS_PER_BAR - step.start_beat))
        for step in shape if step.start_beat < BEATS_PER_BAR)


def shifted(shape: Shape, rise: int) -> Shape:
    """Return the shape some scale steps higher: a sequence."""
    return tuple(step._replace(rise=step.rise + rise) for step in shape)


def inverted(shape: Shape) -> Shape:
    """Return the shape mirrored at its first tone: what rose now falls."""
    return tuple(step._replace(rise=2 * shape[0].rise - step.rise) for step in shape)


def reversed_pitches(shape: Shape) -> Shape:
    """Return the rhythm of the shape with its pitches in reverse order."""
    rises = [step.rise for step in reversed(shape)]
    return tuple(step._replace(rise=rise) for step, rise in zip(shape, rises, strict=True))


def stretched(shape: Shape, factor: float) -> Shape:
    """Return the shape in longer notes (factor above 1: augmentation) or shorter ones (diminution)."""
    return tuple(
        Step(step.rise, step.start_beat * factor, max(SHORTEST_BEATS, step.beats * factor)) for step in shape)


def headed(shape: Shape, beats: float) -> Shape:
    """Return what starts within the first beats, cut there: the head of a motif, then rest."""
    return tuple(
        step._replace(beats=min(step.beats, beats - step.start_beat))
        for step in shape if step.start_beat < beats)


def varied(shape: Shape, changes: int, rng: np.random.Generator) -> Shape:
    """Return the shape with some tones after the first moved by a step or two."""
    steps = list(shape)
    for _ in range(changes if len(steps) > 1 else 0):
        place = int(rng.integers(1, len(steps)))
        steps[place] = steps[place]._replace(rise=steps[place].rise + int(rng.choice((-2, -1, 1, 2))))
    return tuple(steps)


def of_density(shape: Shape, wanted: int, rng: np.random.Generator) -> Shape:
    """Return a one-bar shape with about `wanted` tones: the structure stays, ornaments come and go."""
    while len(shape) > max(1, wanted):
        shape = _without(shape, _least(shape, rng))
    while len(shape) < wanted:
        longest = max(range(len(shape)), key=lambda place: (shape[place].beats, -place)) if shape else None
        if longest is None or shape[longest].beats < _SPLIT_FROM_BEATS:
            break
        shape = _ornamented(shape, longest, rng)
    return shape


def weight(start_beat: float) -> float:
    """Return the metrical weight of a beat in 4/4: 3 on the first, 2 on the third, 1, 0 between beats."""
    within = start_beat % BEATS_PER_BAR
    if within == 0:
        return _ON_THE_ONE
    if within == BEATS_PER_BAR / 2:
        return _ON_THE_THREE
    return _ON_A_BEAT if within % 1 == 0 else 0.0


def _least(shape: Shape, rng: np.random.Generator) -> int:
    """Return the place of the tone that the ear misses least."""
    loss = [
        _METRE * weight(step.start_beat) + 0.3 * step.beats + _WHIM * float(rng.random()) for step in shape]
    return int(np.argmin(loss))


def _without(shape: Shape, place: int) -> Shape:
    """Return the shape without one tone; the one before lasts longer in its stead."""
    steps = list(shape)
    gone = steps.pop(place)
    if place:
        before = steps[place - 1]
        steps[place - 1] = before._replace(beats=gone.start_beat + gone.beats - before.start_beat)
    return tuple(steps)


def _ornamented(shape: Shape, place: int, rng: np.random.Generator) -> Shape:
    """Split a tone in two: a step away towards its successor, or a neighbour."""
    step = shape[place]
    following = shape[place + 1].rise if place + 1 < len(shape) else step.rise
    gap = following - step.rise
    direction = int(np.sign(gap)) if abs(gap) > 1 else int(rng.choice((-1, 1)))
    half = max(SHORTEST_BEATS, round(step.beats) / 2)
    halves = (
        step._replace(beats=half),
        Step(step.rise + direction, step.start_beat + half, step.beats - half))
    return (*shape[:place], *halves, *shape[place + 1 :])
