"""Stress bends the arc: quickly enough, never far or fast, with a reason, and back when unknown."""

import math
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.control.arc import arc_target
from device.control.limits import BEND, HIGHEST, LOWEST, SLEW_PER_S, differ
from device.control.policy import ControlPolicy, PolicyState, known_heart_rate
from device.messages import MusicalTarget, Reason, Stress, StressBand

DURATION_S = 1200.0
NAMES = MusicalTarget.__struct_fields__
HELD = PolicyState(
    target=MusicalTarget(pitch=0.5, tempo_bpm=70.0, timbre=0.4, intensity=0.5, density=0.4,
                         percussiveness=0.1),
    entry_bpm=82.0, met=True, level=0.8,
)


def play(policy, levels, stress, start_s=0.0):
    """Update once a second with a level each; None is unknown."""
    return [
        policy.update(1000.0 + at_s, at_s, DURATION_S, stress(1000.0 + at_s, level), None)
        for at_s, level in ((start_s + second, level) for second, level in enumerate(levels))
    ]


def test_policy_without_sensors_plays_the_arc_alone():
    policy = ControlPolicy()
    for second in range(1201):
        decision = policy.update(1000.0 + second, second, DURATION_S, None, None)
        assert not differ(decision.target, arc_target(second, DURATION_S), 1e-6)
        assert decision.loop == "open"
        assert decision.reasons == ((Reason.MEET,) if second == 0 else (Reason.ARC,))


def test_policy_at_neutral_stress_plays_the_arc_closed_loop(stress):
    for second, decision in enumerate(play(ControlPolicy(), [0.5] * 300, stress)):
        assert not differ(decision.target, arc_target(second, DURATION_S), 1e-6)
        assert decision.loop == "closed"


@pytest.mark.parametrize(("before", "after", "reason", "sign"), [
    (0.3, 0.9, Reason.STRESS_UP, 1.0), (0.9, 0.2, Reason.STRESS_DOWN, -1.0),
])
def test_policy_stress_step_changes_the_target_within_10_s(stress, before, after, reason, sign):
    steady, stepped = ControlPolicy(), ControlPolicy()
    play(steady, [before] * 120, stress)
    play(stepped, [before] * 120, stress)
    base = play(steady, [before] * 10, stress, 120.0)
    moved = play(stepped, [after] * 10, stress, 120.0)
    assert sign * (moved[-1].target.tempo_bpm - base[-1].target.tempo_bpm) > 0.8
    assert sign * (moved[-1].target.intensity - base[-1].target.intensity) > 0.05
    assert sign * (moved[-1].target.density - base[-1].target.density) > 0.05
    assert any(reason in decision.reasons for decision in moved[:5])


@pytest.mark.parametrize(("band", "level", "low_bpm", "high_bpm"), [
    ("low", 0.05, -6.0, -1.6), ("low", 0.30, -6.0, -1.6), ("medium", 0.38, -1.6, 1.6),
    ("medium", 0.62, -1.6, 1.6), ("high", 0.70, 1.6, 6.0), ("high", 0.98, 1.6, 6.0),
])
def test_policy_stress_bands_map_to_tempo_bands(stress, band, level, low_bpm, high_bpm):
    decisions = play(ControlPolicy(), [level] * 600, stress)
    offset = decisions[-1].target.tempo_bpm - arc_target(599.0, DURATION_S).tempo_bpm
    assert low_bpm - 0.01 <= offset <= high_bpm + 0.01, band


@pytest.mark.parametrize(("first", "second"), [
    (0.1, 0.5), (0.5, 0.1), (0.5, 0.9), (0.9, 0.5), (0.1, 0.9), (0.9, 0.1),
])
def test_policy_transition_between_bands_settles_within_two_minutes(stress, first, second):
    policy = ControlPolicy()
    play(policy, [first] * 300, stress)
    decisions = play(policy, [second] * 120, stress, 300.0)
    fresh = play(ControlPolicy(), [second] * 420, stress)
    assert decisions[-1].target.tempo_bpm == pytest.approx(fresh[-1].target.tempo_bpm, abs=0.7)
    wrong_way = Reason.STRESS_DOWN if second > first else Reason.STRESS_UP
    assert all(wrong_way not in decision.reasons for decision in decisions)


