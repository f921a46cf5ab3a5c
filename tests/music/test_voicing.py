"""Voices move little, never in parallel perfects where that can be avoided, and rub only when tense."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.scores import roughness

from device.music.form import OPENINGS
from device.music.harmony import HARSH, MODES, Cadence, Chord, Key, progression
from device.music.voicing import (
    BASS_HIGH,
    BASS_LOW,
    HARSH_FROM,
    PAD_HIGH,
    PAD_LOW,
    bass_line,
    bass_pitch,
    harsh,
    pad_voicing,
    parallels,
    sounded,
)

C_MAJOR = Key(0, 0)
TONIC = Chord(0, (0, 4, 7), 0.0, 4.0)
keys = st.builds(Key, st.integers(0, 11), st.integers(0, len(MODES) - 1))
seeds = st.integers(0, 2**31 - 1)
shares = st.floats(0, 1)


def chorale(key: Key, phrases: int, tension: float, centre: float = 59.0) -> list[tuple[int, ...]]:
    """Bass and pad of some phrases, chord by chord, bass first."""
    rng = np.random.default_rng(phrases)
    rows: list[tuple[int, ...]] = []
    pads: tuple[int, ...] = ()
    bass: int | None = None
    for phrase in range(phrases):
        cadence = (Cadence.HALF, Cadence.AUTHENTIC, Cadence.HALF, Cadence.PLAGAL)[phrase % 4]
        chords = progression(key, cadence, OPENINGS[phrase // 2 % 3], rng)
        for chord, under in zip(chords, bass_line(chords, bass), strict=True):
            pads = pad_voicing(sounded(chord, key, tension, rng), (bass, under), pads, centre, tension)
            bass = under
            rows.append((bass, *pads))
    return rows


@settings(max_examples=40, deadline=None)
@given(keys, seeds, st.floats(55, 68), shares)
def test_pad_voicing_keeps_its_limits(key: Key, seed: int, centre: float, tension: float) -> None:
    rng = np.random.default_rng(seed)
    before: tuple[int, ...] = ()
    bass: int | None = None
    for cadence in Cadence:
        chords = progression(key, cadence, (0,), rng)
        for chord, under in zip(chords, bass_line(chords, bass), strict=True):
            tones = sounded(chord, key, tension, rng)
            voices = pad_voicing(tones, (bass, under), before, centre, tension)
            assert 3 <= len(voices) <= 4
            assert list(voices) == sorted(set(voices))
            assert PAD_LOW <= voices[0] <= voices[-1] <= PAD_HIGH
            assert voices[0] > under
            assert {voice % 12 for voice in voices} == set(tones) <= set(key.scale)
            if tension < HARSH_FROM:
                assert not harsh(voices)
            before, bass = voices, under


@pytest.mark.parametrize(("tension", "bound"), [(0.05, 0.08), (0.35, 0.02), (0.55, 0.02)])
@pytest.mark.parametrize("mode", range(len(MODES)))
def test_pad_voicing_avoids_parallel_fifths_and_octaves(
    mode: int, tension: float, bound: float,
) -> None:
    rows = chorale(Key(5, mode), 48, tension)
    faults = [parallels(before, after) for before, after in itertools.pairwise(rows)]
    assert np.mean([fault > 0 for fault in faults]) < bound  # open fifths cannot all avoid them


def test_pad_voicing_moves_little_on_the_whole() -> None:
    rows = chorale(C_MAJOR, 100, 0.35)
    moves = [
        min(abs(voice - old) for old in before[1:])
        for before, after in itertools.pairwise(rows) for voice in after[1:]]
    assert np.mean(moves) < 1.5  # semitones per voice: mostly common tones and steps
    assert np.mean([abs(after[-1] - before[-1]) <= 4 for before, after in itertools.pairwise(rows)]) > 0.9


def test_pad_voicing_keeps_common_tones() -> None:
    kept = []
    for before, after in itertools.pairwise(chorale(C_MAJOR, 60, 0.28)):
        common = {voice % 12 for voice in before[1:]} & {voice % 12 for voice in after[1:]}
        kept += [any(voice in before[1:] for voice in after[1:] if voice % 12 == tone) for tone in common]
    assert np.mean(kept) > 0.85


def test_sounded_opens_when_calm_and_fills_up_when_tense() -> None:
    def sizes(tension: float) -> list[int]:
        rng = np.random.default_rng(3)
        return [len(sounded(TONIC, C_MAJOR, tension, rng)) for _ in range(400)]

    assert set(sizes(0.0)) == {2, 3}
    assert set(sizes(0.27)) == {3}
    assert np.mean(sizes(0.35)) < np.mean(sizes(0.55)) < np.mean(sizes(0.9))


def test_sounded_adds_what_rubs_only_when_tense() -> None:
    rng = np.random.default_rng(3)
    gentle = {tone for _ in range(200) for tone in sounded(TONIC, C_MAJOR, 0.6, rng)}
    tense = {tone for _ in range(200) for tone in sounded(TONIC, C_MAJOR, 0.9, rng)}
    assert gentle == {0, 4, 7, 2, 9}
    assert tense == {0, 4, 7, 2, 9, 11}


def test_chords_are_rougher_the_tenser() -> None:
    means = [
        np.mean([roughness(row) for row in chorale(C_MAJOR, 60, tension)])
        for tension in (0.1, 0.4, 0.6, 0.9)]
    assert all(after > before for before, after in itertools.pairwise(means))
    assert means[-1] > 1.3 * means[0]


def test_roughness_of_an_octave_is_less_than_of_a_semitone() -> None:
    assert roughness((60, 72)) < roughness((60, 67)) < roughness((60, 64)) < roughness((60, 61))


def test_parallels_finds_fifths_and_octaves() -> None:
    assert parallels((48, 55), (50, 57)) == 1
    assert parallels((48, 60), (50, 62)) == 1
    assert parallels((48, 55), (48, 55)) == 0  # standing still is none
    assert parallels((48, 55), (50, 59)) == 0
    assert parallels((48, 55, 64), (50, 57, 65)) == 1
    assert parallels((48, 55, 60, 64), (50, 57, 65)) == 1  # of unlike size: bass, lowest, highest


def test_harsh_hears_semitone_tritone_and_major_seventh() -> None:
    assert harsh((60, 61))
    assert harsh((60, 66))
    assert harsh((60, 71))
    assert not harsh((60, 62, 64, 67))
    assert {1, 6, 11} == HARSH


@given(st.integers(0, 11), st.none() | st.integers(BASS_LOW, BASS_HIGH))
def test_bass_pitch_stays_low_and_moves_at_most_an_octave(pitch_class: int, before: int | None) -> None:
    pitch = bass_pitch(pitch_class, before)
    assert BASS_LOW <= pitch <= BASS_HIGH
    assert pitch % 12 == pitch_class
    assert before is None or abs(pitch - before) <= 11


def test_bass_line_plays_roots_but_for_a_third_that_makes_a_step() -> None:
    chords = tuple(
        Chord(degree, C_MAJOR.triad(degree), 4.0 * bar, 4.0) for bar, degree in enumerate((0, 4, 5, 4, 0)))
    line = bass_line(chords, 48)
    assert [pitch % 12 for pitch in line] == [0, 11, 9, 7, 0]  # I V6 vi V I
    assert line[0] == 48
    assert line[1] == 47


@given(keys, seeds)
def test_bass_line_ends_on_roots(key: Key, seed: int) -> None:
    chords = progression(key, Cadence.AUTHENTIC, (0,), np.random.default_rng(seed))
    line = bass_line(chords, None)
    assert [pitch % 12 for pitch in line[-2:]] == [chord.triad[0] for chord in chords[-2:]]
    assert line[0] % 12 == chords[0].triad[0]
