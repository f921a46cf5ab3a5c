"""Pad, bass and texture under the melody: few notes, all of the chord."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from device.messages import MusicalTarget, Note, Voice
from device.music.dynamics import velocity
from device.music.harmony import BEATS_PER_BAR, Chord, Key, bass_pitch, chord_at, pad_voicing
from device.music.motif import SHORTEST_BEATS

TEXTURE_LOW, TEXTURE_HIGH = 64, 88
_BASS_MOVES_FROM = 0.35  # density from which the bass sounds again in the middle of a bar
_TEXTURE_PER_BAR = 3.0  # notes per bar at full density
_SHORTENED = 0.6  # share of its length a note loses at full percussiveness
_PAD_VOICES: tuple[float, float] = (54.0, 63.0)  # centre of the pad at pitch 0 and 1


class Hands(NamedTuple):
    """Where the hands lie: the pad's voices and the bass note that sound now."""

    pad: tuple[int, ...] = ()
    bass: int | None = None


def pad(
    chords: tuple[Chord, ...], key: Key, target: MusicalTarget, hands: Hands, drift: float,
    rng: np.random.Generator,
) -> tuple[list[Note], Hands]:
    """Return one held chord per harmony, and where the hands lie afterwards."""
    low, high = _PAD_VOICES
    centre = low + (high - low) * target.pitch
    notes = []
    for chord in chords:
        hands = hands._replace(pad=pad_voicing(chord, key, hands.pad, centre, rng))
        loud = velocity("pad", target, 1.0, drift)  # a pad has no accent
        notes += [_note("pad", pitch, chord.start_beat, chord.beats, loud) for pitch in hands.pad]
    return notes, hands


def bass(
    chords: tuple[Chord, ...], target: MusicalTarget, hands: Hands, drift: float,
) -> tuple[list[Note], Hands]:
    """Return the root under each harmony; in busier music again in mid-bar, as fifth or root."""
    notes = []
    every = BEATS_PER_BAR / 2 if target.density >= _BASS_MOVES_FROM else None
    for chord in chords:
        root = bass_pitch(chord.triad[0], hands.bass)
        hands = hands._replace(bass=root)
        length = every or chord.beats
        for turn in range(int(chord.beats / length)):
            start = chord.start_beat + turn * length
            moves = turn % 2 == 1
            fifth = moves and target.density > 2 * _BASS_MOVES_FROM
            pitch = bass_pitch(chord.triad[2], root) if fifth else root
            if moves and pitch == root and target.percussiveness + target.density < 1.0:
                continue
            beats = _shortened(length, target)
            notes.append(_note("bass", pitch, start, beats, velocity("bass", target, start, drift)))
    return notes, hands


def texture(
    chords: tuple[Chord, ...], bars: int, target: MusicalTarget, drift: float, rng: np.random.Generator,
) -> list[Note]:
    """Return single high notes of the chord between the melody's beats, more of them in busier music."""
    notes = []
    low = round(TEXTURE_LOW + 6 * target.pitch)
    for bar in range(bars):
        count = int(_TEXTURE_PER_BAR * target.density + rng.random())
        places = sorted(float(place) for place in rng.choice(8, size=count, replace=False) / 2)
        for place in places:
            start = bar * BEATS_PER_BAR + place
            chord = chord_at(chords, start)
            pitches = [p for p in range(low, min(low + 18, TEXTURE_HIGH) + 1) if p % 12 in chord.triad]
            pitch = pitches[int(rng.integers(len(pitches)))]
            beats = min(_shortened(1.5, target), bars * BEATS_PER_BAR - start)
            notes.append(_note("texture", pitch, start, beats, velocity("texture", target, start, drift)))
    return notes


def _shortened(beats: float, target: MusicalTarget) -> float:
    """Return how long a note sounds: percussive notes are let go early."""
    return max(SHORTEST_BEATS, round(beats * (1.0 - _SHORTENED * target.percussiveness), 3))


def _note(voice: Voice, pitch: int, start_beat: float, beats: float, loud: float) -> Note:
    """Return a note of a part."""
    return Note(voice=voice, pitch=pitch, start_beat=start_beat, beats=beats, velocity=loud)
