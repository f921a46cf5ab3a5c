"""Fuller music that meets stress in vain gives its fullness up; the rest of the bend stays."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest

from device.control.arc import arc_target
from device.control.guard import PATIENCE_S, TURN_S, Guard
from device.control.limits import BEND, SLEW_PER_S, bend
from device.control.policy import ControlPolicy
from device.messages import MusicalTarget, Reason

ARC = arc_target(600.0, 1200.0)
DURATION_S = 1200.0


def fed(shares, guard=None):
    """Feed a guard one share a second."""
    guard = guard or Guard()
    for share in shares:
        guard.follow(share, 1.0)
    return guard


def play(policy, levels, stress, start_s=0.0):
    return [policy.update(1000.0 + at_s, at_s, DURATION_S, stress(1000.0 + at_s, level), None)
            for at_s, level in ((start_s + second, level) for second, level in enumerate(levels))]


def off_arc(decision, elapsed_s):
    """How far a decision is from the arc."""
    arc = arc_target(elapsed_s, DURATION_S)
    pairs = zip(MusicalTarget.__struct_fields__, msgspec.structs.astuple(decision.target),
                msgspec.structs.astuple(arc), strict=True)
    return {name: value - own for name, value, own in pairs}


@pytest.mark.parametrize("share", [-1.0, -0.4, 0.0, 0.3, 1.0])
def test_guard_changes_nothing_within_its_patience(share):
    guard = fed([share] * int(PATIENCE_S))
    assert guard.turned == 0.0
    assert guard.bend(ARC, share) == bend(ARC, share)
    assert not guard.gives_way(share)


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_guard_takes_loudness_and_notes_back_to_the_arc_and_nothing_else(share):
    guard = fed([share] * int(PATIENCE_S + TURN_S))
    led, met = guard.bend(ARC, share), bend(ARC, share)
    assert guard.gives_way(share)
    assert led.intensity == pytest.approx(ARC.intensity)
    assert led.density == pytest.approx(ARC.density)
    assert (led.pitch, led.tempo_bpm, led.timbre, led.percussiveness) == (
        met.pitch, met.tempo_bpm, met.timbre, met.percussiveness)


def test_guard_turns_evenly():
    guard = fed([0.8] * int(PATIENCE_S + TURN_S / 3))
    assert guard.turned == pytest.approx(1 / 3)
    assert guard.bend(ARC, 0.8).intensity == pytest.approx(ARC.intensity + 0.8 * BEND.intensity * 2 / 3)


def test_guard_does_not_wait_through_a_fall():
    falling = [1.0 - second / 500 for second in range(450)]
    assert fed(falling).turned == 0.0


def test_guard_counts_a_rise():
    rising = [0.1 + second / 500 for second in range(300)]
    assert fed(rising).turned == 1.0


def test_guard_never_touches_a_calm_bend():
    guard = fed([1.0] * 600)
    assert guard.bend(ARC, -0.7) == bend(ARC, -0.7)
    assert not guard.gives_way(-0.7)


def test_guard_forgets_at_the_rate_at_which_it_learnt():
    guard = fed([1.0] * 600)
    fed([-0.2] * 100, guard)
    assert guard.in_vain_s == pytest.approx(PATIENCE_S + TURN_S - 100)
    fed([-0.2] * 600, guard)
    assert guard.in_vain_s == 0.0


def test_guard_does_not_depend_on_the_step():
    coarse, fine = Guard(), fed([0.6] * 400)
    for _ in range(80):
        coarse.follow(0.6, 5.0)
    assert coarse.turned == fine.turned == 1.0


# -- in the policy --------------------------------------------------------------------------------------


def test_policy_gives_way_to_stress_that_does_not_fall_and_says_so(stress):
    decisions = play(ControlPolicy(), [0.9] * 600, stress)
    early, late = off_arc(decisions[150], 150.0), off_arc(decisions[599], 599.0)
    assert early["intensity"] > 0.05
    assert early["density"] > 0.08
    assert late["intensity"] == pytest.approx(0.0, abs=1e-6)
    assert late["density"] == pytest.approx(0.0, abs=1e-6)
    assert late["tempo_bpm"] > 1.6
    said = [second for second, one in enumerate(decisions) if Reason.GIVE_WAY in one.reasons]
    assert said[0] == pytest.approx(PATIENCE_S, abs=10)
    assert said == list(range(said[0], 600))


def test_policy_gives_way_slowly(stress):
    decisions = play(ControlPolicy(), [0.95] * 600, stress)[150:300]
    steps = [abs(b.target.intensity - a.target.intensity)
             for a, b in pairwise(decisions)]
    assert max(steps) < SLEW_PER_S.intensity / 5


def test_policy_follows_calm_at_once_after_it_gave_way(stress):
    policy = ControlPolicy()
    play(policy, [0.95] * 600, stress)
    later = play(policy, [0.1] * 60, stress, 600.0)
    assert off_arc(later[-1], 659.0)["intensity"] < -0.05
    assert Reason.GIVE_WAY not in later[-1].reasons


def test_policy_goes_on_giving_way_after_a_restart(stress):
    first = ControlPolicy()
    before = play(first, [0.9] * 400, stress)[-1]
    state = msgspec.json.decode(msgspec.json.encode(first.state()), type=type(first.state()))
    after = play(ControlPolicy(state, Reason.RESUMED), [0.9] * 10, stress, 400.0)
    assert all(Reason.GIVE_WAY in one.reasons for one in after)
    assert after[-1].target.intensity == pytest.approx(before.target.intensity, abs=0.01)
