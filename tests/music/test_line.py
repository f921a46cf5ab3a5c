"""Lines keep their shape, meet the harmony and never leap too far."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.music.form import OPENINGS
from device.music.harmony import MODES, Cadence, Chord, Key, chord_at, gentle_tones, progression
from device.music.line import MELODY_HIGH, MELODY_LOW, Register, Setting, register_of, sung
from device.music.motif import Shape, Step, ladder_index

C_MAJOR = Key(0, 0)
HOME = (Chord(0, (0, 4, 7), 0.0, 16.0),)


def setting() -> Setting:
    return Setting(HOME, C_MAJOR.scale, (0, 4, 7), Register(59, 76), ladder_index(60, C_MAJOR.scale))


@st.composite
def settings_and_shapes(draw: st.DrawFn) -> tuple[Setting, Shape, int | None]:
    key = Key(draw(st.integers(0, 11)), draw(st.integers(0, len(MODES) - 1)))
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    chords = progression(key, draw(st.sampled_from(Cadence)), draw(st.sampled_from(OPENINGS)), rng)
    register = register_of(draw(st.floats(0, 1)))
    starts = sorted(draw(st.sets(st.integers(0, 31), min_size=1, max_size=20)))
    shape = tuple(Step(draw(st.integers(-9, 9)), start / 2, 0.5) for start in starts)
    before = draw(st.none() | st.integers(MELODY_LOW, MELODY_HIGH))
    reference = ladder_index(sum(register) // 2, key.scale)
    return Setting(chords, key.scale, chords[-1].triad, register, reference), shape, before


@pytest.mark.parametrize(("pitch", "expected"), [(0.0, (55, 69)), (0.5, (62, 76)), (1.0, (70, 84))])
def test_register_of_rises_with_the_target(pitch: float, expected: tuple[int, int]) -> None:
    assert register_of(pitch) == expected


def test_register_of_a_higher_style_keeps_the_top() -> None:
    assert register_of(0.0, 6) == (61, 75)
    assert register_of(1.0, 6) == register_of(1.0)


def test_sung_gives_back_a_shape_that_fits() -> None:
    shape = tuple(Step(rise, float(beat), 1.0) for beat, rise in enumerate((0, 1, 2, 3, 4, 3, 2, 1, 0)))
    pitches = [tone.pitch for tone in sung(shape, setting(), None)]
    assert pitches == [60, 62, 64, 65, 67, 65, 64, 62, 60]


def test_sung_keeps_the_rhythm() -> None:
    shape = (Step(0, 0.0, 1.5), Step(1, 1.5, 0.5), Step(2, 2.0, 2.0))
    assert [(tone.start_beat, tone.beats) for tone in sung(shape, setting(), None)] == [
        (0.0, 1.5), (1.5, 0.5), (2.0, 2.0)]


def test_sung_of_nothing_is_nothing() -> None:
    assert sung((), setting(), 60) == ()


@given(settings_and_shapes())
def test_sung_keeps_every_limit(case: tuple[Setting, Shape, int | None]) -> None:
    over, shape, before = case
    tones = sung(shape, over, before)
    pitches = [tone.pitch for tone in tones]
    joined = pitches if before is None else [before, *pitches]
    assert all(abs(after - last) <= 7 for last, after in itertools.pairwise(joined))
    assert all(MELODY_LOW <= pitch <= MELODY_HIGH and pitch % 12 in over.scale for pitch in pitches)
    for tone in tones:
        triad = chord_at(over.chords, tone.start_beat).triad
        if tone.start_beat % 4 == 0:
            assert tone.pitch % 12 in triad
        elif tone.start_beat % 4 == 2:
            assert tone.pitch % 12 in gentle_tones(triad, over.scale)
    assert pitches[-1] % 12 in chord_at(over.chords, tones[-1].start_beat).triad


@given(settings_and_shapes())
def test_sung_walks_into_its_register_and_stays(case: tuple[Setting, Shape, int | None]) -> None:
    over, _, before = case
    shape = tuple(Step(0, float(beat), 1.0) for beat in range(14))
    low, high = over.register.low, over.register.high
    outside = [max(0, low - tone.pitch, tone.pitch - high) for tone in sung(shape, over, before)]
    assert all(after <= last for last, after in itertools.pairwise(outside))
    assert not any(outside[8:])


def test_sung_ends_at_home_when_it_can() -> None:
    tonics = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        shape = tuple(Step(int(rng.integers(-4, 5)), float(beat), 1.0) for beat in range(8))
        tonics += sung((*shape, Step(0, 12.0, 3.0)), setting(), None)[-1].pitch % 12 == 0
    assert tonics > 25


def test_sung_makes_room_ahead_for_what_comes() -> None:
    """A line chosen tone by tone would be caught: from B4 no C major tone of the low register is near."""
    shape = (Step(5, 0.0, 1.0), Step(4, 1.0, 1.0), Step(3, 2.0, 1.0), Step(-3, 3.0, 1.0), Step(-5, 4.0, 2.0))
    pitches = [tone.pitch for tone in sung(shape, setting(), None)]
    assert all(abs(after - before) <= 7 for before, after in itertools.pairwise(pitches))
    assert pitches[-1] % 12 in (0, 4, 7)
    assert pitches[-1] <= pitches[0] - 7


def test_sung_returns_on_the_same_tones_after_another_phrase() -> None:
    shape = tuple(Step(rise, float(beat), 1.0) for beat, rise in enumerate((0, 2, 1, 3, 4, 2)))
    rows = [[tone.pitch for tone in sung(shape, setting(), before)] for before in (None, 60, 64, 67)]
    assert all(row == rows[0] for row in rows)


def test_sung_avoids_the_tritone() -> None:
    shape = (Step(3, 1.0, 1.0), Step(6, 3.0, 0.5), Step(7, 4.0, 1.0))
    leaps = np.abs(np.diff([tone.pitch for tone in sung(shape, setting(), None)]))
    assert 6 not in leaps


def test_sung_prefers_the_chord_on_long_weak_tones() -> None:
    long = sung((Step(0, 0.0, 1.0), Step(1, 1.0, 3.0), Step(0, 4.0, 1.0)), setting(), None)
    short = sung((Step(0, 0.0, 1.0), Step(1, 1.0, 1.0), Step(0, 4.0, 1.0)), setting(), None)
    assert long[1].pitch % 12 in (0, 4, 7)
    assert short[1].pitch == 62
