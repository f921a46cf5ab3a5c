"""What the tests of telemetry share."""

from __future__ import annotations

import random

import pytest
from support.mosquitto import Mosquitto, Reader

from device.clock import ManualClock, SystemClock
from device.messages import StressBand
from device.telemetry.outbox import Outbox
from device.telemetry.records import (
    NO_CONTACT,
    FaultName,
    FleetFaults,
    FleetState,
    Letter,
    Outcome,
    SentFault,
    seal,
)


class Mint:
    """Makes sealed letters with distinct ids."""

    def __init__(self):
        self._rng = random.Random(5)

    def identifier(self) -> str:
        return f"{self._rng.getrandbits(128):032x}"

    def health(self, outbox: Outbox) -> Letter:
        return seal(FleetState(
            id=self.identifier(), unit="ward-3", epoch=outbox.epoch, number=outbox.next_number(),
            at="2026-01-02T03:04Z", phase="idle", program_minute=None, program_minutes=None, sounding=False,
            contact=NO_CONTACT, services=(), faults=(), version="0.1.0", python="3.11.2", system="debian-12",
            uptime_s=5, machine_uptime_s=9, clock_set=True, certificate_days=90, authority_days=900,
            outbox_rows=0, outbox_dropped=0))

    def fault(self, outbox: Outbox, *faults: SentFault) -> Letter:
        return seal(FleetFaults(
            id=self.identifier(), unit="ward-3", epoch=outbox.epoch, number=outbox.next_number(), at=None,
            faults=faults, began=(), ended=() if faults else (FaultName(service="player", code="gone"),)))

    def outcome(self) -> Letter:
        return seal(Outcome(
            id=self.identifier(), year=2026, stress_first_third=StressBand.HIGH,
            stress_last_third=StressBand.LOW, rating=None))


@pytest.fixture
def mint():
    return Mint()


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def outbox(tmp_path, clock):
    box = Outbox(tmp_path / "outbox.sqlite", clock, random.Random(1), 1000)
    yield box
    box.close()


@pytest.fixture
def live_outbox(tmp_path):
    box = Outbox(tmp_path / "live.sqlite", SystemClock(), random.Random(1), 1000)
    yield box
    box.close()


@pytest.fixture
def start_broker(tmp_path):
    """Start brokers with lines of configuration; all are stopped at the end."""
    started: list[Mosquitto] = []

    def start(*lines: str, anonymous: bool = True) -> Mosquitto:
        folder = tmp_path / f"broker-{len(started)}"
        folder.mkdir()
        started.append(Mosquitto(folder, lines, anonymous=anonymous))
        started[-1].start()
        return started[-1]

    yield start
    for mosquitto in started:
        mosquitto.stop()


@pytest.fixture
def broker(start_broker):
    return start_broker()


@pytest.fixture
def reader(broker):
    one = Reader(broker.port)
    yield one
    one.close()
