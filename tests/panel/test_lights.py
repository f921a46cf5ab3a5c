"""The light says what its table says, calmly: no edge, no flash above 2 Hz."""

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.messages import LightPattern
from device.panel import lights
from device.panel.lights import CHANGE_PER_S, SHAPES, Light, rgb_of

PATTERNS = st.sampled_from(list(LightPattern))
STEP_S = 0.02
LIT = [pattern for pattern in LightPattern if pattern is not LightPattern.OFF]


def series(pattern, seconds):
    return [rgb_of(pattern, tick * STEP_S) for tick in range(round(seconds / STEP_S))]


def flashes_per_s(colours, depth=0.1):
    """Return the largest number of opposing brightness changes of 10 % in any second, halved."""
    turns, extreme, direction = [], max(colours[0]), 0
    for tick, colour in enumerate(colours):
        level = max(colour)
        if direction >= 0 and level < extreme - depth:
            turns.append(tick * STEP_S)
            direction, extreme = -1, level
        elif direction <= 0 and level > extreme + depth:
            turns.append(tick * STEP_S)
            direction, extreme = 1, level
        elif direction * (level - extreme) > 0 or direction == 0:
            extreme = level if direction else extreme
    return max((sum(start <= turn < start + 1.0 for turn in turns) for start in turns), default=0) / 2


def test_lights_table_has_every_pattern_and_stands_in_the_documentation():
    assert set(SHAPES) == set(LightPattern)
    for pattern in LightPattern:
        assert f"| `{pattern.name}` |" in lights.__doc__


@given(pattern=PATTERNS, since_s=st.floats(0.0, 1e6), fade_s=st.floats(0.1, 60.0))
def test_lights_colours_are_shares(pattern, since_s, fade_s):
    assert all(0.0 <= part <= 1.0 for part in rgb_of(pattern, since_s, fade_s))


@pytest.mark.parametrize(("pattern", "strongest", "dark"), [
    (LightPattern.READY, 1, 0), (LightPattern.STARTING, 2, 0), (LightPattern.PLAYING, 2, 0),
    (LightPattern.ENDING, 2, 0), (LightPattern.ATTENTION, 0, 2), (LightPattern.PLAYING_ATTENTION, 0, 2),
    (LightPattern.FAULT, 0, 1), (LightPattern.RATING, 2, 0),
])
def test_lights_hue_of_each_pattern(pattern, strongest, dark):
    colour = rgb_of(pattern, 0.5)
    assert colour[strongest] == max(colour) > 0.0
    assert colour[dark] == 0.0


def test_lights_amber_is_neither_red_nor_green():
    red, green, _ = rgb_of(LightPattern.ATTENTION, 0.0)
    assert 0.3 < green / red < 0.7


@pytest.mark.parametrize("pattern", LIT)
def test_lights_every_pattern_but_off_is_never_dark(pattern):
    assert min(max(colour) for colour in series(pattern, 20.0)) > 0.0


@pytest.mark.parametrize("pattern", [LightPattern.OFF, LightPattern.READY, LightPattern.ATTENTION])
def test_lights_steady_patterns_stand_still(pattern):
    assert len(set(series(pattern, 20.0))) == 1


@pytest.mark.parametrize(("pattern", "period_s"), [
    (LightPattern.STARTING, 1.0), (LightPattern.PLAYING, 10.0), (LightPattern.PLAYING_ATTENTION, 10.0),
    (LightPattern.FAULT, 2.0), (LightPattern.RATING, 4.0),
])
def test_lights_moving_patterns_repeat_with_their_period(pattern, period_s):
    for since_s in (0.0, 0.3, 1.7):
        assert rgb_of(pattern, since_s) == pytest.approx(rgb_of(pattern, since_s + period_s))


@pytest.mark.parametrize(("pattern", "period_s"), [
    (LightPattern.STARTING, 1.0), (LightPattern.PLAYING, 10.0), (LightPattern.FAULT, 2.0),
])
def test_lights_breaths_are_brightest_in_the_middle(pattern, period_s):
    assert max(rgb_of(pattern, period_s / 2)) > 2 * max(rgb_of(pattern, 0.0))


def test_lights_question_for_a_rating_is_two_pulses_and_a_pause():
    levels = [max(colour) for colour in series(LightPattern.RATING, 4.0)]
    peaks = [tick * STEP_S for tick in range(1, 199)
             if levels[tick] > 0.45 and levels[tick - 1] < levels[tick] >= levels[tick + 1]]
    assert peaks == pytest.approx([0.4, 1.2], abs=STEP_S)
    assert {round(level, 6) for level in levels[81:]} == {0.1}


def test_lights_ending_fades_with_the_music():
    levels = [max(rgb_of(LightPattern.ENDING, since_s, 20.0)) for since_s in range(25)]
    assert all(a >= b for a, b in pairwise(levels))
    assert levels[20] == levels[24] < levels[0] / 4


@pytest.mark.parametrize("pattern", list(LightPattern))
def test_lights_no_pattern_flashes_faster_than_2_hz(pattern):
    assert flashes_per_s(series(pattern, 20.0)) <= 2.0


def test_lights_flash_counter_sees_a_fast_flash():
    fast = [(float(tick // 5 % 2), 0.0, 0.0) for tick in range(500)]
    assert flashes_per_s(fast) == pytest.approx(5.0, abs=0.5)


def test_lights_nothing_flashes_when_patterns_flap():
    chance = random.Random(2)
    light = Light()
    for every in (1, 2, 7, 13, 25):
        colours = []
        for tick in range(3000):
            if tick % every == 0:
                pattern = chance.choice(list(LightPattern))
            colours.append(light.update(pattern, 100.0 + every * 1000 + tick * STEP_S))
        assert flashes_per_s(colours) <= 2.0


@settings(deadline=None)
@given(wanted=st.lists(st.tuples(PATTERNS, st.floats(0.001, 2.0)), min_size=2, max_size=50))
def test_lights_change_without_edges(wanted):
    light, at_s, before = Light(), 100.0, None
    for pattern, passed_s in wanted:
        at_s += passed_s
        colour = light.update(pattern, at_s)
        if before is not None:
            for a, b in zip(before, colour, strict=True):
                assert abs(a - b) <= CHANGE_PER_S * passed_s + 1.01 / 255
        before = colour


def test_lights_answer_a_new_pattern_in_the_very_next_update():
    light = Light()
    for tick in range(100):
        before = light.update(LightPattern.READY, 100.0 + tick * STEP_S)
    after = light.update(LightPattern.STARTING, 102.0)
    assert light.pattern is LightPattern.STARTING
    assert after != before


def test_lights_keep_a_pattern_for_three_quarters_of_a_second():
    light = Light()
    light.update(LightPattern.READY, 100.0)
    light.update(LightPattern.FAULT, 100.7)
    assert light.pattern is LightPattern.READY
    light.update(LightPattern.FAULT, 100.76)
    assert light.pattern is LightPattern.FAULT


def test_lights_settle_on_the_table():
    light = Light()
    for tick in range(200):
        colour = light.update(LightPattern.ATTENTION, 100.0 + tick * STEP_S)
    assert colour == pytest.approx(rgb_of(LightPattern.ATTENTION, 1.0), abs=1 / 255)
