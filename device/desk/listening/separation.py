"""How far tense and calm renderings are apart, feature by feature (Williams 2020: W20 of the seeds).

The effect is the difference of the means over the windows in pooled standard deviations (Cohen 1988);
0.8 and more is a large one. Windows of one session resemble each other, so an effect here says how far
apart two renderings are and nothing on significance.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

from device.desk.listening.hearing import Hearing

Floats = NDArray[np.float64]

FEATURES = ("loudness_lufs", "centroid_hz", "bright_share", "onsets_per_s", "roughness", "pulse_clarity",
            "tempo_bpm", "flux_db")
LARGE = 0.8  # Cohen (1988)
ENOUGH = 4  # independent features that must separate
ALIKE = 0.7  # features that correlate more than this within the renderings count once
FEWEST = 4  # windows of either
STEADY_SHARE = 0.01  # of the mean: the least standard deviation, so that a constant does not divide by 0


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """One feature: means over the windows, effect (tense minus calm) and whether it counts."""

    feature: str
    calm: float
    tense: float
    effect: float
    large: bool
    independent: bool


def separate(calm: Hearing, tense: Hearing) -> list[Effect]:
    """Return the effects, largest first; `independent` marks large ones unlike those before them.

    Raises:
        ValueError: a rendering has fewer than 4 windows.
    """
    if min(calm.start_s.size, tense.start_s.size) < FEWEST:
        raise ValueError("fewer than 4 windows of 10 s: listen for longer")
    pairs = {name: (_known(calm, name), _known(tense, name)) for name in FEATURES}
    sized = {name: effect_size(*pair) for name, pair in pairs.items() if min(map(len, pair)) >= FEWEST}
    counted: list[str] = []
    effects = []
    for name in sorted(sized, key=lambda each: -abs(sized[each])):
        large = abs(sized[name]) >= LARGE
        new = large and all(abs(_likeness(calm, tense, name, other)) <= ALIKE for other in counted)
        counted += [name] if new else []
        low, high = (float(values.mean()) for values in pairs[name])
        effects.append(Effect(feature=name, calm=low, tense=high, effect=sized[name], large=large,
                              independent=new))
    return effects


def effect_size(one: Floats, other: Floats) -> float:
    """Return Cohen's d of `other` over `one` with the pooled standard deviation."""
    variance = (one.size - 1) * one.var(ddof=1) + (other.size - 1) * other.var(ddof=1)
    pooled = float(np.sqrt(variance / (one.size + other.size - 2)))
    least = STEADY_SHARE * max(abs(float(one.mean())), abs(float(other.mean())), 1e-9)
    return float(other.mean() - one.mean()) / max(pooled, least)


def independent(effects: list[Effect]) -> int:
    """Return on how many independent features two renderings separate."""
    return sum(effect.independent for effect in effects)


def _known(hearing: Hearing, name: str) -> Floats:
    """Return the windows in which a feature is known."""
    values: Floats = getattr(hearing, name)
    known: Floats = values[np.isfinite(values)]
    return known


def _likeness(calm: Hearing, tense: Hearing, one: str, other: str) -> float:
    """Return the correlation of two features within the renderings, their means taken off."""
    columns: Mapping[str, list[Floats]] = {
        name: [getattr(each, name) - np.nanmean(getattr(each, name)) for each in (calm, tense)]
        for name in (one, other)}
    left, right = (np.concatenate(columns[name]) for name in (one, other))
    known = np.isfinite(left) & np.isfinite(right)
    if known.sum() < FEWEST or np.ptp(left[known]) == 0 or np.ptp(right[known]) == 0:
        return 0.0
    return float(np.corrcoef(left[known], right[known])[0, 1])
