"""Pad, bass and texture: in range, of the chord, fuller when the target asks for it."""

from __future__ import annotations

from collections import Counter

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.messages import MusicalTarget
from device.music.accompaniment import TEXTURE_HIGH, TEXTURE_LOW, Hands, bass, pad, texture
from device.music.harmony import (
    BASS_HIGH,
    BASS_LOW,
    MODES,
    PAD_HIGH,
    PAD_LOW,
    Chord,
    Key,
    chord_at,
    progression,
)

CALM = MusicalTarget(pitch=0.5, tempo_bpm=60.0, timbre=0.5, intensity=0.5, density=0.5, percussiveness=0.2)
C_MAJOR = Key(0, 0)
CHORDS = (Chord(0, (0, 4, 7), 0.0, 8.0), Chord(3, (5, 9, 0), 8.0, 4.0), Chord(0, (0, 4, 7), 12.0, 4.0))
shares = st.floats(0, 1)
targets = st.builds(
    MusicalTarget, pitch=shares, tempo_bpm=st.floats(50, 90), timbre=shares, intensity=shares, density=shares,
    percussiveness=shares)


def at(**values: float) -> MusicalTarget:
    return msgspec.structs.replace(CALM, **values)


@settings(max_examples=60)
@given(targets, st.integers(0, 11), st.integers(0, len(MODES) - 1), st.integers(0, 2**31))
def test_accompaniment_keeps_its_ranges(target: MusicalTarget, tonic: int, mode: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    key, hands = Key(tonic, mode), Hands()
    chords = progression(key, 4, True, rng)
    pads, hands = pad(chords, key, target, hands, 0.3, rng)
    basses, hands = bass(chords, target, hands, 0.3)
    limits = {
        "pad": (PAD_LOW, PAD_HIGH), "bass": (BASS_LOW, BASS_HIGH), "texture": (TEXTURE_LOW, TEXTURE_HIGH)}
    for note in (*pads, *basses, *texture(chords, 4, target, 0.3, rng)):
        low, high = limits[note.voice]
        assert low <= note.pitch <= high
        assert 0.0 <= note.start_beat < 16.0
        assert 0.25 <= note.beats <= chord_at(chords, note.start_beat).beats
        assert note.start_beat + note.beats <= 16.0
        assert 0.05 <= note.velocity <= 1.0
        assert note.pitch % 12 in key.scale


def test_pad_holds_each_chord_for_its_length() -> None:
    notes, hands = pad(CHORDS, C_MAJOR, CALM, Hands(), 0.0, np.random.default_rng(1))
    assert {(note.start_beat, note.beats) for note in notes} == {(0.0, 8.0), (8.0, 4.0), (12.0, 4.0)}
    assert hands.pad == tuple(note.pitch for note in notes if note.start_beat == 12.0)


def test_pad_goes_on_from_the_hands() -> None:
    _, hands = pad(CHORDS, C_MAJOR, CALM, Hands(), 0.0, np.random.default_rng(1))
    notes, _ = pad(CHORDS[:1], C_MAJOR, CALM, hands, 0.0, np.random.default_rng(2))
    assert all(min(abs(note.pitch - old) for old in hands.pad) <= 4 for note in notes)


def test_pad_rises_with_pitch() -> None:
    def mean(share: float) -> float:
        notes, _ = pad(CHORDS, C_MAJOR, at(pitch=share), Hands(), 0.0, np.random.default_rng(1))
        return float(np.mean([note.pitch for note in notes]))

    assert mean(0.0) + 4 < mean(1.0)


def test_bass_plays_the_root_of_each_chord() -> None:
    notes, hands = bass(CHORDS, at(density=0.1), Hands(), 0.0)
    assert [(note.start_beat, note.pitch % 12) for note in notes] == [(0.0, 0), (8.0, 5), (12.0, 0)]
    assert hands.bass == notes[-1].pitch


def test_bass_plays_fifths_in_busy_music() -> None:
    notes, _ = bass(CHORDS, at(density=0.9), Hands(), 0.0)
    assert [note.start_beat for note in notes] == [0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0]
    assert [note.pitch % 12 for note in notes] == [0, 7, 0, 7, 5, 0, 0, 7]


def test_bass_is_shorter_when_percussive() -> None:
    soft, _ = bass(CHORDS, at(density=0.1, percussiveness=0.0), Hands(), 0.0)
    marked, _ = bass(CHORDS, at(density=0.1, percussiveness=1.0), Hands(), 0.0)
    assert [note.beats for note in soft] == [8.0, 4.0, 4.0]
    assert [note.beats for note in marked] == pytest.approx([3.2, 1.6, 1.6])


def test_texture_thickens_with_density() -> None:
    def count(share: float) -> int:
        generators = [np.random.default_rng(seed) for seed in range(50)]
        return sum(len(texture(CHORDS, 4, at(density=share), 0.0, rng)) for rng in generators)

    assert count(0.0) == 0
    assert 50 * 4 * 1.2 < count(0.5) < 50 * 4 * 1.8
    assert count(0.5) < count(1.0)


def test_texture_is_of_the_chord_and_never_twice_at_once() -> None:
    notes = texture(CHORDS, 4, at(density=1.0), 0.0, np.random.default_rng(5))
    assert all(note.pitch % 12 in chord_at(CHORDS, note.start_beat).triad for note in notes)
    assert max(Counter(note.start_beat for note in notes).values()) == 1
