"""How far apart two renderings are, and which features count once only."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from device.desk.listening.separation import FEATURES, effect_size, independent, separate


def test_separation_effect_is_the_difference_in_pooled_deviations():
    rng = np.random.default_rng(1)
    one, other = rng.normal(10.0, 2.0, 4000), rng.normal(13.0, 2.0, 4000)
    assert effect_size(one, other) == pytest.approx(1.5, abs=0.1)
    assert effect_size(other, one) == pytest.approx(-1.5, abs=0.1)
    assert effect_size(np.full(10, 2.0), np.full(10, 2.0)) == 0.0
    assert np.isfinite(effect_size(np.full(10, 2.0), np.full(10, 3.0)))


def test_separation_of_the_same_music_is_small(hearing_of):
    effects = separate(hearing_of(1, windows=40), hearing_of(2, windows=40))
    assert len(effects) == len(FEATURES)
    assert independent(effects) == 0


def test_separation_counts_features_that_move(hearing_of):
    effects = separate(hearing_of(1, windows=30), hearing_of(2, shift=3.0, windows=30))
    assert independent(effects) == len(FEATURES)
    assert all(2.0 < each.effect < 4.5 for each in effects)
    sizes = [abs(each.effect) for each in effects]
    assert sizes == sorted(sizes, reverse=True)


def test_separation_counts_alike_features_once(hearing_of):
    calm, tense = hearing_of(1, windows=30), hearing_of(2, shift=3.0, windows=30)
    one, other = (msgspec.structs.replace(each, **dict.fromkeys(FEATURES, each.loudness_lufs))
                  for each in (calm, tense))
    same = separate(one, other)
    assert all(each.large for each in same)
    assert independent(same) == 1


def test_separation_leaves_silent_windows_out(hearing_of):
    calm, tense = hearing_of(1, windows=30), hearing_of(2, shift=3.0, windows=30)
    tense.roughness[:5] = np.nan
    effects = {each.feature: each for each in separate(calm, tense)}
    assert np.isfinite(effects["roughness"].effect)
    tense.roughness[:] = np.nan
    assert "roughness" not in {each.feature for each in separate(calm, tense)}


def test_separation_needs_four_windows(hearing_of):
    with pytest.raises(ValueError, match="listen for longer"):
        separate(hearing_of(1, windows=3), hearing_of(2, windows=12))
