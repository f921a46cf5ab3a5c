"""One stream's way out: from the outbox through one connection after another."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import NamedTuple

from device.clock import Clock
from device.messages import Fault
from device.telemetry.link import Link, Receipt, Up
from device.telemetry.outbox import Outbox, Stream
from device.telemetry.records import Letter
from device.telemetry.trouble import Trouble, fault_of

WINDOW = 10  # letters that may wait for a receipt; all others stay on the disk
BACKOFF_MIN_S, BACKOFF_MAX_S = 1.0, 30.0  # as drivers reopen; the second is the configuration's default
STEADY_S = 30.0  # a connection that lasted less is called broken
ALL_AT_ONCE = 10  # failures that a lost connection counts as: every other unit may have lost its own just now
UNSTEADY_TIMES = 3  # so many connections in a row that did not last are reported
RECEIPT_S = 120.0  # a broker that answers pings but acknowledges nothing for this long is left
REFUSED_PAUSE_S = 30.0  # before a refused letter is tried again
PATIENCE_S = 60.0  # an outage shorter than this is nobody's business
TAKEN_OVER_S = 120.0  # how long a fight over the client id is reported


class Pace(NamedTuple):
    """How a fleet of units spares its broker.

    `reconnect_max_s`: a connection that is lost, or not had, is tried again after a random wait up to this.
    `letters_per_s`: most letters per second in the long run; `WINDOW` of them may go at once.
    """

    reconnect_max_s: float = BACKOFF_MAX_S
    letters_per_s: float = 5.0


class Lane:
    """Empties one stream of the outbox through one connection after another.

    Args:
        stream: which table of the outbox.
        dial: makes a new connection.
        lasting: stay connected when nothing is waiting; otherwise every letter has a connection of its own.
        pace: bounds of reconnecting and sending.
    """

    def __init__(
        self, outbox: Outbox, stream: Stream, dial: Callable[[], Link], clock: Clock, rng: random.Random,
        *, lasting: bool, pace: Pace,
    ) -> None:
        self._outbox = outbox
        self._stream: Stream = stream
        self._dial = dial
        self._clock = clock
        self._rng = rng
        self._lasting = lasting
        self._pace = pace
        self._window = WINDOW if lasting else 1
        self._may_send = float(self._window)
        self._may_send_s = clock.monotonic()
        self.delivered = 0
        self._link: Link | None = None
        self._was_up = False
        self._flying: dict[int, tuple[str, float]] = {}
        self._failures = 0
        self._broken = 0
        self._retry_s = self._down_since_s = clock.monotonic()
        self._up_since_s = 0.0
        self._paused_until_s = 0.0
        self._trouble: Trouble | None = None
        self._taken_over_s = float("-inf")

    @property
    def up(self) -> bool:
        """Whether the broker has welcomed this lane's connection."""
        return self._link is not None and self._link.up

    def step(self, *, may_dial: bool = True) -> bool:
        """Do what is due without waiting; True when a connection has just come up."""
        if self._link is None:
            if may_dial:
                self._dial_if_due()
            return False
        came_up = False
        received: list[str] = []
        for event in self._link.step():
            if isinstance(event, Receipt):
                received += self._receive(event)
            came_up = came_up or isinstance(event, Up)
        if received:
            self._outbox.acknowledge(self._stream, received)
            self.delivered += len(received)
        if came_up:
            self._was_up, self._up_since_s = True, self._clock.monotonic()
            self._trouble = None
        if self._link.down is not None:
            self._lost(self._link.down)
            return False
        if self._link.up and received and not self._lasting:
            self._hang_up()
        elif self._link.up:
            self._send()
        return came_up

    def send_now(self, letter: Letter) -> None:
        """Publish a letter that is not in the outbox, if the connection is up."""
        if self._link is not None:
            self._link.publish(letter)

    def faults(self) -> tuple[Fault, ...]:
        """Return what keeps letters from arriving."""
        now = self._clock.monotonic()
        found = []
        if self._trouble is not None and (
            self._trouble is not Trouble.UNREACHABLE or now - self._down_since_s > PATIENCE_S
        ):
            found.append(fault_of(self._trouble))
        if self._broken >= UNSTEADY_TIMES and not (self._was_up and now - self._up_since_s >= STEADY_S):
            found.append(fault_of(Trouble.UNSTEADY))
        if now - self._taken_over_s < TAKEN_OVER_S:
            found.append(fault_of(Trouble.TAKEN_OVER))
        return tuple(found)

    def close(self) -> None:
        """End the connection if there is one."""
        if self._link is not None:
            self._link.close()
            self._link = None
        self._flying.clear()

    def _dial_if_due(self) -> None:
        """Begin to connect when the wait is over and there is reason to."""
        if self._clock.monotonic() < self._retry_s:
            return
        if self._lasting or self._outbox.peek(self._stream, 1):
            self._link = self._dial()
        else:
            self._trouble = None  # nothing waits for it any more

    def _receive(self, receipt: Receipt) -> list[str]:
        """Return the id of the letter that arrived, or pause when it was refused."""
        identifier, _ = self._flying.pop(receipt.mid, ("", 0.0))
        if not receipt.accepted:
            self._trouble = Trouble.REFUSED
            self._paused_until_s = self._clock.monotonic() + REFUSED_PAUSE_S
            return []
        if self._trouble is Trouble.REFUSED and identifier:
            self._trouble = None
        return [identifier] if identifier else []

    def _send(self) -> None:
        """Fill the window, or leave a broker that acknowledges nothing, or hang up when all is said."""
        now = self._clock.monotonic()
        if self._flying and now - min(sent_s for _, sent_s in self._flying.values()) > RECEIPT_S:
            self._lost(Trouble.UNREACHABLE)
            return
        self._may_send = min(
            float(self._window), self._may_send + self._pace.letters_per_s * (now - self._may_send_s))
        self._may_send_s = now
        room = min(self._window - len(self._flying), int(self._may_send))
        if now < self._paused_until_s or room <= 0 or self._link is None:
            return
        flying = {identifier for identifier, _ in self._flying.values()}
        waiting = self._outbox.peek(self._stream, self._window)
        for letter in [one for one in waiting if one.id not in flying][:room]:
            mid = self._link.publish(letter)
            if mid is None:
                return
            self._flying[mid] = (letter.id, now)
            self._may_send -= 1.0
        if not self._lasting and not self._flying:
            self._hang_up()

    def _hang_up(self) -> None:
        """End a connection that has done what it was made for."""
        self._was_up = False
        self._down_since_s = self._clock.monotonic()
        self.close()

    def _lost(self, trouble: Trouble) -> None:
        """Give the connection up and wait before the next; what was in flight is still in the outbox."""
        now = self._clock.monotonic()
        steady = self._was_up and now - self._up_since_s >= STEADY_S
        self._failures = ALL_AT_ONCE if self._was_up else self._failures + 1
        self._broken = self._broken + 1 if self._was_up and not steady else 0
        self._down_since_s = now if self._was_up else self._down_since_s
        self._was_up = False
        self.close()
        self._trouble = None if trouble is Trouble.TAKEN_OVER else trouble
        if trouble is Trouble.TAKEN_OVER:
            self._taken_over_s = now
        self._retry_s = now + self._rng.uniform(BACKOFF_MIN_S, self._longest_wait_s())

    def _longest_wait_s(self) -> float:
        """Return the bound of the next random wait: 2, 4, 8 s after the start, the whole spread later on."""
        return min(self._pace.reconnect_max_s, BACKOFF_MIN_S * 2.0 ** min(self._failures, 10))
