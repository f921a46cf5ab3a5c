"""Chords are calm: no harsh pair, small movements, home at the end of an answer."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.music.harmony import (
    BASS_HIGH,
    BASS_LOW,
    HARSH,
    MODES,
    PAD_HIGH,
    PAD_LOW,
    Chord,
    Key,
    bass_pitch,
    chord_at,
    gentle_tones,
    harsh,
    key_of_section,
    pad_voicing,
    progression,
)

C_MAJOR = Key(0, 0)
keys = st.builds(Key, st.integers(0, 11), st.integers(0, len(MODES) - 1))
seeds = st.integers(0, 2**31 - 1)


def test_key_of_c_ionian() -> None:
    assert C_MAJOR.scale == (0, 2, 4, 5, 7, 9, 11)
    assert C_MAJOR.triad(3) == (5, 9, 0)
    assert C_MAJOR.signature == 0


@pytest.mark.parametrize(("tonic", "mode"), [(2, 1), (5, 2), (7, 3), (9, 4)])
def test_key_modes_on_the_white_keys_share_the_signature_of_c(tonic: int, mode: int) -> None:
    key = Key(tonic, mode)
    assert key.signature == 0
    assert sorted(key.scale) == [0, 2, 4, 5, 7, 9, 11]


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
def test_modes_never_want_their_diminished_triad(mode) -> None:
    key = Key(0, MODES.index(mode))
    for degree, weight in enumerate(mode.weights):
        root, _, fifth = key.triad(degree)
        assert ((fifth - root) % 12 == 7) == (weight > 0)


@given(keys, st.booleans(), seeds)
def test_progression_fills_its_bars_with_chords_of_one_or_two(key: Key, closing: bool, seed: int) -> None:
    chords = progression(key, 4, closing, np.random.default_rng(seed))
    assert sum(chord.beats for chord in chords) == 16.0
    assert {chord.beats for chord in chords} <= {4.0, 8.0}
    for before, after in itertools.pairwise(chords):
        assert after.start_beat == before.start_beat + before.beats
        assert after.degree != before.degree


@given(keys, st.booleans(), seeds)
def test_progression_ends_at_home_only_when_closing(key: Key, closing: bool, seed: int) -> None:
    chords = progression(key, 4, closing, np.random.default_rng(seed))
    assert (chords[-1].degree == 0) == closing
    assert chords[0].degree == 0 or len(chords) == 2
    assert all(MODES[key.mode].weights[chord.degree] > 0 for chord in chords)


def test_progression_approaches_home_mostly_by_its_own_chords() -> None:
    ends = [progression(C_MAJOR, 4, True, np.random.default_rng(seed))[-2].degree for seed in range(400)]
    assert sum(degree in MODES[0].approaches for degree in ends) > 0.7 * len(ends)


def test_progression_repeats_from_its_seed() -> None:
    one, other = (progression(Key(7, 1), 4, False, np.random.default_rng(9)) for _ in range(2))
    assert one == other


def test_chord_at_finds_what_sounds() -> None:
    chords = progression(C_MAJOR, 4, True, np.random.default_rng(3))
    for chord in chords:
        assert chord_at(chords, chord.start_beat) is chord
        assert chord_at(chords, chord.start_beat + chord.beats - 0.25) is chord
    assert chord_at(chords, 99.0) is chords[-1]


@settings(max_examples=60)
@given(keys, seeds, st.floats(54, 63))
def test_pad_voicing_is_never_harsh_nor_far(key: Key, seed: int, centre: float) -> None:
    rng = np.random.default_rng(seed)
    before: tuple[int, ...] = ()
    for closing in (False, True) * 3:
        for chord in progression(key, 4, closing, rng):
            voices = pad_voicing(chord, key, before, centre, rng)
            assert 3 <= len(voices) <= 4
            assert list(voices) == sorted(set(voices))
            assert PAD_LOW <= voices[0] <= voices[-1] <= PAD_HIGH
            assert all((high - low) % 12 not in HARSH for low, high in itertools.combinations(voices, 2))
            assert chord.triad[1] in {voice % 12 for voice in voices}
            assert all(voice % 12 in key.scale for voice in voices)
            if before:
                assert np.mean([min(abs(voice - old) for old in before) for voice in voices]) <= 5.0
            before = voices


def test_pad_voicing_moves_little_on_the_whole() -> None:
    rng = np.random.default_rng(1)
    moves, before = [], ()
    for phrase in range(100):
        for chord in progression(C_MAJOR, 4, phrase % 2 == 1, rng):
            voices = pad_voicing(chord, C_MAJOR, before, 58.0, rng)
            moves += [min(abs(voice - old) for old in before) for voice in voices] if before else []
            before = voices
    assert np.mean(moves) < 1.5  # semitones per voice: mostly common tones and steps


def test_harsh_hears_semitone_tritone_and_major_seventh() -> None:
    assert harsh((60, 61))
    assert harsh((60, 66))
    assert harsh((60, 71))
    assert harsh((60, 64, 77, 76 + 13))
    assert not harsh((60, 62, 64, 67))


def test_gentle_tones_of_a_major_triad_are_its_sixth_and_ninth() -> None:
    assert sorted(gentle_tones((0, 4, 7), C_MAJOR.scale)) == [0, 2, 4, 7, 9]


def test_gentle_tones_of_a_minor_triad_leave_out_the_semitones() -> None:
    assert sorted(gentle_tones((4, 7, 11), C_MAJOR.scale)) == [2, 4, 7, 9, 11]  # no F and no C over E minor


@given(st.integers(0, 11), st.none() | st.integers(BASS_LOW, BASS_HIGH))
def test_bass_pitch_stays_low_and_moves_at_most_an_octave(pitch_class: int, before: int | None) -> None:
    pitch = bass_pitch(pitch_class, before)
    assert BASS_LOW <= pitch <= BASS_HIGH
    assert pitch % 12 == pitch_class
    assert before is None or abs(pitch - before) <= 11


@given(seeds, st.integers(0, 50))
def test_key_of_section_returns_home_and_needs_no_history(seed: int, section: int) -> None:
    key = key_of_section(seed, section)
    assert key == key_of_section(seed, section)
    home = key_of_section(seed, 0)
    if section % 2 == 0:
        assert key == home
    else:
        assert (key.signature - home.signature) % 12 in {0, 5, 7}  # a neighbour on the circle of fifths


def test_key_of_section_reaches_every_mode() -> None:
    assert {key_of_section(seed, 0).mode for seed in range(200)} == set(range(len(MODES)))


def test_chord_is_a_plain_value() -> None:
    assert Chord(0, (0, 4, 7), 0.0, 4.0) == Chord(0, (0, 4, 7), 0.0, 4.0)
