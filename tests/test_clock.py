"""Both clocks keep the promises of the protocol."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.clock import ManualClock, SystemClock


def test_clock_manual_moves_only_when_told():
    clock = ManualClock(start_s=5.0)
    assert clock.monotonic() == 5.0
    assert clock.monotonic() == 5.0
    clock.sleep(2.5)
    assert clock.monotonic() == 7.5


def test_clock_manual_never_goes_back():
    clock = ManualClock(start_s=5.0)
    clock.sleep(-1)
    clock.advance_to(3.0)
    assert clock.monotonic() == 5.0
    clock.advance_to(6.0)
    assert clock.monotonic() == 6.0


@given(st.lists(st.floats(-10, 10), max_size=30))
def test_clock_manual_is_monotonic_for_any_sleeps(sleeps):
    clock = ManualClock()
    last = clock.monotonic()
    for seconds in sleeps:
        clock.sleep(seconds)
        assert clock.monotonic() >= last
        last = clock.monotonic()


def test_clock_manual_wall_may_jump_without_moving_intervals():
    clock = ManualClock(start_s=10.0, wall_offset_s=100.0)
    assert clock.wall() == 110.0
    clock.set_wall(1_000_000.0)
    assert clock.wall() == 1_000_000.0
    assert clock.monotonic() == 10.0
    clock.sleep(1.0)
    assert clock.wall() == 1_000_001.0


def test_clock_system_is_the_machines_own():
    clock = SystemClock()
    assert clock.monotonic() == pytest.approx(time.monotonic(), abs=0.5)
    assert clock.wall() == pytest.approx(time.time(), abs=0.5)


def test_clock_system_sleeps_that_long():
    clock = SystemClock()
    before = time.monotonic()
    clock.sleep(0.02)
    clock.sleep(-5.0)
    assert 0.02 <= time.monotonic() - before < 2.0
