"""What the network is told: fields in their order, nothing of the future, targets as they are asked."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.music.fields import BARS_AGO, FIELD_NAMES, FIELD_SIZES, TARGETS, fields, target_input
from device.music.tokens import START_INTERVAL, Place, Tone


def line(*pitches: int, beats: float = 1.0) -> tuple[list[Tone], list[Place]]:
    """Return tones of equal length in 4/4 and their places."""
    starts = [index * beats for index in range(len(pitches))]
    tones = [Tone(pitch, start, beats) for pitch, start in zip(pitches, starts, strict=True)]
    return tones, [Place(start % 4, int(start // 4), 0) for start in starts]


def told(tones: list[Tone], starts: list[Place], tonic: int, following: Place) -> dict[str, int]:
    """Return the fields by name."""
    return dict(zip(FIELD_NAMES, fields(tones, starts, tonic, following), strict=True))


def test_fields_of_a_fifth_in_g_major() -> None:
    # D5 after G4 in G major, a dotted quarter after a half, the next tone on beat 3.5 of bar 5, duple metre.
    tones = [Tone(67, 20.0, 2.0), Tone(74, 22.0, 1.5)]
    found = told(tones, [Place(0.0, 5, 0), Place(2.0, 5, 0)], 7, Place(3.5, 5, 0))
    expected = {
        "interval": 20, "height": 19, "degree": 7, "absolute": 22, "duration": 4, "position": 7, "bar": 5,
        "metre": 0, "echo_length": 0, "rested": 0, "began": 4, "interval_before": 27}
    assert {name: found[name] for name in expected} == expected


def test_fields_before_the_first_tone_know_only_its_place() -> None:
    found = told([], [], 5, Place(3.0, -1, 1))
    assert found["interval"] == START_INTERVAL
    assert (found["position"], found["bar"], found["metre"]) == (6, 7, 1)
    nothing = {
        "height", "degree", "absolute", "duration", "echo_interval", "bars4_interval", "interval_before"}
    assert all(found[name] == FIELD_SIZES[FIELD_NAMES.index(name)] - 1 for name in nothing)


def test_fields_of_the_first_tone_know_no_interval() -> None:
    assert told(*line(60), 0, Place(1.0, 0, 1))["interval"] == START_INTERVAL


def test_fields_keep_the_degree_of_a_pitch_outside_the_heights() -> None:
    found = told(*line(60, 30), 0, Place(0.0, 0, 0))
    assert found["height"] == 0
    assert found["degree"] == 6


def test_fields_name_what_followed_the_longest_echo() -> None:
    tones, starts = line(60, 62, 64, 67, 60, 62, 64)
    found = told(tones, starts, 0, Place(3.0, 1, 0))
    assert found["echo_length"] == 2  # the two rises of a second; the interval before differs
    assert found["echo_interval"] == 16  # then came a third
    assert found["echo_duration"] == 3


def test_fields_see_the_tone_four_bars_ago() -> None:
    tones, starts = line(*range(60, 77))  # 16 beats and one more
    found = told(tones, starts, 0, Place(1.0, 4, 0))
    assert 4 in BARS_AGO
    assert found["bars4_interval"] == 0  # from 76 down to 61: thirteen semitones or more
    assert found["bars4_duration"] == 3
    assert found["bars8_interval"] == 27


def test_fields_notice_a_rest() -> None:
    tones = [Tone(60, 0.0, 1.0), Tone(62, 2.0, 1.0)]
    places = [Place(0.0, 0, 0), Place(2.0, 0, 0)]
    assert told(tones, places, 0, Place(3.0, 0, 0))["rested"] == 1
    assert told(tones[:1], places[:1], 0, Place(1.0, 0, 0))["rested"] == 0


pitches = st.lists(st.integers(0, 127), max_size=24)


@given(pitches=pitches, tonic=st.integers(0, 11), beats=st.sampled_from([0.25, 0.5, 1.0, 1.5, 4.0, 9.0]),
       beat=st.floats(-4, 40), bar=st.integers(-1, 500), metre=st.integers(0, 3))
def test_fields_never_leave_their_classes(
    pitches: list[int], tonic: int, beats: float, beat: float, bar: int, metre: int,
) -> None:
    found = fields(*line(*pitches, beats=beats), tonic, Place(beat, bar, metre))
    assert len(found) == len(FIELD_SIZES) == len(FIELD_NAMES)
    assert all(0 <= value < size for value, size in zip(found, FIELD_SIZES, strict=True))


@given(pitches=st.lists(st.integers(55, 80), min_size=2, max_size=24), up=st.integers(-5, 6))
def test_fields_of_a_transposed_tune_differ_in_absolute_height_only(pitches: list[int], up: int) -> None:
    tonic = 5
    here = told(*line(*pitches), tonic, Place(0.0, 1, 0))
    there = told(*line(*(pitch + up for pitch in pitches)), tonic + up, Place(0.0, 1, 0))
    assert {name for name in here if here[name] != there[name]} <= {"absolute"}


def test_target_input_marks_what_is_known() -> None:
    assert target_input(None, None, None).tolist() == [[0.0] * TARGETS]
    assert target_input(0.0, 0.5, 1.0).tolist() == [[-1.0, 1.0, 0.0, 1.0, 1.0, 1.0]]
    assert target_input(None, 0.75, None).tolist() == [[0.0, 0.0, 0.5, 1.0, 0.0, 0.0]]


@pytest.mark.parametrize(("share", "expected"), [(-3.0, -1.0), (7.0, 1.0)])
def test_target_input_takes_a_share_out_of_bounds_as_the_nearer_end(share: float, expected: float) -> None:
    assert target_input(share, None, None)[0, 0] == expected


def test_fields_have_one_name_each() -> None:
    assert all(one != other for one, other in itertools.combinations(FIELD_NAMES, 2))
