"""The longest echo is found, the newest of equals, and never anything later than the end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.music.recall import Echo, bars_ago, echo
from device.music.tokens import Place


@pytest.mark.parametrize(("row", "expected"), [
    ([], 0), ([4], 0), ([4, 5], 0), ([4, 4], 1), ([1, 2, 3, 1, 2], 2), ([1, 2, 3, 9, 2, 3, 1, 2, 3], 3)])
def test_echo_length(row: list[int], expected: int) -> None:
    assert echo(row, 8).length == expected


def test_echo_names_what_followed() -> None:
    row = [1, 2, 3, 7, 1, 2, 3]
    assert row[echo(row, 8).follower] == 7


def test_echo_takes_the_newest_of_equals() -> None:
    row = [1, 2, 8, 1, 2, 9, 1, 2]
    assert echo(row, 8) == Echo(2, 5)


def test_echo_counts_no_further_than_asked() -> None:
    assert echo([1, 2, 3, 4, 5] * 3, 4).length == 4


@given(row=st.lists(st.integers(0, 3), max_size=30), longest=st.integers(1, 10))
def test_echo_is_a_real_one(row: list[int], longest: int) -> None:
    found = echo(row, longest)
    assert 0 <= found.length <= longest
    if found.length:
        begin = found.follower - found.length
        assert begin >= 0
        assert found.follower < len(row)
        assert row[begin : found.follower] == row[len(row) - found.length :]


def test_bars_ago_finds_the_same_beat() -> None:
    starts = [Place(beat, bar, 0) for bar in range(6) for beat in (0.0, 1.0, 2.5)]
    assert bars_ago(starts, Place(2.5, 6, 0), 4) == starts.index(Place(2.5, 2, 0))
    assert bars_ago(starts, Place(2.0, 6, 0), 4) is None
    assert bars_ago(starts, Place(2.5, 6, 0), 8) is None


def test_bars_ago_forgives_the_sum_of_thirds() -> None:
    assert bars_ago([Place(1 / 3 + 1 / 3 + 1 / 3, 0, 0)], Place(1.0, 4, 0), 4) == 0