@pytest.mark.parametrize("level", [0.0, 1.0])
def test_policy_unknown_stress_eases_back_to_the_arc_within_a_minute(stress, level):
    policy = ControlPolicy()
    play(policy, [level] * 150, stress)  # within the patience of the guard
    decisions = play(policy, [None] * 70, stress, 150.0)
    assert Reason.STRESS_UNKNOWN in decisions[0].reasons
    assert all(decision.loop == "open" for decision in decisions)
    first = abs(decisions[0].target.intensity - arc_target(150.0, DURATION_S).intensity)
    assert first > 0.05, "the change is not abrupt"
    assert not differ(decisions[62].target, arc_target(212.0, DURATION_S), 0.02)


def test_policy_stale_stress_counts_as_unknown(stress):
    policy = ControlPolicy()
    last = stress(1000.0, 0.9)
    loops = [policy.update(1000.0 + second, second, DURATION_S, last, None).loop for second in range(10)]
    assert loops == ["closed"] * 6 + ["open"] * 4


def test_policy_unsure_stress_does_not_bend(stress):
    policy = ControlPolicy()
    for second in range(60):
        at_s = 1000.0 + second
        decision = policy.update(at_s, second, DURATION_S, stress(at_s, 1.0, 0.19), None)
    assert decision.loop == "open"
    assert not differ(decision.target, arc_target(59.0, DURATION_S), 1e-6)


def test_policy_sensors_back_are_named_once_and_taken_gently(stress):
    policy = ControlPolicy()
    play(policy, [0.9] * 60, stress)
    away = play(policy, [None] * 90, stress, 60.0)
    back = play(policy, [0.9] * 60, stress, 150.0)
    assert Reason.SENSORS_BACK in back[0].reasons
    assert all(Reason.SENSORS_BACK not in decision.reasons for decision in back[1:])
    assert back[0].target.tempo_bpm - away[-1].target.tempo_bpm < 0.14
    assert back[-1].target.tempo_bpm > arc_target(209.0, DURATION_S).tempo_bpm + 3.0


def test_policy_first_contact_is_not_called_back(stress):
    decisions = play(ControlPolicy(), [None] * 30 + [0.8] * 30, stress)
    assert all(Reason.SENSORS_BACK not in decision.reasons for decision in decisions)


def test_policy_meets_the_heart_rate_at_the_start(heart):
    decision = ControlPolicy().update(1000.0, 0.0, DURATION_S, None, heart(999.5, 84.0))
    assert decision.target.tempo_bpm == pytest.approx(84.0)
    assert Reason.MEET in decision.reasons


def test_policy_meets_a_stressed_patient_at_once(stress):
    decision = ControlPolicy().update(1000.0, 0.0, DURATION_S, stress(1000.0, 1.0), None)
    assert decision.target.tempo_bpm == pytest.approx(76.0 + BEND.tempo_bpm)


def test_policy_glides_to_a_heart_rate_that_comes_later(heart):
    policy = ControlPolicy()
    reasons, tempos = [], []
    for second in range(200):
        decision = policy.update(1000.0 + second, second, DURATION_S, None,
                                 heart(1000.0 + second, 88.0) if second >= 30 else None)
        reasons.append(decision.reasons)
        tempos.append(decision.target.tempo_bpm)
    assert Reason.MEET in reasons[30]
    assert Reason.SLEW_LIMIT in reasons[31]
    assert max(b - a for a, b in pairwise(tempos)) <= SLEW_PER_S.tempo_bpm + 1e-9
    assert tempos[-1] == pytest.approx(arc_target(199.0, DURATION_S, 88.0).tempo_bpm)


def test_policy_keeps_its_entry_once_met_and_ignores_a_late_heart(heart):
    met, late = ControlPolicy(), ControlPolicy()
    met.update(1000.0, 0.0, DURATION_S, None, heart(1000.0, 80.0))
    met.update(1001.0, 1.0, DURATION_S, None, heart(1001.0, 62.0))
    late.update(1000.0, 0.0, DURATION_S, None, None)
    late.update(1091.0, 91.0, DURATION_S, None, heart(1091.0, 62.0))
    assert met.state().entry_bpm == 80.0
    assert late.state().entry_bpm == 76.0


@pytest.mark.parametrize(("hr_bpm", "quality", "age_s"), [
    (20.0, 0.9, 0.0), (240.0, 0.9, 0.0), (math.nan, 0.9, 0.0), (70.0, 0.39, 0.0), (70.0, 0.9, 5.5),
    (70.0, math.nan, 0.0),
])
def test_policy_refuses_a_heart_rate_it_cannot_trust(heart, hr_bpm, quality, age_s):
    assert known_heart_rate(heart(100.0, hr_bpm, quality), 100.0 + age_s) is None


