"""A ward of units on manual clocks: the real telemetry service of each, and a broker that answers at once.

The broker keeps what whoever reads both streams sees: topic, payload and time of arrival.
"""

from __future__ import annotations

import json
import random
import sqlite3
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from device.bus import LocalHub
from device.clock import ManualClock
from device.config import Program, Settings, Telemetry
from device.messages import Rating, Session, SessionPhase, Stress, StressBand
from device.services import telemetry
from device.telemetry.fleet import Build, FleetView
from device.telemetry.link import Down, Event, Receipt, Up
from device.telemetry.outbox import Outbox
from device.telemetry.records import Letter
from device.telemetry.trouble import Trouble
from device.telemetry.uplink import Uplink

DAY_S = 86_400.0
MONDAY_S = 1_772_409_600.0  # 2026-03-02T00:00Z
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - half a million letters wear no disk
IDLE_STEP_S = 600.0
EVERY_S = 5  # the conductor's word in a session, here: telemetry counts a second for each
STEPS = 12  # most at one stop of the clock: an exchange is dial, welcome, publish, receipt, goodbye


class Arrival(NamedTuple):
    """One message as the broker got it."""

    wall_s: float
    client: str
    topic: str
    payload: dict[str, Any]


class SimBroker:
    """Takes everything at once while it is up; forgets sessions and messages only when told to."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.up = True
        self.lasting = True
        self.arrivals: list[Arrival] = []
        self.dials: list[tuple[float, str]] = []
        self.links: list[SimLink] = []
        self.sessions: set[str] = set()

    def connect(
        self, host: str, port: int, client_id: str, context: object, will: Letter | None, window: int,
        *, session_s: int = 0, resume: bool = False,
    ) -> SimLink:
        """Stand in for `Link`."""
        self.dials.append((self.clock.monotonic(), client_id))
        self.links = [link for link in self.links if link.down is None]
        self.links.append(SimLink(self, client_id, session_s=session_s, resume=resume))
        return self.links[-1]

    def busy(self) -> bool:
        """Tell whether something waits to be taken in by a link's owner."""
        return any(link.has_news() for link in self.links)

    def drop(self) -> None:
        """Break every connection."""
        for link in self.links:
            link.break_off()


class SimLink:
    """One connection to the simulated broker, with the interface of `Link`."""

    def __init__(self, broker: SimBroker, client_id: str, *, session_s: int, resume: bool) -> None:
        self.up = False
        self.down: Trouble | None = None
        self._broker = broker
        self._client = client_id
        self._events: deque[Event] = deque()
        self._mid = 0
        if not broker.up:
            self.break_off()
            return
        known = resume and client_id in broker.sessions
        (broker.sessions.add if session_s else broker.sessions.discard)(client_id)
        self._events.append(Up(known=known, lasting=broker.lasting))

    def step(self) -> list[Event]:
        """Return what has happened."""
        events = list(self._events)
        self._events.clear()
        for event in events:
            if isinstance(event, Up):
                self.up = True
            elif isinstance(event, Down):
                self.up, self.down = False, event.trouble
        return events

    def has_news(self) -> bool:
        """Tell whether the next step returns something."""
        return bool(self._events) and self.down is None

    def publish(self, letter: Letter) -> int | None:
        """Take a letter and give its receipt with the next step."""
        if not self.up:
            return None
        self._mid += 1
        self._broker.arrivals.append(Arrival(
            self._broker.clock.wall(), self._client, letter.topic, json.loads(letter.payload)))
        self._events.append(Receipt(self._mid, accepted=True))
        return self._mid

    def break_off(self) -> None:
        """End as by a cut cable; receipts under way are lost."""
        self._events.clear()
        self._events.append(Down(Trouble.UNREACHABLE))

    def close(self) -> None:
        """End in good order."""
        self.up = False
        self.down = self.down or Trouble.UNREACHABLE


class Played(NamedTuple):
    """One session as it will be: when it begins, how long it lasts, what the estimator will say of it."""

    start_s: float  # of the simulated time, 0 is the first midnight
    seconds: int
    program_s: float
    first: StressBand
    last: StressBand
    contact: float  # share of the session, from its beginning on, with an estimate
    rating: Rating | None = None  # told by taps afterwards


