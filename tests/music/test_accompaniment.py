"""Pad, bass and texture: in range, of the chord, set as the style asks, fuller with density."""

from __future__ import annotations

import itertools
from collections import Counter

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.messages import MusicalTarget, Note, Phrase, Style
from device.music.accompaniment import (
    LONGEST_PAD_BEATS,
    TEXTURE_HIGH,
    TEXTURE_LOW,
    Hands,
    Page,
    accompaniment,
    hands_after,
    texture,
)
from device.music.form import OPENINGS
from device.music.harmony import MODES, Cadence, Chord, Key, chord_at, gentle_tones, progression
from device.music.manner import MANNERS, Figure
from device.music.tokens import Tone
from device.music.voicing import BASS_HIGH, BASS_LOW, PAD_HIGH, PAD_LOW

CALM = MusicalTarget(pitch=0.5, tempo_bpm=60.0, timbre=0.5, intensity=0.5, density=0.5, percussiveness=0.2)
C_MAJOR = Key(0, 0)
CHORDS = (Chord(0, (0, 4, 7), 0.0, 8.0), Chord(3, (5, 9, 0), 8.0, 4.0), Chord(0, (0, 4, 7), 12.0, 4.0))
QUICK = (
    Chord(0, (0, 4, 7), 0.0, 8.0), Chord(3, (5, 9, 0), 8.0, 2.0), Chord(4, (7, 11, 2), 10.0, 2.0),
    Chord(0, (0, 4, 7), 12.0, 4.0))
FIGURED = [style for style in Style if MANNERS[style].figure is not Figure.HELD]
NONE = Hands()
shares = st.floats(0, 1)
targets = st.builds(
    MusicalTarget, pitch=shares, tempo_bpm=st.floats(50, 90), timbre=shares, intensity=shares, density=shares,
    percussiveness=shares)


def page(style: Style = Style.WARM_PADS, chords: tuple[Chord, ...] = CHORDS, **values: float) -> Page:
    return Page(chords, C_MAJOR, msgspec.structs.replace(CALM, **values), style, 0.0)


def played(over: Page, hands: Hands = NONE, seed: int = 1) -> tuple[list[Note], list[Note], Hands]:
    """Pad, bass and hands."""
    notes, after = accompaniment(over, hands, np.random.default_rng(seed))
    pads, basses = ([note for note in notes if note.voice == voice] for voice in ("pad", "bass"))
    return pads, basses, after


@settings(max_examples=80, deadline=None)
@given(targets, st.sampled_from(Style), st.integers(0, 11), st.integers(0, len(MODES) - 1),
       st.sampled_from(Cadence), st.integers(0, 2**31))
