"""Phrases are due ahead of time and join without a gap."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.control.schedule import AHEAD_S, FIRST_S, PhraseSchedule


def test_schedule_first_phrase_is_due_at_once_and_starts_soon():
    assert PhraseSchedule().due(100.0) == pytest.approx(100.0 + FIRST_S)


def test_schedule_nothing_is_due_while_enough_is_written():
    schedule = PhraseSchedule()
    schedule.written(100.25, 12.0)
    assert schedule.end_s == 112.25
    assert schedule.due(100.3) is None
    assert schedule.due(112.25 - AHEAD_S - 0.01) is None


def test_schedule_next_phrase_is_due_ahead_and_joins_the_end():
    schedule = PhraseSchedule()
    schedule.written(100.25, 12.0)
    assert schedule.due(112.25 - AHEAD_S) == 112.25


def test_schedule_late_writer_starts_as_soon_as_can_be_heard():
    schedule = PhraseSchedule(end_s=90.0)
    assert schedule.due(100.0) == pytest.approx(100.0 + FIRST_S)


def test_schedule_successor_waits_for_the_music_that_was_written():
    schedule = PhraseSchedule(end_s=108.0)
    assert schedule.due(100.0) is None
    assert schedule.due(107.0) == 108.0


def test_schedule_lost_music_is_due_again_at_once():
    schedule = PhraseSchedule()
    schedule.written(100.25, 12.0)
    schedule.lose()
    assert schedule.end_s is None
    assert schedule.due(103.0) == pytest.approx(103.0 + FIRST_S)


@given(lengths_s=st.lists(st.floats(2.0, 40.0), min_size=2, max_size=20), period_s=st.floats(0.01, 0.1))
def test_schedule_polled_phrases_are_contiguous_and_early(lengths_s, period_s):
    schedule = PhraseSchedule()
    at_s, written = 0.0, []
    while len(written) < len(lengths_s):
        start_s = schedule.due(at_s)
        if start_s is not None:
            length_s = lengths_s[len(written)]
            schedule.written(start_s, length_s)
            written.append((at_s, start_s, start_s + length_s))
        at_s += period_s
    for (_, _, end_s), (sent_s, start_s, _) in pairwise(written):
        assert start_s == end_s
        assert start_s - sent_s >= AHEAD_S - 2 * period_s
