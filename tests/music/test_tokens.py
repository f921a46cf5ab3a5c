"""The network's vocabulary: classes at their edges, fields in their order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.music.tokens import (
    ABSOLUTES,
    DURATIONS_BEATS,
    FIELD_NAMES,
    FIELD_SIZES,
    HEIGHTS,
    INTERVALS,
    POSITIONS,
    START_INTERVAL,
    Place,
    Tone,
    duration_class,
    fields,
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


def test_fields_of_a_fifth_in_g_major() -> None:
    # D5 after G4 in G major, a dotted quarter, the next tone on beat 3.5 of bar 5, duple metre.
    found = dict(zip(FIELD_NAMES, fields(67, Tone(74, 0.0, 1.5), 7, Place(3.5, 5, 0)), strict=True))
    assert found == {
        "interval": 20, "height": 19, "degree": 7, "absolute": 22, "duration": 4, "position": 7, "bar": 1,
        "metre": 0}


def test_fields_at_the_start_know_no_interval() -> None:
    assert fields(None, Tone(60, 0.0, 1.0), 0, Place(0.0, 0, 1))[0] == START_INTERVAL


def test_fields_keep_the_degree_of_a_pitch_outside_the_heights() -> None:
    found = fields(60, Tone(30, 0.0, 1.0), 0, Place(0.0, 0, 0))
    assert found[1] == 0
    assert found[2] == 6


@given(
    before=st.none() | st.integers(0, 127), pitch=st.integers(0, 127), tonic=st.integers(0, 11),
    beats=st.floats(0.01, 32), beat=st.floats(-4, 40), bar=st.integers(0, 500), metre=st.integers(0, 3))
def test_fields_never_leave_their_classes(
    before: int | None, pitch: int, tonic: int, beats: float, beat: float, bar: int, metre: int,
) -> None:
    found = fields(before, Tone(pitch, 0.0, beats), tonic, Place(beat, bar, metre))
    assert len(found) == len(FIELD_SIZES) == len(FIELD_NAMES)
    assert all(0 <= value < size for value, size in zip(found, FIELD_SIZES, strict=True))


def test_sizes_fit_the_classes() -> None:
    assert FIELD_SIZES[:4] == (INTERVALS + 1, HEIGHTS, 12, ABSOLUTES)
    assert INTERVALS == 27


def test_tone_ends_where_its_length_says() -> None:
    assert Tone(60, 1.5, 2.0).end_beat == 3.5
