"""What the music does when skin conductance jumps or falls."""

import math
from itertools import pairwise

import msgspec
import pytest

from device.control.arc import arc_target
from device.control.limits import SLEW_PER_S, differ
from device.control.policy import ControlPolicy
from device.control.reaction import AFTER_FALL, AFTER_JUMP, ReactionReading, answer, known_reaction
from device.messages import MusicalTarget, Reason

DURATION_S = 1200.0
BASE = MusicalTarget(pitch=0.5, tempo_bpm=70.0, timbre=0.4, intensity=0.5, density=0.4, percussiveness=0.1)
NAMES = MusicalTarget.__struct_fields__


def play(policy, reactions, stress, start_s=0.0, level=0.5):
    """Update once a second with a reaction each."""
    return [
        policy.update(1000.0 + at_s, at_s, DURATION_S,
                      msgspec.structs.replace(stress(1000.0 + at_s, level), reaction=reaction), None)
        for at_s, reaction in ((start_s + second, one) for second, one in enumerate(reactions))
    ]


def test_reaction_answers_a_jump_softer_darker_and_sparser_at_the_same_tempo():
    moved = answer(BASE, 1.0, None)
    assert moved.percussiveness == pytest.approx(0.04)
    assert moved.timbre == pytest.approx(0.32)
    assert moved.density == pytest.approx(0.32)
    assert moved.intensity == pytest.approx(0.46)
    assert (moved.tempo_bpm, moved.pitch) == (70.0, 0.5)


def test_reaction_answers_a_fall_lower_and_with_more_room():
    moved = answer(BASE, -1.0, None)
    assert moved.pitch == pytest.approx(0.47)
    assert moved.density == pytest.approx(0.35)
    assert (moved.tempo_bpm, moved.timbre, moved.intensity, moved.percussiveness) == (70.0, 0.4, 0.5, 0.1)


@pytest.mark.parametrize("share", [-1.0, -0.5, 0.1, 1.0])
def test_reaction_never_adds_to_what_rouses(share):
    moved = answer(BASE, share, None)
    assert all(getattr(moved, name) <= getattr(BASE, name) for name in NAMES)
    assert answer(BASE, 0.0, None) is BASE


def test_reaction_to_a_jump_is_never_louder_than_what_is_heard():
    quieter = msgspec.structs.replace(BASE, intensity=0.35)
    assert answer(BASE, 0.3, quieter).intensity == 0.35
    assert answer(BASE, -0.3, quieter).intensity == 0.5


def test_reaction_fades_within_half_a_minute_however_long_the_skin_stays_up():
    reading = ReactionReading()
    shares = []
    for _ in range(40):
        reading.follow(0.8, 1.0)
        shares.append(reading.share)
    assert shares[0] == 0.8
    assert shares[10] == pytest.approx(0.8 * math.exp(-1.0))
    assert shares[29] == 0.0
    assert reading.reason is None


def test_reaction_that_grows_is_followed_and_one_that_returns_counts_anew():
    reading = ReactionReading()
    reading.follow(0.2, 1.0)
    reading.follow(0.9, 1.0)
    assert reading.share == 0.9
    for _ in range(20):
        reading.follow(0.0, 1.0)
    reading.follow(0.5, 1.0)
    assert reading.share == 0.5
    assert reading.reason is Reason.SKIN_ROSE
    reading.follow(-0.9, 1.0)
    assert reading.share == -0.9
    assert reading.reason is Reason.SKIN_FELL


def test_reaction_does_not_depend_on_how_often_it_is_read():
    fine, coarse = ReactionReading(), ReactionReading()
    for reading in (fine, coarse):
        reading.follow(1.0, 1.0)
    for _ in range(50):
        fine.follow(0.0, 0.1)
    coarse.follow(0.0, 5.0)
    assert fine.share == pytest.approx(coarse.share)


@pytest.mark.parametrize(("reaction", "age_s", "expected"), [
    (0.4, 0.0, 0.4), (-0.4, 4.9, -0.4), (0.4, 5.1, 0.0), (math.nan, 0.0, 0.0),
    (7.0, 0.0, 1.0), (-7.0, 0.0, -1.0),
])
def test_reaction_is_fresh_finite_and_bounded(stress, reaction, age_s, expected):
    estimate = msgspec.structs.replace(stress(100.0, None), reaction=reaction)
    assert known_reaction(estimate, 100.0 + age_s) == expected
    assert known_reaction(None, 100.0) == 0.0


@pytest.mark.parametrize(("reaction", "reason", "most"), [
    (1.0, Reason.SKIN_ROSE, AFTER_JUMP), (-1.0, Reason.SKIN_FELL, AFTER_FALL),
])
@pytest.mark.parametrize("level", [0.5, None])
def test_policy_bends_for_a_reaction_within_ten_seconds_and_goes_back(stress, reaction, reason, most, level):
    policy = ControlPolicy()
    play(policy, [0.0] * 120, stress, level=level)
    after = play(policy, [reaction] * 15 + [0.0] * 45, stress, 120.0, level=level)
    assert reason in after[0].reasons
    assert after[0].loop == "closed"
    for name in NAMES:
        arc = getattr(arc_target(125.0, DURATION_S), name)
        moved = getattr(after[5].target, name) - arc
        assert moved == pytest.approx(getattr(most, name) * math.exp(-0.5), abs=0.02), name
    assert all(reason in decision.reasons for decision in after[:20])
    assert not differ(after[50].target, arc_target(170.0, DURATION_S), 0.01)
    assert reason not in after[-1].reasons


def test_policy_moves_no_faster_for_a_reaction_than_the_slew_allows(stress):
    policy = ControlPolicy()
    targets = [one.target for one in play(policy, [0.0] * 60 + [1.0] * 20 + [-1.0] * 40, stress)]
    for before, after in pairwise(targets):
        for name in NAMES:
            assert abs(getattr(after, name) - getattr(before, name)) <= getattr(SLEW_PER_S, name) + 1e-9


def test_policy_gets_no_louder_while_a_jump_lasts_although_stress_rises(stress):
    policy = ControlPolicy()
    calm = play(policy, [0.0] * 120, stress, level=0.3)[-1].target
    after = play(policy, [1.0] * 20, stress, 120.0, level=0.95)
    assert max(one.target.intensity for one in after) <= calm.intensity + 1e-9
    assert any(Reason.STRESS_UP in one.reasons for one in after)
