"""Samples averaged onto a slow grid."""

from __future__ import annotations

import math

import numpy as np
import pytest

from device.features.cells import Cells


@pytest.mark.parametrize(("rate", "factor"), [
    (2.0, 1), (4.0, 1), (7.9, 1), (8.0, 2), (10.0, 2), (25.0, 6), (100.0, 25),
])
def test_cells_run_at_four_to_eight_a_second(rate, factor):
    cells = Cells(rate, 60.0)
    assert cells.factor == factor
    assert cells.rate_hz == pytest.approx(rate / factor)


def test_cells_are_means_and_know_the_finest_step():
    cells = Cells(8.0, 60.0)
    cells.push(5.0, (1.0, 2.0, 4.0, 4.0, 4.0, 4.0))
    first, second, third = cells.take(6.0)
    assert (first.mean, first.finest) == (1.5, 1.0)
    assert (second.mean, second.finest) == (4.0, 2.0)
    assert (third.mean, third.finest) == (4.0, math.inf)


@pytest.mark.parametrize("size", [1, 3, 7, 50, 1000])
def test_cells_do_not_depend_on_the_size_of_blocks(size):
    values = np.random.default_rng(1).normal(3.0, 1.0, 1000).tolist()
    whole, parts = Cells(25.0, 60.0), Cells(25.0, 60.0)
    whole.push(7.0, tuple(values))
    taken = []
    for start in range(0, 1000, size):
        parts.push(7.0 + start / 25.0, tuple(values[start:start + size]))
        taken += parts.take(7.0 + min(1000, start + size) / 25.0)
    assert taken == whole.take(47.0)


def test_cells_give_no_sample_that_is_later_than_asked_for():
    cells = Cells(10.0, 60.0)
    cells.push(0.0, tuple(float(k) for k in range(20)))
    assert [one.mean for one in cells.take(1.0)] == [0.5, 2.5, 4.5, 6.5, 8.5]
    assert cells.take(1.1) == []
    assert [one.mean for one in cells.take(1.2)] == [10.5]
    assert cells.behind(1.2) == 0


def test_cells_with_one_bad_sample_are_bad():
    cells = Cells(10.0, 60.0)
    cells.push(0.0, (1.0, math.nan, 2.0, 2.0))
    bad, good = cells.take(1.0)
    assert math.isnan(bad.mean)
    assert good.mean == 2.0


def test_cells_fill_gaps_and_drop_overlaps():
    cells = Cells(4.0, 60.0)
    cells.push(0.0, (1.0, 1.0, 1.0, 1.0))
    cells.push(2.0, (2.0, 2.0))
    cells.push(2.25, (9.0, 3.0))
    means = [one.mean for one in cells.take(3.0)]
    assert means[:4] == [1.0] * 4
    assert all(math.isnan(mean) for mean in means[4:8])
    assert means[8:] == [2.0, 2.0, 3.0]


def test_cells_that_nobody_takes_stay_bounded_and_on_the_grid():
    cells = Cells(10.0, 60.0)
    for second in range(1000):
        cells.push(float(second), tuple(float(second * 10 + k) for k in range(10)))
    means = [one.mean for one in cells.take(1000.0)]
    assert len(means) == 300
    assert means[-1] == 9998.5
    cells.push(100_000.0, (1.0, 1.0))
    late = cells.take(100_001.0)
    assert len(late) == 300
    assert late[-1].mean == 1.0
    assert all(math.isnan(one.mean) for one in late[:-1])


def test_cells_say_how_long_nothing_came():
    cells = Cells(4.0, 60.0)
    assert cells.behind(3.0) == 0
    cells.push(0.0, (1.0, 1.0))
    cells.take(0.5)
    assert cells.behind(0.5) == 0
    assert cells.behind(3.0) == 10
