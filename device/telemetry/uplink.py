"""The way to the clinic's broker: two lanes from the outbox that share no name; it subscribes to nothing."""

from __future__ import annotations

import random
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from device.clock import Clock
from device.config import Telemetry, Tls
from device.messages import Fault
from device.telemetry.bookmarks import SESSION_S, Bookmarks
from device.telemetry.certificate import WARN_S, context_of, validity
from device.telemetry.lane import WINDOW, Lane, Pace
from device.telemetry.link import Link
from device.telemetry.outbox import Outbox
from device.telemetry.records import Availability, Letter, seal
from device.telemetry.trouble import DialRefused, Trouble, fault_of

LOOK_S = 600.0  # between two looks at the dates of our certificates


class Uplink:
    """Both lanes: fleet health under the unit's name, each outcome under a random name of its own.

    Args:
        settings: the broker, and the certificates of each lane.
        unit_id: names the fleet lane's client and topics, and nothing of the other.
        clock: pacing; wall time only to compare with the dates of certificates.
        rng: draws waits, message ids and the random client ids.
        connect: makes a connection; another than `Link` in simulations.
        announcement: sent at each connection beside availability, where a clinic uses Home Assistant.
    """

    def __init__(
        self, settings: Telemetry, unit_id: str, outbox: Outbox, clock: Clock, rng: random.Random,
        connect: Callable[..., Link] = Link, announcement: Letter | None = None,
    ) -> None:
        self._settings = settings
        self._unit_id = unit_id
        self._outbox = outbox
        self._clock = clock
        self._rng = rng
        self._connect = connect
        self._announcement = announcement
        self._look_s = clock.monotonic()
        self._expiring = False
        pace = Pace(settings.reconnect_max_s, settings.letters_per_s)
        self._fleet = Lane(outbox, "fleet", self._dial_fleet, clock, rng, lasting=True, pace=pace)
        self._outcomes = Lane(outbox, "outcomes", self._dial_outcomes, clock, rng, lasting=False, pace=pace)
        self._delivered = 0
        self._bookmarks = Bookmarks(
            outbox, self._dial_bookmark, clock, rng, self.draw_wait_s, settings.reconnect_max_s)

    @property
    def up(self) -> bool:
        """Whether the fleet lane is connected."""
        return self._fleet.up

    def step(self) -> None:
        """Do what is due on both lanes without waiting."""
        if self._fleet.step():
            self._fleet.send_now(self._availability("connected"))
            if self._announcement is not None:
                self._fleet.send_now(self._announcement)
            self._outbox.reconnected(self.draw_wait_s)
            self._bookmarks.reconnected()
        self._outbox.connected = self._fleet.up
        self._outcomes.step(may_dial=self._fleet.up)
        if self._outcomes.delivered != self._delivered:
            self._delivered = self._outcomes.delivered
            self._outbox.wait_anew(self.draw_wait_s)
        if self._fleet.up:
            self._bookmarks.step()

    def draw_wait_s(self) -> float:
        """Draw how long an outcome waits; uniform, so that its arrival favours no moment of the span."""
        return self._rng.uniform(self._settings.outcome_delay_min_s, self._settings.outcome_delay_max_s)

    def send_now(self, letter: Letter) -> None:
        """Publish fleet health that could not be stored; lost when there is no connection."""
        self._fleet.send_now(letter)

    def faults(self) -> tuple[Fault, ...]:
        """Return what keeps either stream from arriving, and a certificate about to expire."""
        found = {fault.code: fault for fault in (*self._fleet.faults(), *self._outcomes.faults())}
        if self._clock.monotonic() >= self._look_s:
            self._look_s = self._clock.monotonic() + LOOK_S
            both = (self._settings.tls, self._settings.outcome_tls)
            self._expiring = any(_expires_soon(tls, self._clock.wall()) for tls in both if tls is not None)
        if self._expiring:
            found[Trouble.EXPIRING.value] = fault_of(Trouble.EXPIRING)
        return tuple(found.values())

    def close(self) -> None:
        """Say that the unit goes, and end both connections."""
        self._fleet.send_now(self._availability("stopped"))
        self._fleet.close()
        self._outcomes.close()
        self._bookmarks.close()

    def _dial_fleet(self) -> Link:
        """Connect under the unit's name, with the last will."""
        return self._link(f"tranquillo-{self._unit_id}", self._settings.tls,
                          self._availability("lost"))

    def _dial_outcomes(self) -> Link:
        """Connect under a name that is used this once and says nothing."""
        return self._link(f"{self._rng.getrandbits(128):032x}", self._nameless(), None)

    def _dial_bookmark(self, name: str, *, resume: bool) -> Link:
        """Connect to leave a bookmark, or to ask for one."""
        return self._link(name, self._nameless(), None, session_s=SESSION_S, resume=resume)

    def _nameless(self) -> Tls | None:
        """Return the certificate that says least."""
        return self._settings.outcome_tls or self._settings.tls

    def _link(
        self, client_id: str, tls: Tls | None, will: Letter | None, *, session_s: int = 0,
        resume: bool = False,
    ) -> Link:
        """Return a connection being made; the certificate files are read anew each time."""
        wall_s = self._clock.wall()
        return self._connect(
            self._settings.broker_host, self._settings.broker_port, client_id,
            lambda: fresh_context(tls, wall_s), will, WINDOW, session_s=session_s, resume=resume)

    def _availability(self, why: Literal["connected", "stopped", "lost"]) -> Letter:
        """Return a letter of availability."""
        return seal(Availability(
            id=f"{self._rng.getrandbits(128):032x}", unit=self._unit_id, online=why == "connected", why=why))


def fresh_context(tls: Tls | None, wall_s: float) -> ssl.SSLContext | None:
    """Return the TLS context, unless the files are unfit or the clock is before them.

    A Pi has no clock chip: before its first synchronisation every certificate is "not yet valid", so
    dialling waits instead of failing.

    Raises:
        DialRefused: a file is missing or unfit, or the clock cannot be right.
    """
    if tls is None:
        return None
    try:
        youngest_s = max(validity(Path(path)).not_before_s for path in (tls.ca, tls.certificate) if path)
        context = context_of(tls)
    except (OSError, ValueError) as error:
        raise DialRefused(Trouble.UNREADABLE) from error
    if wall_s < youngest_s:
        raise DialRefused(Trouble.CLOCK_UNSET)
    return context


def _expires_soon(tls: Tls, wall_s: float) -> bool:
    """Tell whether our certificate has less than a month left; an unreadable one is another fault."""
    try:
        return bool(tls.certificate) and validity(Path(tls.certificate)).not_after_s - wall_s < WARN_S
    except (OSError, ValueError):
        return False
