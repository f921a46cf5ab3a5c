"""A day without the broker, on a manual clock: what waited comes in order, once, and at the agreed rate."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

import pytest
from support.ward import DAY_S, MEMORY, Arrival, Played, SimUnit

from device.messages import StressBand
from device.telemetry.lane import WINDOW
from device.telemetry.outbox import MARK_S

RATE = 5.0  # letters per second, the configuration's default
SESSIONS = 6


@pytest.fixture(scope="module")
def unit():
    """Live an hour with the broker, a day without, and half an hour with it again, second by second."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        one = SimUnit(Path(folder), "bed-1", 5, heartbeat_s=60.0, outcome_delay_min_s=0.0,
                      outcome_delay_max_s=3600.0)
        live(one)
        yield one
        one.close()


def live(one: SimUnit) -> None:
    one.idle_until(3600.0, 30.0)
    one.broker.up = False
    one.broker.drop()
    for number in range(SESSIONS):
        one.idle_until(7200.0 * (number + 1), 30.0)
        one.play(Played(7200.0 * (number + 1), 600, 1200.0, StressBand.HIGH, StressBand.LOW, 1.0))
    one.idle_until(3600.0 + DAY_S, 30.0)
    one.depth = one.outbox.depth("fleet")
    one.broker.up = True
    one.back_s = one.clock.wall()
    one.idle_until(one.now_s() + 400.0, 1.0)
    one.idle_until(one.now_s() + 4200.0, 10.0)


def fleet(unit: SimUnit) -> list[Arrival]:
    return [arrival for arrival in unit.broker.arrivals if "number" in arrival.payload]


def test_day_nothing_is_lost_nothing_has_an_effect_twice_and_order_is_kept(unit):
    arrived = fleet(unit)
    effects = list({arrival.payload["id"]: arrival.payload["number"] for arrival in arrived}.values())
    assert unit.depth == pytest.approx(1440, abs=30)
    assert effects == list(range(1, len(effects) + 1))
    assert len(arrived) - len(effects) <= MARK_S / 60.0 + 1, "repeated: what no bookmark covered"
    assert unit.outbox.depth("fleet") == 0
    assert unit.outbox.dropped == 0


def test_day_drains_at_the_agreed_rate(unit):
    drained = [arrival.wall_s for arrival in fleet(unit) if arrival.wall_s >= unit.back_s]
    for first, last in zip(drained, drained[300:], strict=False):
        assert WINDOW + 1 + RATE * (last - first) >= 300
    backlog = drained[: unit.depth]
    assert (len(backlog) - WINDOW) / RATE <= backlog[-1] - backlog[0] + 1.0
    assert backlog[-1] - backlog[0] < 1.1 * unit.depth / RATE, "and not much slower"


def test_day_outcomes_come_afterwards_each_once_and_each_alone(unit):
    outcomes = [arrival for arrival in unit.broker.arrivals if "/outcomes/" in arrival.topic]
    counts = Counter(arrival.payload["id"] for arrival in outcomes)
    assert set(counts) == set(unit.sessions)
    assert (len(counts), set(counts.values())) == (SESSIONS, {1})
    assert min(arrival.wall_s for arrival in outcomes) > unit.back_s
    assert len({arrival.client for arrival in outcomes}) == SESSIONS
    assert max(Counter(int(arrival.wall_s / 60.0) for arrival in outcomes).values()) <= 2, "not in one lot"
