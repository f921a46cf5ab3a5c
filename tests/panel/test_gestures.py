"""Every finger is understood once, bounce never counts, and a stuck button does no harm."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.messages import Severity
from device.panel.gestures import HOLD_S, STUCK_S, Gesture, Gestures

POLL_S = 0.02


def poll(gestures, spans, poll_s=POLL_S, start_s=100.0):
    """Poll a level given as (pressed, seconds) spans; return (time, gesture) pairs."""
    found, end_s, tick = [], start_s, 0
    for pressed, seconds in spans:
        end_s += seconds
        while (at_s := start_s + tick * poll_s) < end_s:
            gesture = gestures.update(pressed, at_s)
            if gesture is not None:
                found.append((at_s - start_s, gesture))
            tick += 1
    return found


def names(found):
    return [gesture for _, gesture in found]


@pytest.mark.parametrize("poll_s", [0.01, 0.015, 0.02])
def test_gestures_short_press_is_press_then_tap(poll_s):
    found = poll(Gestures(), [(False, 0.5), (True, 0.3), (False, 1.0)], poll_s)
    assert names(found) == [Gesture.PRESS, Gesture.TAP]


def test_gestures_press_is_told_within_two_polls_of_the_finger():
    ((press_s, _), *_) = poll(Gestures(), [(False, 0.5), (True, 0.3), (False, 1.0)])
    assert 0.5 <= press_s <= 0.5 + 2 * POLL_S + 1e-9


def test_gestures_hold_comes_at_2_s_while_still_held():
    found = poll(Gestures(), [(False, 0.5), (True, 5.0), (False, 1.0)])
    assert names(found) == [Gesture.PRESS, Gesture.HOLD, Gesture.RELEASE]
    assert found[1][0] == pytest.approx(0.5 + HOLD_S, abs=POLL_S + 1e-9)
    assert found[2][0] == pytest.approx(5.5, abs=2 * POLL_S + 1e-9)


@pytest.mark.parametrize(("held_s", "last"), [(1.9, Gesture.TAP), (2.1, Gesture.RELEASE)])
def test_gestures_two_seconds_divide_tap_from_hold(held_s, last):
    assert names(poll(Gestures(), [(False, 0.5), (True, held_s), (False, 1.0)]))[-1] is last


def test_gestures_bouncing_contacts_count_once():
    bounce = [(level, 0.004) for level in (True, False, True, False, True)]
    release = [(level, 0.004) for level in (False, True, False, True)]
    found = poll(Gestures(), [(False, 0.2), *bounce, (True, 0.4), *release, (False, 0.5)], 0.001)
    assert names(found) == [Gesture.PRESS, Gesture.TAP]


def test_gestures_a_hold_survives_a_short_break_of_contact():
    found = poll(Gestures(), [(False, 0.2), (True, 1.2), (False, 0.01), (True, 1.2), (False, 0.5)], 0.005)
    assert names(found) == [Gesture.PRESS, Gesture.HOLD, Gesture.RELEASE]
    assert found[1][0] == pytest.approx(0.2 + HOLD_S, abs=0.01)


@settings(deadline=None)
@given(glitch_s=st.floats(0.0001, 0.0199), phase_s=st.floats(0.0, 0.02), poll_s=st.floats(0.001, 0.02))
def test_gestures_glitches_under_20_ms_are_nothing(glitch_s, phase_s, poll_s):
    spans = [(False, 0.1 + phase_s), (True, glitch_s), (False, 0.3)]
    assert poll(Gestures(), spans, poll_s) == []


def test_gestures_stuck_button_is_told_released_and_ignored():
    gestures = Gestures()
    found = poll(gestures, [(False, 0.5), (True, STUCK_S + 10.0)])
    assert names(found) == [Gesture.PRESS, Gesture.HOLD, Gesture.RELEASE]
    assert found[2][0] == pytest.approx(0.5 + STUCK_S, abs=0.1)
    (fault,) = gestures.faults()
    assert fault.code == "button_stuck"
    assert fault.severity is Severity.ATTENTION


def test_gestures_freed_button_works_again():
    gestures = Gestures()
    poll(gestures, [(False, 0.5), (True, STUCK_S + 10.0)])
    found = poll(gestures, [(False, 0.5), (True, 0.3), (False, 0.5)], start_s=200.0)
    assert names(found) == [Gesture.PRESS, Gesture.TAP]
    assert gestures.faults() == ()


def test_gestures_button_down_at_the_first_poll_starts_nothing():
    assert poll(Gestures(), [(True, 1.0), (False, 0.5)]) == []


def test_gestures_button_down_at_the_first_poll_may_silence():
    assert names(poll(Gestures(), [(True, 3.0), (False, 0.5)])) == [Gesture.HOLD, Gesture.RELEASE]


def test_gestures_button_stuck_from_the_start_is_told():
    gestures = Gestures()
    poll(gestures, [(True, STUCK_S + 1.0)])
    assert [fault.code for fault in gestures.faults()] == ["button_stuck"]


def test_gestures_late_polls_still_understand_a_hold():
    gestures = Gestures()
    gestures.update(False, 0.0)
    seen = [gestures.update(True, at_s) for at_s in (1.0, 1.5, 2.4, 3.1)]
    assert seen == [None, Gesture.PRESS, None, Gesture.HOLD]


def test_gestures_down_follows_the_debounced_level():
    gestures = Gestures()
    poll(gestures, [(False, 0.2), (True, 0.2)])
    assert gestures.down
    poll(gestures, [(False, 0.2)], start_s=100.4)
    assert not gestures.down


SPANS = st.lists(st.floats(0.001, 40.0), min_size=1, max_size=12)
FOLLOWS = {
    Gesture.PRESS: {Gesture.TAP, Gesture.HOLD},
    Gesture.TAP: {Gesture.PRESS},
    Gesture.HOLD: {Gesture.RELEASE},
    Gesture.RELEASE: {Gesture.PRESS},
}


@settings(max_examples=60, deadline=None)
@given(lengths_s=SPANS, first=st.booleans(), poll_s=st.floats(0.01, 0.03))
def test_gestures_always_follow_the_grammar(lengths_s, first, poll_s):
    spans = [(first ^ bool(number % 2), length_s) for number, length_s in enumerate(lengths_s)]
    found = names(poll(Gestures(), [*spans, (False, 1.0)], poll_s))
    for before, after in pairwise(found):
        assert after in FOLLOWS[before]
    if found:
        assert found[0] in ({Gesture.PRESS, Gesture.HOLD} if first else {Gesture.PRESS})
        assert found[-1] in {Gesture.TAP, Gesture.RELEASE}, "nothing stays open after the button is up"


@settings(max_examples=60, deadline=None)
@given(taps=st.lists(st.tuples(st.floats(0.07, 1.9), st.floats(0.07, 3.0)), max_size=8))
def test_gestures_count_every_clean_tap_once(taps):
    spans = [span for down_s, up_s in taps for span in ((True, down_s), (False, up_s))]
    found = names(poll(Gestures(), [(False, 0.5), *spans]))
    assert found == [Gesture.PRESS, Gesture.TAP] * len(taps)
