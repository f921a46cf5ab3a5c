"""Shapes are developed by rule: sequences, mirrors, thinning, ornaments."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.music.motif import (
    Shape,
    Step,
    bar_of,
    headed,
    inverted,
    ladder_index,
    of_density,
    placed,
    reversed_pitches,
    shape_of,
    shifted,
    stretched,
    varied,
    weight,
)
from device.music.tokens import Tone

C_MAJOR = (0, 2, 4, 5, 7, 9, 11)
SHAPE: Shape = (Step(0, 0.0, 1.0), Step(1, 1.0, 0.5), Step(2, 1.5, 0.5), Step(-1, 2.0, 2.0))


def rises(shape: Shape) -> list[int]:
    return [step.rise for step in shape]


@st.composite
def bars(draw: st.DrawFn) -> Shape:
    """One bar without gaps."""
    shape, now = [], 0.0
    while now < 4.0:
        beats = min(draw(st.sampled_from([0.5, 1.0, 1.5, 2.0])), 4.0 - now)
        shape.append(Step(draw(st.integers(-5, 5)), now, beats))
        now += beats
    return tuple(shape)


def test_ladder_index_counts_tones_of_the_scale() -> None:
    assert ladder_index(60, C_MAJOR) == 35
    assert ladder_index(62, C_MAJOR) == 36
    assert ladder_index(72, C_MAJOR) == 42


def test_ladder_index_works_for_a_scale_that_starts_elsewhere() -> None:
    g_major = (7, 9, 11, 0, 2, 4, 6)
    assert ladder_index(67, g_major) - ladder_index(66, g_major) == 1
    assert ladder_index(79, g_major) - ladder_index(67, g_major) == 7


def test_shape_of_counts_steps_from_the_reference() -> None:
    tones = (Tone(60, 0.0, 1.0), Tone(64, 1.0, 1.0), Tone(59, 2.0, 2.0))
    assert shape_of(tones, C_MAJOR, 35) == (Step(0, 0.0, 1.0), Step(2, 1.0, 1.0), Step(-1, 2.0, 2.0))


def test_bar_of_and_placed_are_inverse() -> None:
    moved = placed(SHAPE, 3)
    assert [step.start_beat for step in moved] == [12.0, 13.0, 13.5, 14.0]
    assert bar_of(moved, 3) == SHAPE
    assert bar_of(moved, 2) == ()


def test_placed_cuts_at_the_bar_line() -> None:
    assert placed((Step(0, 3.0, 4.0), Step(1, 5.0, 1.0)), 1) == (Step(0, 7.0, 1.0),)


def test_shifted_moves_every_step() -> None:
    assert rises(shifted(SHAPE, -2)) == [-2, -1, 0, -3]


def test_inverted_mirrors_at_the_first_tone() -> None:
    assert rises(inverted(shifted(SHAPE, 2))) == [2, 1, 0, 3]
    assert inverted(inverted(SHAPE)) == SHAPE


def test_reversed_pitches_keep_the_rhythm() -> None:
    back = reversed_pitches(SHAPE)
    assert rises(back) == [-1, 2, 1, 0]
    assert [step.start_beat for step in back] == [step.start_beat for step in SHAPE]


@given(bars(), st.integers(0, 6), st.integers(0, 2**31))
def test_varied_changes_a_little_and_never_the_first(shape: Shape, changes: int, seed: int) -> None:
    after = varied(shape, changes, np.random.default_rng(seed))
    assert after[0] == shape[0]
    assert sum(one != other for one, other in zip(shape, after, strict=True)) <= changes
    assert max(abs(one.rise - other.rise) for one, other in zip(shape, after, strict=True)) <= 2 * changes


def test_varied_without_changes_is_the_same() -> None:
    assert varied(SHAPE, 0, np.random.default_rng(0)) == SHAPE
    assert varied((), 3, np.random.default_rng(0)) == ()


@given(bars(), st.integers(0, 6), st.integers(0, 2**31))
def test_of_density_comes_near_what_is_wanted(shape: Shape, wanted: int, seed: int) -> None:
    dense = of_density(shape, wanted, np.random.default_rng(seed))
    if len(shape) >= wanted:
        assert len(dense) == max(1, wanted)
    else:
        assert len(shape) <= len(dense) <= wanted
    for before, after in itertools.pairwise(dense):
        assert after.start_beat >= before.start_beat + before.beats - 1e-9
    assert all(step.beats >= 0.5 for step in dense)
    assert sum(step.beats for step in dense) <= 4.0


def test_of_density_keeps_the_first_beat_longest() -> None:
    kept = [of_density(SHAPE, 1, np.random.default_rng(seed))[0].start_beat for seed in range(100)]
    assert kept.count(0.0) > 60


def test_of_density_gives_the_time_of_a_dropped_tone_to_the_one_before() -> None:
    kept = of_density((Step(0, 0.0, 1.0), Step(1, 1.0, 0.5)), 1, np.random.default_rng(2))
    assert kept == (Step(0, 0.0, 1.5),)


def test_of_density_ornaments_by_step() -> None:
    dense = of_density((Step(0, 0.0, 2.0), Step(4, 2.0, 2.0)), 3, np.random.default_rng(0))
    assert len(dense) == 3
    assert dense[1].rise == 1  # on the way from 0 to 4
    assert dense[1].start_beat == 1.0


def test_of_density_of_nothing_is_nothing() -> None:
    assert of_density((), 4, np.random.default_rng(0)) == ()


@pytest.mark.parametrize(("beat", "expected"), [
    (0.0, 3), (4.0, 3), (2.0, 2), (14.0, 2), (1.0, 1), (7.0, 1), (0.5, 0)])
def test_weight_follows_the_metre(beat: float, expected: float) -> None:
    assert weight(beat) == expected


def test_stretched_makes_notes_longer_and_shorter() -> None:
    assert stretched(SHAPE, 2.0) == (
        Step(0, 0.0, 2.0), Step(1, 2.0, 1.0), Step(2, 3.0, 1.0), Step(-1, 4.0, 4.0))
    assert stretched(stretched(SHAPE, 2.0), 0.5) == SHAPE
    assert stretched((Step(0, 1.0, 0.25),), 0.5) == (Step(0, 0.5, 0.25),)  # no shorter than a semiquaver


def test_headed_keeps_the_head_and_rests() -> None:
    assert headed(SHAPE, 3.0) == (*SHAPE[:3], Step(-1, 2.0, 1.0))
    assert headed(SHAPE, 1.0) == (SHAPE[0],)
    assert headed(SHAPE, 4.0) == SHAPE
