"""Simulated units of a fleet: what they publish is sealed like a real unit's, and costs next to nothing."""

from __future__ import annotations

import random
from typing import Literal

import msgspec

from device.messages import Severity
from device.telemetry.anonymise import minute_of
from device.telemetry.lane import BACKOFF_MAX_S
from device.telemetry.records import (
    NO_CONTACT,
    Availability,
    Contact,
    FaultName,
    FleetFaults,
    FleetState,
    Letter,
    SentFault,
    ServiceState,
    seal,
)

SERVICES: tuple[Literal["sensors", "headset", "estimator", "conductor", "player", "telemetry"], ...] = (
    "sensors", "headset", "estimator", "conductor", "player", "telemetry")
PROGRAM_MIN = 20  # the default program (NUMBERS, Music)
REST_MIN = (2, 60)  # between two sessions (chosen)
FAULTS = (  # codes and advice as the services and the doctor word them
    SentFault(service="sensors", code="adc_lost", severity=Severity.ATTENTION,
              advice="the converter does not answer; check its cable and power"),
    SentFault(service="headset", code="headset_lost", severity=Severity.INFO,
              advice="the headset does not answer; check its dongle and battery"),
    SentFault(service="player", code="no_audio", severity=Severity.ACT_NOW,
              advice="no sound can be made; plug in the sound card"),
)
FAULT_MIN = 6


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How a simulated unit lives.

    A minute of its program takes `minute_s` real seconds; in `fault_share` of its minutes a fault begins.
    """

    minute_s: float = 60.0
    fault_share: float = 0.003  # chosen


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """How many units there are, and their pace in seconds.

    All are switched on at a random moment of `ramp_s`; whose connection breaks tries again after a random
    wait up to `reconnect_max_s`, as real units do.
    """

    units: int
    processes: int = 2
    heartbeat_s: float = 60.0
    ramp_s: float = 10.0
    reconnect_max_s: float = BACKOFF_MAX_S


class FleetUnit:
    """One unit: plays programs, rests, has a fault now and then.

    Args:
        name: its `unit_id`.
        plan: the pace of its life.
        rng: all of its chances.
    """

    def __init__(self, name: str, plan: Plan, rng: random.Random) -> None:
        self.name = name
        self._plan = plan
        self._rng = rng
        self._epoch = self._identifier()
        self._number = 0
        self._minute = -rng.randint(0, REST_MIN[1])  # below 0: rests so many minutes more
        self._moved_s = 0.0
        self._faults: tuple[SentFault, ...] = ()
        self._fault_left = 0
        self._contact = NO_CONTACT

    def availability(self, why: Literal["connected", "stopped", "lost"]) -> Letter:
        """Return a birth, a farewell or a last will."""
        return seal(Availability(id=self._identifier(), unit=self.name, online=why == "connected", why=why))

    def letters(self, now_s: float, wall_s: float) -> list[Letter]:
        """Return what it publishes at a heartbeat: a change of faults, if there is one, and the state."""
        before = self._faults
        if now_s - self._moved_s >= self._plan.minute_s:
            self._moved_s = now_s
            self._live()
        found = [] if self._faults == before else [seal(self._report(before, wall_s))]
        return [*found, seal(self._state(now_s, wall_s))]

    def _live(self) -> None:
        """Let a minute pass."""
        self._minute += 1
        if self._minute > PROGRAM_MIN:
            self._minute = -self._rng.randint(*REST_MIN)
        plays = self._minute >= 0
        if not plays:
            self._contact = NO_CONTACT
        elif self._minute <= 1:
            self._contact = Contact(eda=self._rng.random() < 0.9, ppg=self._rng.random() < 0.9,  # noqa: PLR2004
                                    temperature=False, eeg=self._rng.random() < 0.3)  # noqa: PLR2004
        self._fault_left -= 1
        if self._fault_left <= 0:
            begins = self._rng.random() < self._plan.fault_share
            self._faults = (self._rng.choice(FAULTS),) if begins else ()
            self._fault_left = FAULT_MIN if begins else 0

    def _report(self, before: tuple[SentFault, ...], wall_s: float) -> FleetFaults:
        """Return the letter that says what faults began and ended."""
        self._number += 1
        return FleetFaults(
            id=self._identifier(), unit=self.name, epoch=self._epoch, number=self._number,
            at=minute_of(wall_s), faults=self._faults, began=_names(self._faults), ended=_names(before))

    def _state(self, now_s: float, wall_s: float) -> FleetState:
        """Return the heartbeat."""
        self._number += 1
        plays = self._minute >= 0
        uptime_s = int(now_s)
        services = tuple(ServiceState(name=name, up=True, uptime_s=uptime_s, restarts=0, late_steps=0)
                         for name in SERVICES)
        return FleetState(
            id=self._identifier(), unit=self.name, epoch=self._epoch, number=self._number,
            at=minute_of(wall_s), phase="running" if plays else "idle", sounding=plays,
            program_minute=self._minute if plays else None, program_minutes=PROGRAM_MIN if plays else None,
            contact=self._contact, services=services, faults=self._faults, version="0.1.0", python="3.11.2",
            system="debian-12", uptime_s=uptime_s, machine_uptime_s=uptime_s, clock_set=True,
            certificate_days=300, authority_days=3000, outbox_rows=0, outbox_dropped=0)

    def _identifier(self) -> str:
        """Return 128 random bits."""
        return f"{self._rng.getrandbits(128):032x}"


def _names(faults: tuple[SentFault, ...]) -> tuple[FaultName, ...]:
    """Return which faults, without their words."""
    return tuple(FaultName(service=fault.service, code=fault.code) for fault in faults)
