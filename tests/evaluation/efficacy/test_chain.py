"""A person through the real chain, from volts to music, beside the same person in the fast sessions."""

from __future__ import annotations

import numpy as np
import pytest

from device.evaluation.efficacy.arms import unled
from device.evaluation.efficacy.chain import ChainCourse, chain_figures, pick, through_chain
from device.evaluation.efficacy.listeners import Listener, draw_listeners

MINUTES = 5.0
ONE = Listener(seed=21, kind="irritated", responsiveness=0.0, irritation=2.0, pace_bpm=72.0)


@pytest.fixture(scope="module")
def course():
    return through_chain(ONE, unled(round(60 * MINUTES), None), minutes=MINUTES)


def test_chain_knows_a_level_after_a_minute_or_so(course):
    known = np.isfinite(course.level)
    assert not known[:40].any()
    assert known[150:].mean() > 0.9


def test_chain_and_fast_session_are_of_the_same_person_and_near_one_another(course):
    assert course.real.shape == course.fast.shape == (301,)
    np.testing.assert_allclose(course.real[:3], course.fast[:3], atol=0.005)
    assert np.abs(course.real - course.fast).max() < 0.02
    assert course.real[-60:].mean() > course.silent[-60:].mean() + 0.01


def test_figures_of_the_chain(course):
    found = chain_figures(course)
    assert found.kind == "irritated"
    assert found.largest_gap == pytest.approx(np.abs(course.real - course.fast).max())
    assert found.open_minus_silence > 0.01
    assert abs(found.real_minus_open) < 0.01
    assert found.level_correlation > 0.3


def test_figures_of_the_chain_do_not_guess_without_a_level():
    flat = np.full(200, 0.5)
    mute = ChainCourse(ONE, flat, flat, flat, flat, np.full(200, np.nan))
    assert chain_figures(mute).level_correlation is None


def test_pick_takes_kinds_in_turn():
    chosen = pick(draw_listeners(60, 1), 4)
    assert [one.kind for one in chosen] == ["responder", "irritated", "responder", "irritated"]
    assert len(set(chosen)) == 4
    assert pick(draw_listeners(60, 1), 0) == []