class SimUnit:
    """One unit: the telemetry service on its own clock, with the conductor and the estimator in our hand."""

    def __init__(self, folder: Path, name: str, seed: int, **values: float) -> None:
        self.clock = ManualClock(start_s=1000.0)
        self.clock.set_wall(MONDAY_S)
        self.broker = SimBroker(self.clock)
        self.name = name
        self.sessions: dict[str, Played] = {}
        self._begin_s = self.clock.monotonic()
        rng = random.Random(seed)
        hub = LocalHub()
        self._say = hub.connect(())
        settings = Settings(unit_id=name, program=Program(self_rating=True),
                            telemetry=Telemetry(broker_host="127.0.0.1", **values))
        self.path = folder / f"{name}.sqlite"
        self.outbox = Outbox(self.path, self.clock, rng, settings.telemetry.outbox_max_rows)
        uplink = Uplink(settings.telemetry, name, self.outbox, self.clock, rng, self.broker.connect)
        view = FleetView(name, [], Build(version="0.1.0", python="3.11.2", system="debian-12"))
        self.worker = telemetry.Telemetry(
            settings, self.clock, hub.connect(telemetry.ROOT.reads), self.outbox, uplink, view, rng)

    def now_s(self) -> float:
        """Return the simulated time."""
        return self.clock.monotonic() - self._begin_s

    def idle_until(self, at_s: float, step_s: float = IDLE_STEP_S) -> None:
        """Let nothing happen until a simulated time."""
        while self.now_s() < at_s - 1e-6:
            on_the_mark_s = step_s * (1 + round(self.now_s() / step_s, 6) // 1)
            self.clock.advance_to(self._begin_s + min(on_the_mark_s, at_s))
            self._step()

    def play(self, played: Played) -> None:
        """Play a session."""
        self.idle_until(played.start_s)
        seed = int(played.start_s)
        for second in range(EVERY_S, played.seconds + EVERY_S, EVERY_S):
            self.clock.sleep(EVERY_S)
            known = second <= played.contact * played.seconds
            early = second <= played.seconds / 2
            band = (played.first if early else played.last) if known else StressBand.UNKNOWN
            now = self.clock.monotonic()
            self._say.publish(Stress(
                at_s=now, level=None, confidence=0.0, band=band, sources=(), reason=""))
            phase = SessionPhase.RUNNING if second < played.seconds - 12 else SessionPhase.ENDING
            self._tell(now, phase, seed, float(second), played.program_s)
            if second % 20 == 0:
                self._step()
        for second in range(0, int(telemetry.ASK_S) + 10, EVERY_S):
            self.clock.sleep(EVERY_S)
            self._tell(self.clock.monotonic(), SessionPhase.IDLE, seed, 0.0, played.program_s,
                       played.rating if second > 10 else None)
            if second % 10 == 0:
                self._step()
        self._step()
        self.sessions |= {one: played for one in self._stored() if one not in self.sessions}

    def cut(self, seconds: float) -> None:
        """Let the unit's own cable be out for that long; every connection breaks."""
        self.broker.up = False
        self.broker.drop()
        self.idle_until(self.now_s() + seconds)
        self.broker.up = True

    def close(self) -> None:
        """Stop in good order."""
        self.worker.close()

    def waiting(self) -> list[str]:
        """Return the ids of the outcomes that the broker has not had."""
        return self._stored("WHERE sent = 0")

    def _stored(self, which: str = "") -> list[str]:
        """Return the ids of outcomes on the unit's disk: what only the unit and the test know."""
        with sqlite3.connect(self.path) as db:
            found = [row[0] for row in db.execute(f"SELECT id FROM outcomes {which}")]  # noqa: S608 - two words
        db.close()
        return found

    def _tell(
        self, now: float, phase: SessionPhase, seed: int, elapsed_s: float, program_s: float,
        rating: Rating | None = None,
    ) -> None:
        """Publish what the conductor says."""
        self._say.publish(Session(
            at_s=now, phase=phase, seed=seed, elapsed_s=elapsed_s, duration_s=program_s, fade_s=12.0,
            rating=rating))

    def _step(self) -> None:
        """Step until nothing goes to and fro any more."""
        for _ in range(STEPS):
            before = len(self.broker.dials), len(self.broker.arrivals)
            self.worker.step()
            if before == (len(self.broker.dials), len(self.broker.arrivals)) and not self.broker.busy():
                break


def schedule(rng: random.Random, days: float) -> Iterator[Played]:
    """Yield one bed's sessions: patients come and go, each with habits of their own.

    Nobody has measured this; it is meant to be plausible and, for whoever joins the streams, generous:
    beds differ in how often, how long and how well their sensors hold, and patients in their levels.
    """
    at_s = rng.uniform(0.0, 1.5) * DAY_S
    while at_s < days * DAY_S:
        stay_s = rng.uniform(2.0, 9.0) * DAY_S
        daily = rng.choice((1, 2, 2, 3, 3, 4, 6))
        program_s = 60.0 * rng.choice((20, 20, 20, 10, 30))
        cut_short, no_contact = rng.uniform(0.05, 0.5), rng.uniform(0.0, 0.3)
        tense, relief, answers = rng.random(), rng.random(), rng.choice((0.0, 0.3, 0.9))
        end_s = min(at_s + stay_s, days * DAY_S)
        for day in range(int(at_s / DAY_S), int(end_s / DAY_S) + 1):
            habits = daily, program_s, cut_short, no_contact, tense, relief
            for played in _day(rng, day, (at_s, end_s), *habits):
                tells = rng.choices(tuple(Rating), (relief, 0.4, 0.3 * (1.0 - relief)))[0]
                yield played._replace(rating=tells if rng.random() < answers else None)
        at_s = end_s + rng.expovariate(1.0 / 0.7) * DAY_S


def _day(
    rng: random.Random, day: int, stay: tuple[float, float], daily: int, program_s: float, cut_short: float,
    no_contact: float, tense: float, relief: float,
) -> Iterator[Played]:
    """Yield one patient's sessions of one day, between 7 and 22 h, without overlap."""
    hours = sorted(rng.sample(range(7, 22), rng.choice((max(0, daily - 1), daily, daily + 1))))
    for hour in hours:
        start_s = day * DAY_S + hour * 3600.0 + rng.uniform(0.0, 1500.0)
        if not stay[0] <= start_s < stay[1]:
            continue
        seconds = int(rng.uniform(60.0, program_s)) if rng.random() < cut_short else int(program_s)
        first = _level(rng.gauss(tense, 0.2))
        last = _level(rng.gauss(tense - 0.5 * relief, 0.2))
        contact = rng.uniform(0.0, 0.9) if rng.random() < no_contact else 1.0
        yield Played(start_s, seconds, program_s, first, last, contact)


def _level(value: float) -> StressBand:
    """Return the level of a number around 0 to 1."""
    return StressBand.LOW if value < 0.35 else StressBand.MEDIUM if value < 0.65 else StressBand.HIGH