def test_policy_without_pulse_knows_no_heart_rate(heart):
    assert known_heart_rate(None, 100.0) is None
    assert known_heart_rate(msgspec.structs.replace(heart(100.0, 70.0), ppg=None), 100.0) is None


def test_policy_resumed_goes_on_from_where_it_was(stress):
    policy = ControlPolicy(HELD, Reason.RESUMED)
    decision = policy.update(5000.0, 300.0, DURATION_S, stress(5000.0, 0.8), None)
    assert decision.target == HELD.target
    assert decision.reasons[0] is Reason.RESUMED
    after = policy.state()
    assert (after.entry_bpm, after.met) == (82.0, True)
    assert after.level == pytest.approx(0.8, abs=0.05)


def test_policy_says_for_3_s_that_it_resumed():
    policy = ControlPolicy(HELD, Reason.RESUMED)
    told = [Reason.RESUMED in policy.update(5000.0 + second, 300.0 + second, DURATION_S, None, None).reasons
            for second in range(6)]
    assert told == [True, True, True, False, False, False]


def test_policy_of_a_new_session_over_fading_music_starts_there_but_meets_anew(heart):
    policy = ControlPolicy(HELD)
    decision = policy.update(5000.0, 0.0, DURATION_S, None, heart(5000.0, 66.0))
    assert decision.target == HELD.target
    assert decision.reasons[0] is Reason.MEET
    assert policy.state().entry_bpm == 66.0


def test_policy_has_no_state_before_the_first_update():
    assert ControlPolicy().state() is None


STEPS = st.lists(
    st.tuples(st.floats(0.02, 5.0), st.one_of(st.none(), st.floats(0.0, 1.0)), st.floats(0.0, 1.0)),
    min_size=2, max_size=80,
)


@settings(max_examples=150, deadline=None)
@given(steps=STEPS, minutes=st.floats(1.0, 90.0))
def test_policy_never_leaves_bounds_slew_limits_or_the_arcs_neighbourhood(steps, minutes):
    policy = ControlPolicy()
    at_s, before, arc_before = 1000.0, None, None
    for passed_s, level, confidence in steps:
        at_s += passed_s
        estimate = Stress(at_s=at_s, level=level, confidence=confidence, band=StressBand.UNKNOWN, sources=(),
                          reason="")
        decision = policy.update(at_s, at_s - 1000.0, 60.0 * minutes, estimate, None)
        arc = arc_target(at_s - 1000.0, 60.0 * minutes)
        assert decision.reasons
        for name in NAMES:
            value = getattr(decision.target, name)
            assert getattr(LOWEST, name) <= value <= getattr(HIGHEST, name)
            if before is not None:
                assert abs(value - getattr(before, name)) <= getattr(SLEW_PER_S, name) * passed_s + 1e-9
        near_bpm = abs(BEND.tempo_bpm) + abs(arc.tempo_bpm - (arc_before or arc).tempo_bpm)
        assert abs(decision.target.tempo_bpm - arc.tempo_bpm) <= near_bpm + 1e-6
        before, arc_before = decision.target, arc


def test_policy_says_why_whenever_a_target_leaves_the_arcs_own_movement(stress):
    levels = [0.5] * 100 + [0.95] * 60 + [None] * 90 + [0.1] * 100
    decisions = play(ControlPolicy(), levels, stress)
    for second, (before, after) in enumerate(pairwise(decisions)):
        arcs = [arc_target(at_s, DURATION_S).tempo_bpm for at_s in (second, second + 1)]
        own_bpm = after.target.tempo_bpm - before.target.tempo_bpm - (arcs[1] - arcs[0])
        if abs(own_bpm) > 1e-4:
            assert set(after.reasons) - {Reason.ARC}, second
    said = {reason for decision in decisions for reason in decision.reasons}
    assert {Reason.ARC, Reason.MEET, Reason.STRESS_UP, Reason.STRESS_DOWN, Reason.STRESS_UNKNOWN,
            Reason.SENSORS_BACK} <= said


def test_policy_names_the_bound_it_hits(stress):
    wild = msgspec.structs.replace(HELD, target=msgspec.structs.replace(HELD.target, percussiveness=0.9))
    decision = ControlPolicy(wild, Reason.RESUMED).update(1.0, 300.0, DURATION_S, stress(1.0, 0.8), None)
    assert decision.target.percussiveness == HIGHEST.percussiveness
    assert Reason.BOUND in decision.reasons


def test_policy_is_repeatable(stress):
    levels = [0.5, 0.9, None, 0.2] * 50
    assert play(ControlPolicy(), levels, stress) == play(ControlPolicy(), levels, stress)