def test_accompaniment_keeps_its_ranges(
    target: MusicalTarget, style: Style, tonic: int, mode: int, cadence: Cadence, seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    key = Key(tonic, mode)
    chords = progression(key, cadence, OPENINGS[seed % 3], rng)
    over = Page(chords, key, target, style, 0.3)
    notes, hands = accompaniment(over, Hands(), rng)
    again, _ = accompaniment(over, hands, rng)
    limits = {
        "pad": (PAD_LOW, PAD_HIGH), "bass": (BASS_LOW, BASS_HIGH), "texture": (TEXTURE_LOW, TEXTURE_HIGH)}
    sung = (Tone(60, 0.0, 2.0), Tone(72, 4.0, 1.0), Tone(64, 12.0, 2.0))
    for note in (*notes, *again, *texture(over, sung, rng)):
        low, high = limits[note.voice]
        assert low <= note.pitch <= high
        assert 0.0 <= note.start_beat < 16.0
        assert 0.25 <= note.beats <= LONGEST_PAD_BEATS
        assert note.start_beat + note.beats <= 16.0
        assert 0.05 <= note.velocity <= 1.0
        assert note.pitch % 12 in key.scale


@settings(max_examples=40, deadline=None)
@given(targets, st.sampled_from(Style), st.sampled_from(Cadence), st.integers(0, 2**31))
def test_hands_after_a_phrase_are_those_that_played_it(
    target: MusicalTarget, style: Style, cadence: Cadence, seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    chords = progression(C_MAJOR, cadence, (0,), rng)
    hands = Hands()
    for _ in range(2):
        notes, hands = accompaniment(Page(chords, C_MAJOR, target, style, 0.0), hands, rng)
        phrase = Phrase(
            at_s=0.0, phrase_id=0, start_s=0.0, beats=16.0, notes=tuple(notes), target=target, style=style)
        assert hands_after(phrase) == hands


def test_held_pad_sounds_from_beginning_to_end_and_ties_common_tones() -> None:
    pads, _, hands = played(page())
    for beat in np.arange(0.0, 16.0, 0.5):
        sounding = {note.pitch for note in pads if note.start_beat <= beat < note.start_beat + note.beats}
        assert len(sounding) >= 3
    assert set(hands.pad) == {note.pitch for note in pads if note.start_beat + note.beats == 16.0}
    struck = [note for note in pads if note.start_beat == 12.0]
    assert len(struck) < len(hands.pad)  # C is common to both chords and sounds on


def test_held_pad_lets_a_voice_come_down_late_only_when_tense() -> None:
    def late(share: float) -> int:
        rows = [played(page(density=share, percussiveness=share, timbre=share), seed=seed)[0]
                for seed in range(30)]
        return sum(note.start_beat % 4 == 2 for row in rows for note in row)

    assert late(0.1) == 0
    assert late(0.9) > 3


@pytest.mark.parametrize("style", FIGURED)
def test_figures_break_the_chord_and_fill_up_with_density(style: Style) -> None:
    counts = []
    for density in (0.0, 0.5, 1.0):
        pads, _, _ = played(page(style, density=density))
        counts.append(len({note.start_beat for note in pads}))
        for bar in range(4):
            heard = {note.pitch % 12 for note in pads if note.start_beat // 4 == bar}
            assert set(chord_at(CHORDS, 4.0 * bar).triad) <= heard
    assert counts[0] < counts[1] < counts[2]
    assert counts[0] >= 8


@pytest.mark.parametrize("style", FIGURED)
def test_figures_follow_a_chord_of_half_a_bar(style: Style) -> None:
    pads, _, _ = played(page(style, QUICK, tempo_bpm=50.0, percussiveness=0.0, density=0.2))
    for low, high, triad in ((8.0, 10.0, {5, 9, 0}), (10.0, 12.0, {7, 11, 2})):
        heard = {note.pitch % 12 for note in pads if low <= note.start_beat < high}
        assert heard == triad
        assert all(note.start_beat + note.beats <= high for note in pads if low <= note.start_beat < high)


@pytest.mark.parametrize("style", FIGURED)
def test_a_figure_begins_with_one_chord_where_the_style_has_just_changed(style: Style) -> None:
    _, _, hands = played(page(Style.WARM_PADS))
    assert hands.style is Style.WARM_PADS
    fresh, _, _ = played(page(style, density=1.0), hands)
    assert {note.start_beat for note in fresh if note.start_beat < 4.0} == {0.0}
    assert len({note.start_beat for note in fresh if 4.0 <= note.start_beat < 8.0}) == 8
    settled, _, _ = played(page(style, density=1.0), hands._replace(style=style))
    assert len({note.start_beat for note in settled if note.start_beat < 4.0}) == 8


@pytest.mark.parametrize(("before", "after"), list(itertools.permutations(Style, 2)))
def test_a_change_of_style_moves_the_voices_little(before: Style, after: Style) -> None:
    _, _, hands = played(page(before))
    pads, basses, _ = played(page(after), hands)
    first = {note.pitch for note in pads if note.start_beat < 4.0}
    assert np.mean([min(abs(pitch - old) for old in hands.pad) for pitch in first]) <= 4.0
    assert abs(basses[0].pitch - (hands.bass or 0)) <= 7


def test_pad_rises_with_pitch() -> None:
    low, high = (np.mean([note.pitch for note in played(page(pitch=share))[0]]) for share in (0.0, 1.0))
    assert low + 4 < high


def test_bass_sounds_under_each_chord_without_a_gap() -> None:
    _, basses, hands = played(page(density=0.1, percussiveness=0.0))
    assert [(note.start_beat, note.beats, note.pitch % 12) for note in basses] == [
        (0.0, 8.0, 0), (8.0, 4.0, 5), (12.0, 4.0, 0)]
    assert hands.bass == basses[-1].pitch


def test_bass_plays_fifths_in_busy_music() -> None:
    _, basses, hands = played(page(density=0.9))
    assert [note.start_beat for note in basses] == [0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0]
    assert [note.pitch % 12 for note in basses] == [0, 7, 0, 7, 5, 0, 0, 7]
    assert hands.bass == basses[-2].pitch  # where the hand lies, not where it reached


def test_bass_is_shorter_when_percussive() -> None:
    soft = played(page(density=0.1, percussiveness=0.0))[1]
    marked = played(page(density=0.1, percussiveness=0.85))[1]
    assert [note.beats for note in soft] == [8.0, 4.0, 4.0]
    assert [note.beats for note in marked] == pytest.approx([8 * 0.49, 4 * 0.49, 4 * 0.49])


def test_texture_thickens_with_density() -> None:
    def count(share: float) -> int:
        generators = [np.random.default_rng(seed) for seed in range(50)]
        return sum(len(texture(page(density=share), (), rng)) for rng in generators)

    assert count(0.0) == 0
    assert 50 * 4 * 1.0 < count(0.5) < 50 * 4 * 1.5
    assert count(0.5) < count(1.0)


def test_texture_is_in_front_in_nature_and_behind_at_the_piano() -> None:
    counts = {
        style: sum(len(texture(page(style), (), np.random.default_rng(seed))) for seed in range(20))
        for style in Style}
    assert max(counts, key=lambda style: counts[style]) is Style.NATURE
    assert counts[Style.FELT_PIANO] < counts[Style.WARM_PADS]


def test_texture_is_of_the_chord_and_never_twice_at_once() -> None:
    notes = texture(page(density=1.0), (), np.random.default_rng(5))
    assert all(note.pitch % 12 in chord_at(CHORDS, note.start_beat).triad for note in notes)
    assert max(Counter(note.start_beat for note in notes).values()) == 1


def test_texture_answers_the_melody_where_it_rests() -> None:
    sung = (Tone(64, 0.0, 1.0), Tone(62, 1.0, 1.0), Tone(60, 2.0, 2.0), Tone(67, 12.0, 1.0))
    over = page(density=1.0)
    answers = [texture(over, sung, np.random.default_rng(seed)) for seed in range(30)]
    echoes = [
        [note.pitch % 12 for note in notes if note.start_beat in (4.0, 4.5, 5.0)][:3] for notes in answers]
    assert sum(echo == [4, 2, 0] for echo in echoes) > 8
    for notes in answers:
        assert all(note.pitch % 12 in gentle_tones(chord_at(CHORDS, note.start_beat).triad, C_MAJOR.scale)
                   for note in notes)
