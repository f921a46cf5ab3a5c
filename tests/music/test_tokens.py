"""The network's vocabulary: classes at their edges."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.music.tokens import (
    DURATIONS_BEATS,
    HEIGHTS,
    INTERVALS,
    POSITIONS,
    Tone,
    duration_class,
    height_class,
    height_pitch,
    interval_class,
    position_class,
)


@pytest.mark.parametrize(("semitones", "expected"), [
    (0, 13), (2, 15), (-2, 11), (12, 25), (13, 26), (19, 26), (-13, 0), (-24, 0),
])
def test_interval_class_counts_from_thirteen_down_to_thirteen_up(semitones: int, expected: int) -> None:
    assert interval_class(semitones) == expected


@pytest.mark.parametrize("index", range(len(DURATIONS_BEATS)))
def test_duration_class_of_a_listed_length_is_its_place(index: int) -> None:
    assert duration_class(DURATIONS_BEATS[index]) == index


@pytest.mark.parametrize(("beats", "expected"), [
    (0.375, 0.5), (5.0, 6.0), (2.4, 2.0), (0.01, 0.25), (40, 6.0)])
def test_duration_class_takes_the_nearest_by_ratio(beats: float, expected: float) -> None:
    assert DURATIONS_BEATS[duration_class(beats)] == expected


@pytest.mark.parametrize(("beat", "expected"), [
    (0.0, 0), (0.5, 1), (3.5, 7), (7.5, 15), (8.0, POSITIONS - 1), (0.25, POSITIONS - 1),
    (-0.5, POSITIONS - 1),
])
def test_position_class_is_the_half_beat_or_off_the_grid(beat: float, expected: int) -> None:
    assert position_class(beat) == expected


def test_position_class_forgives_the_sum_of_thirds() -> None:
    assert position_class(1 / 3 + 1 / 3 + 1 / 3) == 2


@given(height=st.integers(0, HEIGHTS - 1), tonic=st.integers(0, 11))
def test_height_pitch_and_class_are_inverse(height: int, tonic: int) -> None:
    assert height_class(height_pitch(height, tonic), tonic) == height


def test_height_class_ends_at_its_bounds() -> None:
    assert height_class(30, 0) == 0
    assert height_class(120, 0) == HEIGHTS - 1
    assert height_class(74, 7) == 19  # a fifth over the tonic G


def test_intervals_are_the_27_of_the_data() -> None:
    assert INTERVALS == 27


def test_tone_ends_where_its_length_says() -> None:
    assert Tone(60, 1.5, 2.0).end_beat == 3.5
