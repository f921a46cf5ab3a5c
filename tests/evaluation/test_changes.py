"""Delays to follow a change of the protocol."""

from __future__ import annotations

import math

import numpy as np
import pytest
from support.courses import PROTOCOL, SECONDS, told

from device.evaluation.changes import Change, changes_of, median_delay_s
from drivers.sim.e4 import Interval


def test_changes_are_those_between_stress_and_rest():
    found = changes_of(told(), PROTOCOL)
    assert [(one.to, one.at_s) for one in found] == [
        ("stress", 600.0), ("rest", 900.0), ("stress", 1200.0), ("rest", 1500.0)]


@pytest.mark.parametrize("delay_s", [0, 20, 133])
def test_change_is_followed_after_ten_seconds_on_the_right_side(delay_s):
    assert [one.delay_s for one in changes_of(told(delay_s=delay_s), PROTOCOL)] == [delay_s + 10.0] * 4


def test_change_counts_the_ten_seconds_even_if_the_level_was_there_before():
    assert changes_of(np.full(SECONDS, 0.9), PROTOCOL)[0] == Change("stress", 600.0, 10.0)


def test_change_that_is_never_followed_has_no_delay():
    found = changes_of(np.full(SECONDS, 0.9), PROTOCOL)
    assert [one.delay_s for one in found if one.to == "rest"] == [None, None]


@pytest.mark.parametrize("value", [0.5, math.nan])
def test_change_needs_ten_seconds_in_a_row(value):
    level = told()
    level[625] = value  # five seconds after it rose
    assert changes_of(level, PROTOCOL)[0].delay_s == 36.0


def test_change_is_looked_for_within_its_interval_only():
    assert changes_of(told(delay_s=295), PROTOCOL)[0].delay_s is None


def test_change_in_the_first_five_minutes_is_not_scored():
    spans = (Interval("rest", 0.0, 200.0, "rest"), Interval("stroop", 200.0, 500.0, "stress"))
    assert changes_of(np.full(501, 0.9), spans) == []


def test_change_skips_a_transition_but_not_hyperventilation():
    spans = (Interval("rest", 0.0, 400.0, "rest"), Interval("transition", 400.0, 470.0, ""),
             Interval("stroop", 470.0, 700.0, "stress"), Interval("hyperventilation", 700.0, 800.0, "stress"),
             Interval("rest", 800.0, 900.0, "rest"))
    assert [(one.to, one.at_s) for one in changes_of(np.full(901, 0.9), spans)] == [("stress", 470.0)]


def test_median_delay_takes_missed_changes_as_the_slowest():
    def changes(*delays):
        return [Change("stress", 0.0, delay_s) for delay_s in delays]

    assert median_delay_s(changes(10.0, 30.0, None)) == 30.0
    assert median_delay_s(changes(10.0, 30.0)) == 20.0
    assert median_delay_s(changes(10.0, None)) is None
    assert median_delay_s(changes(None)) is None
    assert median_delay_s([]) is None
