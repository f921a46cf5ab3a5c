"""Trailing windows with gaps."""

from __future__ import annotations

import numpy as np
import pytest

from device.features.window import Window


def test_window_keeps_the_newest_samples_in_order():
    window = Window(10.0, 1.0)
    window.push(100.0, range(7))
    window.push(100.7, range(7, 15))
    assert window.until(101.5).tolist() == [float(k) for k in range(5, 15)]


def test_window_is_nan_before_the_first_sample():
    window = Window(10.0, 1.0)
    window.push(100.0, [1.0, 2.0])
    assert np.isnan(window.until(100.2)[:8]).all()
    assert window.until(100.2)[8:].tolist() == [1.0, 2.0]


def test_window_shows_a_gap_as_nan_of_its_length():
    window = Window(10.0, 2.0)
    window.push(100.0, [1.0] * 5)
    window.push(100.9, [2.0] * 5)
    values = window.until(101.4)
    assert np.flatnonzero(np.isnan(values[-14:])).tolist() == [5, 6, 7, 8]


def test_window_absorbs_jitter_of_less_than_half_a_sample():
    window = Window(10.0, 1.0)
    for k in range(5):
        window.push(100.0 + 0.2 * k + (0.02 if k % 2 else -0.02), [1.0, 2.0])
    assert not np.isnan(window.until(101.0)).any()


def test_window_drops_what_overlaps_and_forgets_before_a_long_gap():
    window = Window(10.0, 1.0)
    window.push(100.0, [1.0] * 5)
    window.push(100.3, [9.0] * 4)
    assert window.until(100.7)[-7:].tolist() == [1.0] * 5 + [9.0] * 2
    window.push(200.0, [3.0])
    values = window.until(200.1)
    assert values[-1] == 3.0
    assert np.isnan(values[:-1]).all()


def test_window_starts_anew_when_its_clock_did():
    window = Window(10.0, 1.0)
    window.push(5000.0, [1.0] * 10)
    window.push(10.0, [2.0])
    values = window.until(10.1)
    assert values[-1] == 2.0
    assert np.isnan(values[:-1]).all()


@pytest.mark.parametrize(("at_s", "missing"), [(101.0, 0), (101.3, 3), (103.0, 10)])
def test_window_is_nan_where_nothing_has_arrived_yet(at_s, missing):
    window = Window(10.0, 1.0)
    window.push(100.0, [1.0] * 10)
    values = window.until(at_s)
    assert np.isnan(values[10 - missing:]).all()
    assert np.isfinite(values[:10 - missing]).all()


def test_window_looks_back_without_what_came_later():
    window = Window(10.0, 1.0)
    window.push(100.0, range(10))
    values = window.until(100.5)
    assert values[-5:].tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_window_takes_a_block_longer_than_itself():
    window = Window(10.0, 1.0)
    window.push(100.0, range(25))
    assert window.until(102.5).tolist() == [float(k) for k in range(15, 25)]
