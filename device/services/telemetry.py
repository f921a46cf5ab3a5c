"""`tranquillo-telemetry`: tells the clinic how the unit is, and how sessions went without saying whose."""

from __future__ import annotations

import importlib.metadata
import random
import socket
from pathlib import Path

import msgspec

from device.bus import Bus
from device.clock import Clock
from device.config import Settings
from device.control import rating
from device.messages import Fault, Features, Health, PlayerState, Session, Stress
from device.runtime import Root, Worker, main
from device.telemetry.anonymise import Draft, SessionTally, outcome_of, share_of_batch, year_of
from device.telemetry.certificate import Expiry
from device.telemetry.fleet import FleetView, build_here
from device.telemetry.outbox import Outbox
from device.telemetry.records import Announcement, Letter, SentFault, seal
from device.telemetry.uplink import Uplink
from drivers.open import Parts

PERIOD_S = 0.1
TICK_S = 1.0
DRAFT_S = 60.0  # how much of a running session a killed process may forget; each costs one disk write
ASK_S = rating.ASK_S + rating.SETTLE_S + 10.0  # after a session, until no tap can tell any more how it was
SETTLING_S = 3.0  # after the start every process has spoken once: an earlier heartbeat would call them absent
STATES_MISSED = 3  # so many heartbeats may fail to come before Home Assistant calls a state old
SHORTEST_EXPIRY_S = 60
FAULTS_PAUSE_S = 10.0  # between two reports of changed faults, so that a flapping one cannot flood the clinic


class Telemetry:
    """Reads the bus, fills the outbox, and lets the uplink empty it."""

    period_s = PERIOD_S

    def __init__(
        self, settings: Settings, clock: Clock, bus: Bus, outbox: Outbox, uplink: Uplink, view: FleetView,
        rng: random.Random,
    ) -> None:
        self._settings = settings.telemetry
        self._clock = clock
        self._bus = bus
        self._outbox = outbox
        self._uplink = uplink
        self._view = view
        self._rng = rng
        self._expiry = Expiry(settings.telemetry.tls, clock)
        self._tally = SessionTally(
            read_draft(outbox.load_draft()), ASK_S if settings.program.self_rating else 0.0)
        self._drafted: tuple[int, int] | None = None
        self._dated = False
        self._told: tuple[SentFault, ...] | None = None
        self._born_s = self._tick_s = clock.monotonic()
        self._heartbeat_s = self._faults_s = self._born_s + SETTLING_S

    def step(self) -> None:
        """Take in the bus, write what is due, and exchange with the broker what can be exchanged now."""
        for message in self._bus.receive():
            self._view.observe(message)
            if isinstance(message, Stress):
                self._tally.observe_stress(message)
            elif isinstance(message, Session):
                self._tally.observe_session(message)
        self._store_outcomes()
        now = self._clock.monotonic()
        if now >= self._tick_s:
            self._tick_s = now + TICK_S
            self._save_draft()
            self._report_faults(now)
            self._date_outcomes()
            self._outbox.tick(share_of_batch(self._clock.wall(), self._settings.outcome_delay_max_s))
        if now >= self._heartbeat_s:
            self._heartbeat_s = max(self._heartbeat_s + self._settings.heartbeat_s, now)
            self._report_state(now)
        self._uplink.step()

    def faults(self) -> tuple[Fault, ...]:
        """Return what is wrong with the outbox or on the way to the broker."""
        return (*self._outbox.faults(), *self._uplink.faults())

    def close(self) -> None:
        """Store a session that has just ended, keep a running one for the next process, and say goodbye."""
        self._tally.finish_silent()
        self._store_outcomes()
        self._uplink.step()
        self._uplink.close()
        self._outbox.close()

    def _store_outcomes(self) -> None:
        """Put ended sessions into the outbox, to leave after a random while."""
        for draft in self._tally.take_finished():
            letter = seal(outcome_of(draft, self._identifier(), self._clock.wall()))
            self._outbox.enqueue(letter, wait_s=self._uplink.draw_wait_s())
            self._drafted = None
            self._dated = False

    def _date_outcomes(self) -> None:
        """Add the year to outcomes that were stored before the clock was set, once it is."""
        year = year_of(self._clock.wall())
        if year is not None and not self._dated:
            self._outbox.date_outcomes(year)
            self._dated = True

    def _save_draft(self) -> None:
        """Write down a running session when it begins and once a minute."""
        draft = self._tally.draft
        if draft is None:
            return
        minute = (draft.seed, int(draft.elapsed_s / DRAFT_S))
        if minute != self._drafted:
            self._outbox.save_draft(msgspec.msgpack.encode(draft))
            self._drafted = minute

    def _report_state(self, now_s: float) -> None:
        """Store the heartbeat; where the disk refuses, send it at once so that the clinic learns of that."""
        letter = seal(self._view.state(
            identifier=self._identifier(), epoch=self._outbox.epoch, number=self._outbox.next_number(),
            now_s=now_s, wall_s=self._clock.wall(), uptime_s=now_s - self._born_s, days=self._expiry.left(),
            outbox_rows=self._outbox.depth("fleet"), outbox_dropped=self._outbox.dropped))
        if not self._outbox.enqueue(letter):
            self._uplink.send_now(letter)

    def _report_faults(self, now_s: float) -> None:
        """Tell of faults once after the start, and when they have changed."""
        faults = self._view.faults(now_s)
        if faults == self._told or now_s < self._faults_s:
            return
        before, self._told = self._told or (), faults
        if faults or before:
            self._faults_s = now_s + FAULTS_PAUSE_S
        self._outbox.enqueue(seal(self._view.fault_report(
            faults, before, identifier=self._identifier(), epoch=self._outbox.epoch,
            number=self._outbox.next_number(), wall_s=self._clock.wall())))

    def _identifier(self) -> str:
        """Return 128 random bits."""
        return f"{self._rng.getrandbits(128):032x}"


