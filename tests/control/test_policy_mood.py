"""The entry mood is chosen from the state, once, with a reason; the program's mood is where it leads."""

from itertools import pairwise

import msgspec
import pytest

from device.control.arc import DEEP, arc_target
from device.control.limits import SLEW_PER_S, differ
from device.control.moods import Mood, course_of, end_point
from device.control.policy import ControlPolicy
from device.messages import MusicalTarget, Reason, Stress, StressBand

DURATION_S = 1200.0


def estimate(at_s, level, band, confidence=0.9):
    return Stress(at_s=at_s, level=level, confidence=confidence, band=band, sources=("eda",), reason="")


def play(policy, seconds, known=None, start_s=0):
    """Update once a second; `known` tells the estimate of a second."""
    return [policy.update(1000.0 + second, float(second), DURATION_S, known(second) if known else None, None)
            for second in range(start_s, start_s + seconds)]


def neutral(band):
    return lambda second: estimate(1000.0 + second, 0.5, band)


def test_policy_mood_is_by_default_no_part_of_the_decision():
    decisions = play(ControlPolicy(), 120, neutral(StressBand.HIGH))
    assert all(Reason.MOOD not in decision.reasons for decision in decisions)
    assert not differ(decisions[-1].target, arc_target(119.0, DURATION_S), 1e-6)


@pytest.mark.parametrize(("band", "mood"), [
    (StressBand.LOW, Mood.CALM), (StressBand.MEDIUM, Mood.CONTENT), (StressBand.HIGH, Mood.TENSE),
])
def test_policy_mood_of_the_entry_is_chosen_from_the_first_known_state(band, mood):
    policy = ControlPolicy(meet_mood=True)
    decisions = play(policy, 120, neutral(band))
    assert Reason.MOOD in decisions[0].reasons
    assert all(Reason.MOOD not in decision.reasons for decision in decisions[1:])
    assert policy.state().entry is mood
    expected = arc_target(119.0, DURATION_S, course=course_of(Mood.CALM, mood))
    assert not differ(decisions[-1].target, expected, 1e-6)


def test_policy_mood_that_becomes_known_later_is_glided_to():
    policy = ControlPolicy(meet_mood=True)
    decisions = play(policy, 60) + play(policy, 60, neutral(StressBand.HIGH), 60)
    assert Reason.MOOD in decisions[60].reasons
    for before, after in pairwise(decisions):
        for name in MusicalTarget.__struct_fields__:
            moved = abs(getattr(after.target, name) - getattr(before.target, name))
            assert moved <= getattr(SLEW_PER_S, name) + 1e-9


@pytest.mark.parametrize("known", [
    lambda second: estimate(1000.0 + second, None, StressBand.UNKNOWN),
    lambda second: estimate(1000.0 + second, 0.9, StressBand.HIGH, confidence=0.1),
    lambda second: estimate(900.0, 0.9, StressBand.HIGH),
    lambda second: estimate(1000.0 + second, 0.9, StressBand.HIGH) if second > 90 else None,
])
def test_policy_mood_of_the_entry_is_not_guessed(known):
    policy = ControlPolicy(meet_mood=True)
    decisions = play(policy, 120, known)
    assert all(Reason.MOOD not in decision.reasons for decision in decisions)
    assert policy.state().entry is None


def test_policy_mood_of_the_entry_survives_a_restart():
    first = ControlPolicy(meet_mood=True)
    play(first, 30, neutral(StressBand.HIGH))
    second = ControlPolicy(first.state(), Reason.RESUMED, meet_mood=True)
    later = play(second, 30, neutral(StressBand.LOW), 30)
    assert second.state().entry is Mood.TENSE
    assert all(Reason.MOOD not in decision.reasons for decision in later)
    assert ControlPolicy(first.state(), meet_mood=True).state().entry is None, "a new session looks anew"


@pytest.mark.parametrize("mood", [Mood.CALM, Mood.CONTENT, Mood.TIRED, Mood.ENERGETIC])
def test_policy_mood_of_the_program_is_where_the_arc_leads(mood):
    plateau = play(ControlPolicy(mood=mood), 800)[-1].target
    assert msgspec.structs.astuple(plateau) == pytest.approx(msgspec.structs.astuple(end_point(mood)))
    assert differ(plateau, DEEP, 0.01) == (mood is not Mood.CALM)
