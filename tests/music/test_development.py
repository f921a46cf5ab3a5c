"""What a phrase makes of its theme, and how it closes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.music.development import (
    CADENCE_BEAT,
    bars_after,
    broadened,
    cadence,
    developed,
    led_home,
    stated_before_invention,
)
from device.music.form import Plan
from device.music.motif import Shape, Step, placed
from device.music.theme import Theme

A: Shape = (Step(0, 0.0, 1.0), Step(1, 1.0, 1.0), Step(2, 2.0, 2.0))
B: Shape = (Step(4, 0.0, 2.0), Step(3, 2.0, 2.0))
C: Shape = (Step(1, 0.0, 4.0),)
THEME = Theme((*placed(A, 0), *placed(B, 1), *placed(C, 2)))


def bars(plan: Plan, seed: int = 0) -> list[Shape]:
    found = developed(THEME, plan, np.random.default_rng(seed))
    assert found is not None
    assert len(found) == 3
    return found


def rises(bar: Shape) -> list[int]:
    return [step.rise for step in bar]


def test_developed_states_the_theme() -> None:
    assert bars(Plan.STATEMENT) == [A, B, C]


def test_developed_varies_few_tones() -> None:
    found = bars(Plan.VARIATION)
    assert [[step.start_beat for step in bar] for bar in found] == [
        [step.start_beat for step in bar] for bar in (A, B, C)]
    changed = [one.rise != other.rise for bar, old in zip(found, (A, B, C), strict=True)
               for one, other in zip(bar, old, strict=True)]
    assert 1 <= sum(changed) <= 2


@pytest.mark.parametrize("seed", range(4))
def test_developed_moves_a_sequence_one_way(seed: int) -> None:
    first, second, third = bars(Plan.SEQUENCE, seed)
    step = second[0].rise - first[0].rise
    assert abs(step) == 1
    assert rises(second) == [rise + step for rise in rises(A)]
    assert rises(third) == [rise + 2 * step for rise in rises(A)]


def test_developed_mirrors_reverses_and_stretches() -> None:
    assert [rises(bar) for bar in bars(Plan.MIRROR)] == [[0, -1, -2], [4, 5], [1]]
    assert [rises(bar) for bar in bars(Plan.RETROGRADE)] == [[4, 3], [2, 1, 0], [0, 1, 2]]
    first, second, third = bars(Plan.AUGMENTATION)
    assert first == (Step(0, 0.0, 2.0), Step(1, 2.0, 2.0))
    assert second == (Step(2, 0.0, 4.0),)
    assert third == B


def test_developed_calls_rests_and_answers_lower() -> None:
    call, answer, both = bars(Plan.CALL)
    assert max(step.start_beat + step.beats for step in call) <= 3.0
    assert rises(answer) == [rise - 3 for rise in rises(call)]
    assert both == A


@pytest.mark.parametrize("plan", [Plan.ANSWER, Plan.FREE])
def test_developed_leaves_invention_to_the_source(plan: Plan) -> None:
    assert developed(THEME, plan, np.random.default_rng(0)) is None
    stated = stated_before_invention(THEME, plan)
    assert stated == ((*placed(A, 0), *placed(B, 1)) if plan is Plan.ANSWER else ())


def test_bars_after_joins_what_was_stated_and_invented() -> None:
    assert bars_after(stated_before_invention(THEME, Plan.ANSWER), placed(C, 2)) == [A, B, C]


def test_developed_survives_a_theme_with_an_empty_bar() -> None:
    empty = Theme((*placed(A, 0), *placed(C, 2)))
    for plan in Plan:
        found = developed(empty, plan, np.random.default_rng(0))
        assert found is None or len(found) == 3


def test_broadened_says_half_in_notes_twice_as_long() -> None:
    assert broadened([A, B, C]) == [
        (Step(0, 0.0, 2.0), Step(1, 2.0, 2.0)), (Step(2, 0.0, 4.0),), (Step(4, 0.0, 4.0),)]


@given(st.lists(st.integers(-9, 9), min_size=1, max_size=4), st.integers(-9, 9), st.floats(0.3, 5.0),
       st.floats(1.0, 2.5), st.integers(0, 2**31))
def test_cadence_ends_on_a_goal_on_a_strong_beat_and_breathes(
    goals: list[int], last: int, per_bar: float, breath: float, seed: int,
) -> None:
    shape = cadence(tuple(goals), last, per_bar, breath, np.random.default_rng(seed))
    final = shape[-1]
    assert final.rise in goals
    assert final.start_beat in (CADENCE_BEAT, CADENCE_BEAT + 2.0)
    assert 1.0 <= final.beats <= 3.0
    assert final.start_beat + final.beats <= 15.0
    assert shape[0].start_beat == CADENCE_BEAT


def test_cadence_is_led_up_to_in_busy_music_only() -> None:
    def lengths(per_bar: float) -> list[int]:
        return [len(cadence((0,), 1, per_bar, 1.0, np.random.default_rng(seed))) for seed in range(200)]

    assert set(lengths(1.0)) == {1}
    assert 1.2 < np.mean(lengths(2.5)) < np.mean(lengths(4.5))


@pytest.mark.parametrize(("goal", "expected"), [(0, 1), (5, 4)])
def test_led_home_comes_by_step_from_its_own_side(goal: int, expected: int) -> None:
    assert rises(led_home(A, goal)) == [0, 1, expected]
    assert led_home(C, goal) == C
