"""What a phrase makes of its theme: the three bars before the cadence, and the cadence itself."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from device.music.form import Plan
from device.music.harmony import BEATS_PER_BAR, PROGRESSION_BARS
from device.music.motif import (
    Shape,
    Step,
    bar_of,
    headed,
    inverted,
    placed,
    reversed_pitches,
    shifted,
    stretched,
    varied,
)
from device.music.theme import THEME_BARS, Theme

CADENCE_BEAT = float((PROGRESSION_BARS - 1) * BEATS_PER_BAR)
_ANSWER_LOWER = 3  # scale steps by which a call's answer lies lower
_HEAD_BEATS = 3.0

# Approaches in scale steps over the last tone, and the beat of the bar where that one falls: always a
# strong one. The first is led up to in the bar before.
_DIRECT: tuple[tuple[int, ...], float] = ((), 0.0)
_ENDS = (((2, 1), 2.0), ((2, 1), 2.0), ((0, -1), 2.0), ((0, 1), 2.0), ((4, 2), 2.0))
_APPROACH_FROM, _APPROACH_FULL = 1.2, 3.2  # tones per bar between which approaches become usual


def developed(theme: Theme, plan: Plan, rng: np.random.Generator) -> list[Shape] | None:
    """Return three bars, or None where the plan asks for something invented (see `invented_from`)."""
    first, second, third = theme.bars
    direction = int(rng.choice((-1, 1)))
    long = stretched(first, 2.0)
    makers: dict[Plan, Callable[[], list[Shape]]] = {
        Plan.STATEMENT: lambda: [first, second, third],
        Plan.VARIATION: lambda: [first, varied(second, 1, rng), varied(third, 2, rng)],
        Plan.SEQUENCE: lambda: [first, shifted(first, direction), shifted(first, 2 * direction)],
        Plan.MIRROR: lambda: [inverted(first), inverted(second), third] if first and second else [third] * 3,
        Plan.RETROGRADE: lambda: [second, reversed_pitches(first), first],
        Plan.AUGMENTATION: lambda: [bar_of(long, 0), bar_of(long, 1), second],
        Plan.CALL: lambda: [
            headed(first, _HEAD_BEATS), shifted(headed(first, _HEAD_BEATS), -_ANSWER_LOWER), first],
    }
    return makers[plan]() if plan in makers else None


def stated_before_invention(theme: Theme, plan: Plan) -> Shape:
    """Return the bars that come before what is invented: two for an answer, none for a free phrase."""
    if plan is not Plan.ANSWER:
        return ()
    return tuple(step for bar, shape in enumerate(theme.bars[:2]) for step in placed(shape, bar))


def bars_after(stated: Shape, invented: Shape) -> list[Shape]:
    """Return stated and invented steps as three bars."""
    return [bar_of((*stated, *invented), bar) for bar in range(THEME_BARS)]


def broadened(bars: list[Shape]) -> list[Shape]:
    """Return as many bars that hold the beginning of these in notes twice as long."""
    whole = tuple(step for bar, shape in enumerate(bars) for step in placed(shape, bar))
    return [bar_of(stretched(whole, 2.0), bar) for bar in range(len(bars))]


def cadence(
    goals: tuple[int, ...], last_rise: int, per_bar: float, breath: float, rng: np.random.Generator,
) -> Shape:
    """Return the fourth bar: an approach to the last tone, that tone on a strong beat, and a breath.

    Args:
        goals: rises on which the phrase may end.
        last_rise: where the third bar ended.
        per_bar: melody tones wanted in a bar.
        breath: beats of rest at the end, 1 or more.
        rng: seeded generator.
    """
    goal = min(goals, key=lambda rise: (abs(rise - last_rise * 0.5), rise))
    usual = (per_bar - _APPROACH_FROM) / (_APPROACH_FULL - _APPROACH_FROM)
    whim, kind = rng.random(), int(rng.integers(len(_ENDS)))
    approach, falls = _ENDS[kind] if whim < usual else _DIRECT
    length = falls / max(1, len(approach))
    steps = [
        Step(goal + offset, CADENCE_BEAT + place * length, length) for place, offset in enumerate(approach)]
    last = max(1.0, min(3.0, BEATS_PER_BAR - falls - breath))
    return (*steps, Step(goal, CADENCE_BEAT + falls, last))


def led_home(bar: Shape, goal: int) -> Shape:
    """Return a bar whose last of several tones lies a step from the goal, on the side it comes from."""
    if len(bar) < 2:  # noqa: PLR2004 - a bar of one tone keeps it
        return bar
    side = 1 if bar[-2].rise >= goal else -1
    return (*bar[:-1], bar[-1]._replace(rise=goal + side))
