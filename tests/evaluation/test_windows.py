"""Which seconds are scored, and as what."""

from __future__ import annotations

import math

import numpy as np
import pytest

from device.evaluation.windows import (
    OF_HYPERVENTILATION,
    UNLABELLED,
    in_context,
    kind,
    labels,
    on_grid,
    tasks,
)
from drivers.sim.e4 import Interval

PROTOCOL = (
    Interval("baseline", 0.0, 400.0, "rest"), Interval("stroop", 400.0, 520.5, "stress"),
    Interval("hyperventilation", 520.5, 640.0, "stress"), Interval("rest", 640.0, 720.0, "rest"),
    Interval("questionnaire", 720.0, 900.0, ""),
)


def test_windows_lie_wholly_inside_one_interval():
    found = labels(PROTOCOL, 900)
    assert np.flatnonzero(found == 1).tolist() == list(range(460, 521))
    assert np.flatnonzero(found == 0).tolist() == [*range(60, 401), *range(700, 721)]
    assert (found[521:700] == UNLABELLED).all()


def test_windows_of_two_minutes_need_two_minutes_inside():
    found = labels(PROTOCOL, 900, context_s=120.0)
    assert np.flatnonzero(found == 1).tolist() == [520]
    assert np.flatnonzero(found == 0).tolist() == list(range(120, 401))


def test_windows_of_hyperventilation_are_kept_apart():
    found = tasks(PROTOCOL, 900)
    assert np.flatnonzero(found == OF_HYPERVENTILATION).tolist() == list(range(581, 641))
    assert (labels(PROTOCOL, 900)[found == OF_HYPERVENTILATION] == UNLABELLED).all()


@pytest.mark.parametrize(("task", "expected"), [
    ("stroop", 1), ("interview", 1), ("baseline", 0), ("rest", 0), ("hyperventilation", -2),
    ("questionnaire", -1), ("transition", -1), ("Stroop", -1),
])
def test_windows_kind_of_task(task, expected):
    assert kind(task) == expected


def test_windows_end_with_the_recording():
    assert labels((Interval("rest", 0.0, 1e6, "rest"),), 100).size == 100
    assert labels((Interval("rest", 500.0, 600.0, "rest"),), 100).tolist() == [UNLABELLED] * 100


def test_grid_is_every_ten_seconds_after_five_minutes():
    assert np.flatnonzero(on_grid(331)).tolist() == [300, 310, 320, 330]


def test_context_of_one_minute_is_the_estimate_itself():
    level = np.array([0.1, math.nan, 0.3])
    assert in_context(level, 60.0) is level


def test_context_of_two_minutes_is_the_mean_of_the_last_minute():
    level = np.arange(200) / 200.0
    found = in_context(level, 120.0)
    assert found[199] == pytest.approx(level[139:200].mean())
    assert found[60] == pytest.approx(level[:61].mean())


def test_context_is_unknown_where_the_device_does_not_know():
    level = np.full(200, 0.8)
    level[150] = math.nan
    level[100:140] = math.nan
    found = in_context(level, 120.0)
    assert math.isnan(found[150])
    assert math.isnan(found[149])  # ten of the last minute's estimates after the hole, eleven before it
    assert found[180] == pytest.approx(0.8)
    assert found[199] == pytest.approx(0.8)


def test_context_uses_no_later_estimate():
    level = np.random.default_rng(1).random(300)
    changed = level.copy()
    changed[200:] = 0.0
    assert np.array_equal(in_context(level, 120.0)[:200], in_context(changed, 120.0)[:200],
                          equal_nan=True)
