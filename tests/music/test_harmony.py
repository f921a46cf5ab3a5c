"""Progressions are slow and functional: a question stays open, an answer comes home."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.music.form import OPENINGS
from device.music.harmony import (
    MODES,
    Cadence,
    Chord,
    Key,
    chord_at,
    gentle_tones,
    key_of_section,
    progression,
)

C_MAJOR = Key(0, 0)
keys = st.builds(Key, st.integers(0, 11), st.integers(0, len(MODES) - 1))
seeds = st.integers(0, 2**31 - 1)
cadences = st.sampled_from(Cadence)
openings = st.sampled_from(OPENINGS)


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


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
def test_modes_close_over_chords_that_they_have(mode) -> None:
    for degree in (mode.authentic, mode.plagal, mode.deceptive, *mode.half):
        assert degree != 0
        assert mode.weights[degree] > 0
    assert mode.authentic != mode.plagal


@given(keys, cadences, openings, seeds)
def test_progression_fills_four_bars_with_slow_chords(
    key: Key, cadence: Cadence, opening: tuple[int, ...], seed: int,
) -> None:
    chords = progression(key, cadence, opening, np.random.default_rng(seed))
    assert sum(chord.beats for chord in chords) == 16.0
    assert {chord.beats for chord in chords} <= {2.0, 4.0, 8.0}
    assert all(chord.start_beat in (8.0, 10.0) for chord in chords if chord.beats == 2.0)
    assert chords[-1].beats == 4.0
    assert all(MODES[key.mode].weights[chord.degree] > 0 for chord in chords)
    for before, after in itertools.pairwise(chords):
        assert after.start_beat == before.start_beat + before.beats
        assert after.degree != before.degree


@given(keys, openings, seeds)
def test_progression_closes_as_its_cadence_says(key: Key, opening: tuple[int, ...], seed: int) -> None:
    mode = MODES[key.mode]
    ends = {
        cadence: tuple(
            chord.degree for chord in progression(key, cadence, opening, np.random.default_rng(seed))[-2:])
        for cadence in Cadence}
    assert ends[Cadence.AUTHENTIC] == (mode.authentic, 0)
    assert ends[Cadence.PLAGAL] == (mode.plagal, 0)
    assert ends[Cadence.DECEPTIVE] == (mode.authentic, mode.deceptive)
    assert ends[Cadence.HALF][1] in mode.half


@given(keys, openings, seeds)
def test_progression_of_question_and_answer_begins_alike(
    key: Key, opening: tuple[int, ...], seed: int,
) -> None:
    beginnings = {
        tuple(chord_at(progression(key, cadence, opening, np.random.default_rng(seed)), beat).degree
              for beat in (0.0, 4.0, 8.0))
        for cadence in Cadence}
    assert len(beginnings) == 1


def test_progression_opens_on_the_first_degree_that_the_mode_has() -> None:
    aeolian = Key(9, 4)
    chords = [progression(aeolian, Cadence.HALF, (1, 5), np.random.default_rng(seed)) for seed in range(9)]
    assert {row[0].degree for row in chords} == {5}  # its second degree is diminished


def test_cadence_asks_or_closes() -> None:
    assert [cadence.closing for cadence in Cadence] == [False, True, True, True]


def test_progression_repeats_from_its_seed() -> None:
    one, other = (
        progression(Key(7, 1), Cadence.HALF, (0,), np.random.default_rng(9)) for _ in range(2))
    assert one == other


def test_chord_at_finds_what_sounds() -> None:
    chords = progression(C_MAJOR, Cadence.AUTHENTIC, (0,), np.random.default_rng(3))
    for chord in chords:
        assert chord_at(chords, chord.start_beat) is chord
        assert chord_at(chords, chord.start_beat + chord.beats - 0.25) is chord
    assert chord_at(chords, 99.0) is chords[-1]


def test_gentle_tones_of_a_major_triad_are_its_sixth_and_ninth() -> None:
    assert sorted(gentle_tones((0, 4, 7), C_MAJOR.scale)) == [0, 2, 4, 7, 9]


def test_gentle_tones_of_a_minor_triad_leave_out_the_semitones() -> None:
    assert sorted(gentle_tones((4, 7, 11), C_MAJOR.scale)) == [2, 4, 7, 9, 11]  # no F and no C over E minor


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
