"""One to three taps in the minute after a session are an answer, and never a start by mistake."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.config import Program
from device.control import rating as subject
from device.control.rating import ANSWERS, ASK_S, PAUSE_S, SETTLE_S, SelfRating
from device.control.session import SessionMachine
from device.messages import Rating, SessionPhase

PROGRAM = Program(minutes=10.0, fade_out_s=12.0, self_rating=True)
IDLE, RUNNING, MUTED = SessionPhase.IDLE, SessionPhase.RUNNING, SessionPhase.MUTED
END_S = 1612.0  # of a session of 10 minutes that began at 1000 s, with its fade


def ended(program=PROGRAM):
    """Return a machine whose session just faded out."""
    machine = SessionMachine(program, random.Random(5))
    machine.press(1000.0)
    machine.tap(1000.2)
    machine.update(1600.0)
    machine.update(END_S)
    assert machine.phase is IDLE
    return machine


def taps(machine, at_s, count, every_s=0.6, down_s=0.2):
    """Tap so often; return when the last one came up."""
    for tap in range(count):
        machine.press(at_s + tap * every_s)
        machine.update(at_s + tap * every_s + down_s / 2)
        machine.tap(at_s + tap * every_s + down_s)
    return at_s + (count - 1) * every_s + down_s


def told(machine, at_s):
    machine.update(at_s)
    return machine.message(at_s).rating


def test_rating_answers_are_those_of_the_wards_page():
    assert {taps: rating.value for taps, rating in ANSWERS.items()} == {1: "better", 2: "same", 3: "worse"}
    assert "1, 2 or 3 taps" in subject.__doc__
    assert "better, the same, worse" in subject.__doc__


@pytest.mark.parametrize(("count", "rating"), [
    (1, Rating.BETTER), (2, Rating.SAME), (3, Rating.WORSE), (4, None), (9, None),
])
def test_rating_counts_the_taps_and_starts_nothing(count, rating):
    machine = ended()
    last_s = taps(machine, END_S + 5.0, count)
    assert machine.asking
    machine.update(last_s + PAUSE_S)
    assert not machine.asking
    assert machine.message(last_s + PAUSE_S).rating is None, "it may still be taken back"
    assert told(machine, last_s + PAUSE_S + SETTLE_S) is rating
    assert machine.phase is IDLE
    assert told(machine, last_s + 3600.0) is rating, "told until the next session"


def test_rating_is_not_asked_unless_configured():
    machine = ended(Program(minutes=10.0, fade_out_s=12.0))
    assert not machine.asking
    machine.press(END_S + 5.0)
    assert machine.phase is RUNNING


def test_rating_is_asked_for_a_minute():
    machine = ended()
    machine.update(END_S + ASK_S - 0.1)
    assert machine.asking
    machine.update(END_S + ASK_S)
    assert not machine.asking
    machine.press(END_S + ASK_S + 0.1)
    assert machine.phase is RUNNING


def test_rating_a_press_of_one_second_starts_a_session():
    machine = ended()
    machine.press(END_S + 5.0)
    machine.update(END_S + 5.98)
    assert machine.phase is IDLE
    machine.update(END_S + 6.0)
    assert machine.phase is RUNNING
    machine.tap(END_S + 6.4)
    assert machine.phase is RUNNING, "the press that started it does not end it"
    machine.press(END_S + 60.0)
    machine.tap(END_S + 60.2)
    assert machine.phase is SessionPhase.ENDING


def test_rating_a_start_during_the_taps_drops_them():
    machine = ended()
    last_s = taps(machine, END_S + 5.0, 2)
    machine.press(last_s + 1.0)
    machine.update(last_s + 2.0)
    assert machine.phase is RUNNING
    assert told(machine, last_s + 30.0) is None


def test_rating_a_hold_still_silences():
    machine = ended()
    machine.press(END_S + 5.0)
    machine.update(END_S + 6.0)
    machine.hold(END_S + 7.0)
    assert machine.phase is MUTED
    assert not machine.asking
    machine.release()
    assert machine.phase is IDLE
    assert not machine.asking


def test_rating_a_start_soon_after_an_answer_takes_it_back():
    machine = ended()
    last_s = taps(machine, END_S + 5.0, 1)
    machine.update(last_s + PAUSE_S)
    machine.press(last_s + PAUSE_S + 3.0)
    assert machine.phase is RUNNING
    assert told(machine, last_s + 60.0) is None


def test_rating_ends_with_the_next_session():
    machine = ended()
    last_s = taps(machine, END_S + 5.0, 1)
    assert told(machine, last_s + PAUSE_S) is None
    assert told(machine, last_s + 20.0) is Rating.BETTER
    machine.press(last_s + 100.0)
    assert machine.message(last_s + 100.0).rating is None


@pytest.mark.parametrize("played_s", [5.0, 59.0])
def test_rating_is_not_asked_after_a_very_short_session(played_s):
    machine = SessionMachine(PROGRAM, random.Random(5))
    machine.press(1000.0)
    machine.tap(1000.2)
    machine.press(1000.0 + played_s)
    machine.tap(1000.0 + played_s)
    machine.update(1012.0 + played_s)
    assert machine.phase is IDLE
    assert not machine.asking


def test_rating_is_not_asked_after_silence_was_wanted():
    machine = SessionMachine(PROGRAM, random.Random(5))
    machine.press(1000.0)
    machine.tap(1000.2)
    machine.hold(1400.0)
    machine.release()
    assert not machine.asking


def test_rating_a_finger_that_vanished_with_the_panel_starts_nothing():
    machine = ended()
    machine.press(END_S + 5.0)
    machine.release()
    machine.update(END_S + 8.0)
    assert machine.phase is IDLE


def test_rating_of_nobody_asked_takes_no_press():
    question = SelfRating()
    assert not question.press(10.0)
    assert not question.tap(10.2)
    assert not question.update(11.5)
    assert question.rating is None


@given(events=st.lists(
    st.tuples(st.sampled_from(["tap", "long", "wait"]), st.floats(0.1, 70.0)), max_size=12))
def test_rating_machine_is_idle_or_asked_for_music_whatever_is_pressed(events):
    machine, at_s = ended(), END_S
    for event, passed_s in events:
        at_s += passed_s
        machine.update(at_s)
        asking, phase = machine.asking, machine.phase
        machine.press(at_s)
        if event == "tap":
            machine.update(at_s + 0.2)
            machine.tap(at_s + 0.2)
            assert not (asking and machine.phase is RUNNING), "a tap never starts while the light asks"
        elif event == "long":
            machine.update(at_s + 1.0)
            machine.tap(at_s + 1.2)
            assert machine.phase is not IDLE
        else:
            machine.update(at_s + 0.05)
            machine.tap(at_s + 0.1)
        at_s += 1.2
        if phase is RUNNING:
            assert not machine.asking
        assert machine.phase in {IDLE, RUNNING, SessionPhase.ENDING}
