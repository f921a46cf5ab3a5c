"""The melody of a session as rows of numbers, and the bars of all its voices."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from device.desk.score import in_order
from device.messages import Phrase

Floats = NDArray[np.float64]
Bar = tuple[tuple[int, float], ...]  # pitch and beat in the bar of every note that begins in it

BEATS_PER_BAR = 4


class Line(NamedTuple):
    """The tones of one voice in order: MIDI pitch, beat of the session, lengths, velocity 0 to 1."""

    pitches: NDArray[np.int64]
    start_beats: Floats
    beats: Floats
    seconds: Floats
    velocities: Floats

    @property
    def intervals(self) -> NDArray[np.int64]:
        """Semitones from each tone to the next, also across rests and phrases."""
        return np.diff(self.pitches)


def line_of(phrases: Iterable[Phrase], voice: str = "melody") -> Line:
    """Return one voice of a session; beats are counted on from phrase to phrase."""
    rows: list[tuple[float, ...]] = []
    begun = 0.0
    for phrase in in_order(phrases):
        beat_s = 60.0 / phrase.target.tempo_bpm
        rows += [(note.pitch, begun + note.start_beat, note.beats, note.beats * beat_s, note.velocity)
                 for note in sorted(phrase.notes, key=lambda each: (each.start_beat, each.pitch))
                 if note.voice == voice]
        begun += phrase.beats
    pitches, *others = np.array(rows, float).reshape(-1, 5).T
    return Line(pitches.astype(np.int64), *others)


def bars_of(phrases: Iterable[Phrase], voice: str | None = "melody") -> list[Bar]:
    """Return the bars of one voice, or of all (None), empty ones included."""
    bars: list[Bar] = []
    for phrase in in_order(phrases):
        rows: list[list[tuple[int, float]]] = [[] for _ in range(max(1, round(phrase.beats / BEATS_PER_BAR)))]
        for note in sorted(phrase.notes, key=lambda each: (each.start_beat, each.pitch)):
            if voice in {None, note.voice}:
                place = min(int(note.start_beat // BEATS_PER_BAR), len(rows) - 1)
                rows[place].append((note.pitch, round(note.start_beat - BEATS_PER_BAR * place, 4)))
        bars += [tuple(row) for row in rows]
    return bars


def written_tempo_bpm(phrases: Iterable[Phrase]) -> Floats:
    """Return the tempo of each phrase."""
    return np.array([phrase.target.tempo_bpm for phrase in in_order(phrases)])
