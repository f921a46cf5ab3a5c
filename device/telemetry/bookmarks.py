"""How a unit that subscribes to nothing learns whether the broker still has what it acknowledged.

A bookmark is an MQTT session (MQTT 5, 3.1.2.11.2) of a random client id, left behind after some letters had
their receipts; nothing is published or subscribed in it. A broker saves sessions and messages together, so
one that still knows the session (CONNACK, *session present*) has not forgotten the letters before it, and
when `KEEP_S` has passed in between it has saved them. One that does not know it gets them again.

Asking instead of repeating after every reconnection matters for outcomes: one that came twice would tell
that its unit reconnected in between, which the fleet stream tells by name.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Protocol

from device.clock import Clock
from device.telemetry.lane import BACKOFF_MAX_S, BACKOFF_MIN_S
from device.telemetry.link import Link, Up
from device.telemetry.outbox import Outbox

SESSION_S = 7_200  # how long the broker is asked to remember: well beyond the outbox's KEEP_S (chosen)
LOOK_S = 5.0  # between two looks at whether there is something to mark or to ask


class Dial(Protocol):
    """Makes a connection under a client id."""

    def __call__(self, name: str, *, resume: bool) -> Link:
        """Connect; `resume` asks for the session of an earlier connection of this name."""


class Bookmarks:
    """Leaves bookmarks with the broker and asks for them, one short connection at a time.

    Args:
        outbox: says when there is something to mark or to ask.
        dial: makes the connections.
        draw_s: draws how long an outcome waits that has to be sent again.
        spread_s: after a reconnection, questions wait for a random time up to this.
    """

    def __init__(
        self, outbox: Outbox, dial: Dial, clock: Clock, rng: random.Random, draw_s: Callable[[], float],
        spread_s: float,
    ) -> None:
        self._outbox = outbox
        self._dial = dial
        self._clock = clock
        self._rng = rng
        self._draw_s = draw_s
        self._spread_s = spread_s
        self._link: Link | None = None
        self._name = ""
        self._asking = False
        self._refused = False  # this broker keeps no sessions
        self._look_s = clock.monotonic()

    def reconnected(self) -> None:
        """Let go of a connection being made, and wait a while: all units may have reconnected at once."""
        self.close()
        self._refused = False
        self._look_s = self._clock.monotonic() + self._rng.uniform(0.0, self._spread_s)

    def step(self) -> None:
        """Do what is due without waiting."""
        if self._link is None:
            if self._clock.monotonic() >= self._look_s:
                self._look_s = self._clock.monotonic() + LOOK_S
                self._begin()
            return
        for event in self._link.step():
            if isinstance(event, Up):
                self._welcomed(event)
                return
        if self._link.down is not None:
            self._failed()

    def close(self) -> None:
        """End the connection if there is one; a bookmark that was being made does not count."""
        if self._link is not None:
            self._link.close()
            self._link = None
            if not self._asking:
                self._outbox.abandon_marks()

    def _begin(self) -> None:
        """Ask before marking: a question may set letters free."""
        question = self._outbox.question()
        self._asking = question is not None
        self._name = question or f"{self._rng.getrandbits(128):032x}"
        if self._asking or (not self._refused and self._outbox.begin_mark(self._name)):
            self._link = self._dial(self._name, resume=self._asking)

    def _welcomed(self, event: Up) -> None:
        """Take the broker's answer and hang up."""
        if self._asking:
            self._outbox.answer(self._name, known=event.known, draw_s=self._draw_s)
        elif event.lasting:
            self._outbox.finish_mark(self._name)
        else:
            self._refused = True
            self._outbox.trust_receipts()
            self._outbox.abandon_marks()
        if self._link is not None:
            self._link.close()
        self._link = None

    def _failed(self) -> None:
        """Try again after a while; the lanes report what is wrong with the way to the broker."""
        self.close()
        self._look_s = self._clock.monotonic() + self._rng.uniform(BACKOFF_MIN_S, BACKOFF_MAX_S)
