"""Bounds, slew limits and the bend hold for every parameter."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.control.limits import BEND, HIGHEST, LOWEST, SLEW_PER_S, bend, bound, differ, slew
from device.messages import MusicalTarget

NAMES = MusicalTarget.__struct_fields__
TARGETS = st.builds(
    MusicalTarget,
    **{name: st.floats(-2.0, 2.0) for name in NAMES if name != "tempo_bpm"},
    tempo_bpm=st.floats(-50.0, 250.0),
)
MIDDLE = MusicalTarget(pitch=0.5, tempo_bpm=70.0, timbre=0.4, intensity=0.5, density=0.4, percussiveness=0.2)


@given(target=TARGETS)
def test_limits_bound_keeps_every_parameter_inside(target):
    safe = bound(target)
    for name in NAMES:
        assert getattr(LOWEST, name) <= getattr(safe, name) <= getattr(HIGHEST, name)


@given(target=TARGETS)
def test_limits_bound_leaves_safe_targets_alone(target):
    assert bound(bound(target)) == bound(target)


def test_limits_bounds_lie_inside_what_the_message_allows():
    assert LOWEST.tempo_bpm >= 50.0
    assert HIGHEST.tempo_bpm <= 90.0
    for name in NAMES:
        if name != "tempo_bpm":
            assert 0.0 <= getattr(LOWEST, name) < getattr(HIGHEST, name) <= 1.0


@given(before=TARGETS, wanted=TARGETS, elapsed_s=st.floats(0.0, 100.0))
def test_limits_slew_never_moves_faster_than_the_table(before, wanted, elapsed_s):
    after = slew(before, wanted, elapsed_s)
    for name in NAMES:
        moved = abs(getattr(after, name) - getattr(before, name))
        assert moved <= getattr(SLEW_PER_S, name) * elapsed_s + 1e-9


@given(before=TARGETS, wanted=TARGETS, elapsed_s=st.floats(0.0, 100.0))
def test_limits_slew_never_overshoots(before, wanted, elapsed_s):
    after = slew(before, wanted, elapsed_s)
    for name in NAMES:
        low, high = sorted((getattr(before, name), getattr(wanted, name)))
        assert low <= getattr(after, name) <= high


def test_limits_slew_reaches_a_near_goal_exactly():
    near = msgspec.structs.replace(MIDDLE, tempo_bpm=70.1)
    assert slew(MIDDLE, near, 1.0) == near


def test_limits_intensity_slew_stays_under_one_db_a_second_for_50_db():
    assert SLEW_PER_S.intensity * 50.0 <= 1.0


def test_limits_tempo_slew_covers_arc_and_bend_taken_back_in_a_minute():
    assert SLEW_PER_S.tempo_bpm * 60.0 == pytest.approx(2.0 + BEND.tempo_bpm)


@pytest.mark.parametrize(("share", "tempo_bpm", "intensity", "percussiveness"), [
    (-1.0, 64.0, 0.4, 0.25), (0.0, 70.0, 0.5, 0.2), (0.5, 73.0, 0.55, 0.175), (1.0, 76.0, 0.6, 0.15),
])
def test_limits_bend_meets_stress_with_tempo_and_softer_onsets(share, tempo_bpm, intensity, percussiveness):
    bent = bend(MIDDLE, share)
    assert bent.tempo_bpm == pytest.approx(tempo_bpm)
    assert bent.intensity == pytest.approx(intensity)
    assert bent.percussiveness == pytest.approx(percussiveness)


def test_limits_differ_tells_movement_from_rounding():
    assert not differ(MIDDLE, msgspec.structs.replace(MIDDLE, pitch=0.5 + 1e-12))
    assert differ(MIDDLE, msgspec.structs.replace(MIDDLE, density=0.41))