class Silent:
    """What runs where no broker is configured: nothing is gathered, stored or sent."""

    period_s = PERIOD_S

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    def step(self) -> None:
        """Let the bus flow past."""
        self._bus.receive()

    def faults(self) -> tuple[Fault, ...]:
        """Return nothing: silence was asked for."""
        return ()

    def close(self) -> None:
        """Hold nothing, release nothing."""


def build(settings: Settings, clock: Clock, bus: Bus, parts: Parts) -> Worker:
    """Return the telemetry worker, or a silent one when no broker is configured."""
    del parts
    if not settings.telemetry.broker_host:
        return Silent(bus)
    rng = random.SystemRandom()
    path = Path(settings.state_dir) / "telemetry" / "outbox.sqlite"
    outbox = Outbox(path, clock, rng, settings.telemetry.outbox_max_rows,
                    settings.telemetry.outbox_max_days * 86_400.0)
    version = importlib.metadata.version("tranquillo")
    uplink = Uplink(settings.telemetry, settings.unit_id, outbox, clock, rng,
                    announcement=announcement_of(settings, version))
    names = (socket.gethostname(), settings.telemetry.broker_host)
    view = FleetView(settings.unit_id, names, build_here(version))
    return Telemetry(settings, clock, bus, outbox, uplink, view, rng)


def announcement_of(settings: Settings, version: str) -> Letter | None:
    """Return what makes the unit appear in Home Assistant, or None where a clinic does not ask for it."""
    telemetry = settings.telemetry
    if not telemetry.home_assistant:
        return None
    expire_s = max(SHORTEST_EXPIRY_S, round(STATES_MISSED * telemetry.heartbeat_s))
    return seal(Announcement(prefix=telemetry.home_assistant_prefix, unit=settings.unit_id, version=version,
                             expire_s=expire_s))


def read_draft(body: bytes | None) -> Draft | None:
    """Return a stored draft; one of an older firmware's shape is forgotten."""
    try:
        return msgspec.msgpack.decode(body, type=Draft) if body else None
    except msgspec.DecodeError:
        return None


ROOT = Root(name="telemetry", reads=(Session, Stress, Features, PlayerState, Health), build=build)

if __name__ == "__main__":
    main(ROOT)
