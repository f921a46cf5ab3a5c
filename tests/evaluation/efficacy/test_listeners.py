"""The simulated population: every kind has its share, and nobody hears their own music in the sham arm."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from device.evaluation.efficacy.listeners import (
    IRRITATION,
    KINDS,
    PACE_RANGE_BPM,
    RESPONSIVENESS,
    donors,
    draw_listeners,
    of_kind,
)


def test_listeners_have_the_stated_shares():
    kinds = Counter(one.kind for one in draw_listeners(100, 1))
    assert kinds == {"responder": 60, "non-responder": 20, "irritated": 20}


@pytest.mark.parametrize("count", [5, 6, 7, 13])
def test_listeners_of_every_kind_are_in_a_small_population(count):
    listeners = draw_listeners(count, 2)
    assert len(listeners) == count
    assert {one.kind for one in listeners} == {"responder", "non-responder", "irritated"}


def test_listeners_have_the_gains_of_their_kind():
    for one in draw_listeners(200, 3):
        assert PACE_RANGE_BPM[0] <= one.pace_bpm <= PACE_RANGE_BPM[1]
        assert (one.responsiveness > 0.0) == (one.kind == "responder")
        assert (one.irritation > 0.0) == (one.kind == "irritated")
    drawn = [one.responsiveness for one in draw_listeners(500, 3) if one.kind == "responder"]
    assert min(drawn) == pytest.approx(RESPONSIVENESS[0], abs=0.05)
    assert max(drawn) == pytest.approx(RESPONSIVENESS[1], abs=0.05)
    assert IRRITATION[0] >= 1.0, "at least as strong as the calmest music is calming"


def test_listeners_repeat_by_seed_and_are_all_different():
    assert draw_listeners(50, 9) == draw_listeners(50, 9)
    assert draw_listeners(50, 9) != draw_listeners(50, 10)
    assert len({one.seed for one in draw_listeners(50, 9)}) == 50


def test_listeners_of_a_kind_are_found():
    listeners = draw_listeners(30, 1)
    found = [place for kind in KINDS for place in of_kind(listeners, kind)]
    assert sorted(found) == list(range(30))


def test_too_few_listeners_are_refused():
    with pytest.raises(ValueError, match="5 or more"):
        draw_listeners(4, 1)


@pytest.mark.parametrize("count", [2, 3, 50])
def test_donors_are_others_and_each_gives_once(count):
    chosen = np.array(donors(count, 1))
    assert (chosen != np.arange(count)).all()
    assert sorted(chosen) == list(range(count))
