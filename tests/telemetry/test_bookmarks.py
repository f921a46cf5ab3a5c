"""Bookmarks on a simulated broker: what is asked, what is repeated, and a broker that keeps no sessions."""

from __future__ import annotations

import random

import pytest
from support.ward import SimBroker

from device.config import Telemetry
from device.telemetry.outbox import KEEP_S, LONGEST_KEEP_S
from device.telemetry.uplink import Uplink

UNIT = "ward-3"


@pytest.fixture
def broker(clock):
    return SimBroker(clock)


@pytest.fixture
def uplink(outbox, clock, broker):
    settings = Telemetry(broker_host="127.0.0.1", outcome_delay_min_s=0.0, outcome_delay_max_s=0.0)
    return Uplink(settings, UNIT, outbox, clock, random.Random(2), broker.connect)


def live(uplink, clock, seconds: float, step_s: float = 1.0) -> None:
    for _ in range(int(seconds / step_s)):
        clock.sleep(step_s)
        uplink._outbox.tick()
        uplink.step()


def sent(broker, letter) -> int:
    return sum(arrival.payload["id"] == letter.id for arrival in broker.arrivals)


def stored(outbox) -> int:
    return outbox._db.execute("SELECT (SELECT count(*) FROM fleet) + (SELECT count(*) FROM outcomes)"
                              ).fetchone()[0]


def test_bookmarks_let_letters_go_after_half_an_hour_without_repeating_them(
    uplink, outbox, clock, broker, mint,
):
    letters = [mint.fault(outbox), mint.outcome()]
    for letter in letters:
        outbox.enqueue(letter)
    live(uplink, clock, 60)
    broker.drop()  # our own cable
    live(uplink, clock, KEEP_S - 120)
    assert stored(outbox) == 2
    live(uplink, clock, 180)
    assert stored(outbox) == 0
    assert [sent(broker, letter) for letter in letters] == [1, 1]


def test_bookmarks_a_broker_that_forgot_gets_everything_again(uplink, outbox, clock, broker, mint):
    letters = [mint.fault(outbox), mint.fault(outbox), mint.outcome()]
    for letter in letters:
        outbox.enqueue(letter)
    live(uplink, clock, 60)
    broker.sessions.clear()  # killed before it saved
    broker.drop()
    live(uplink, clock, 120)
    assert [sent(broker, letter) for letter in letters] == [2, 2, 2]
    numbers = [arrival.payload["number"] for arrival in broker.arrivals if "number" in arrival.payload]
    assert numbers == [1, 2, 1, 2]
    live(uplink, clock, KEEP_S + 60)
    assert stored(outbox) == 0


def test_bookmarks_a_broker_that_dies_again_and_again_and_stays_away_loses_nothing(
    uplink, outbox, clock, broker, mint,
):
    letter = mint.fault(outbox)
    outbox.enqueue(letter)
    for outage_s in (5.0, 4_000.0, 90_000.0):
        live(uplink, clock, 1_000, step_s=2.0)
        broker.sessions.clear()
        broker.up = False
        broker.drop()
        live(uplink, clock, outage_s, step_s=10.0)
        broker.up = True
    before = sent(broker, letter)
    live(uplink, clock, 1_000)
    assert sent(broker, letter) == before + 1


def test_bookmarks_where_the_broker_keeps_no_sessions_receipts_are_trusted(
    uplink, outbox, clock, broker, mint,
):
    broker.lasting = False
    letter = mint.outcome()
    outbox.enqueue(letter)
    live(uplink, clock, KEEP_S - 60, step_s=5.0)
    assert stored(outbox) == 1
    live(uplink, clock, 700, step_s=5.0)
    assert stored(outbox) == 0
    assert outbox.faults() == ()
    assert KEEP_S < LONGEST_KEEP_S


def test_bookmarks_say_no_name_and_are_left_seldom(uplink, outbox, clock, broker, mint):
    for _ in range(60):
        outbox.enqueue(mint.health(outbox))
        live(uplink, clock, 60)
    names = [name for _, name in broker.dials if UNIT not in name]
    assert 4 <= len(names) <= 6, "one in a quarter of an hour, and each asked for once"
    assert len(broker.sessions) <= 3
