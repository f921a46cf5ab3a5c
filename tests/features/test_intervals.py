"""Artefact correction of inter-beat intervals, and the statistics over them."""

from __future__ import annotations

import numpy as np
import pytest

from device.features.intervals import heart_rate, intervals_of, variability

STEADY = np.cumsum(0.8 + 0.02 * np.sin(np.arange(60)))


def corrected(at_s, bad=()):
    good = np.ones(at_s.size, dtype=bool)
    good[list(bad)] = False
    return intervals_of(at_s, good)


def test_intervals_of_clean_beats_are_left_alone():
    found = corrected(STEADY)
    assert found.trusted.all()
    assert not found.corrected.any()
    np.testing.assert_allclose(found.ibi_s, np.diff(STEADY))
    ibi = np.diff(STEADY)
    assert heart_rate(found) == pytest.approx(60.0 / ibi.mean(), abs=0.3)
    rmssd_ms, sdnn_ms = variability(found)
    assert rmssd_ms == pytest.approx(1000 * np.sqrt(np.mean(np.diff(ibi) ** 2)))
    assert sdnn_ms == pytest.approx(1000 * ibi.std(ddof=1))


@pytest.mark.parametrize("missing", [[30], [30, 31]])
def test_intervals_get_missed_beats_put_in(missing):
    found = corrected(np.delete(STEADY, missing))
    assert found.ibi_s.size == STEADY.size - 1
    assert found.corrected.sum() == len(missing) + 1
    assert found.trusted.all()
    assert found.ibi_s.max() < 0.9


@pytest.mark.parametrize("bad", [(), (31,)])
def test_intervals_lose_an_extra_beat(bad):
    found = corrected(np.insert(STEADY, 31, STEADY[30] + 0.35), bad)
    assert found.ibi_s.size == STEADY.size - 1
    assert found.corrected.sum() == 1
    assert found.ibi_s.min() > 0.7


def test_intervals_around_an_ectopic_beat_are_evened_out():
    at_s = STEADY.copy()
    at_s[30] -= 0.3
    found = corrected(at_s)
    assert found.corrected.sum() == 2
    assert found.trusted.all()
    assert variability(found)[0] == pytest.approx(variability(corrected(STEADY))[0], rel=0.1)


def test_intervals_that_fit_no_pattern_are_dropped():
    at_s = np.concatenate((STEADY[:30], STEADY[30:] + 0.37))
    found = corrected(at_s)
    assert np.flatnonzero(~found.trusted).tolist() == [29]
    assert heart_rate(found) == pytest.approx(75.0, abs=0.5)


def test_variability_is_none_with_few_pairs():
    assert variability(corrected(STEADY[:14])) == (None, None)
    assert variability(corrected(STEADY[:18]))[0] is not None


def test_intervals_of_random_beats_are_hardly_trusted():
    random = np.random.default_rng(1)
    found = corrected(np.cumsum(random.uniform(0.3, 1.5, 400)))
    assert found.ibi_s[found.trusted].sum() / found.ibi_s.sum() < 0.25


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_intervals_of_few_beats_are_not_trusted(count):
    assert not corrected(STEADY[:count]).trusted.any()
