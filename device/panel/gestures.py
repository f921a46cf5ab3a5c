"""What a finger meant: the polled level of one button becomes presses, taps and holds.

| gesture | when | what the session makes of it |
|---|---|---|
| `PRESS` | the button went down (after 20 ms without bounce) | starts a session when none runs |
| `TAP` | it came up again before 2 s | ends a running session gently, unless this press started it |
| `HOLD` | it has been down for 2.0 s and still is | silence at once, in any state |
| `RELEASE` | it came up after a hold | back to ready |

A start is recognised on the way down, so that light and sound answer at once; if the finger was only
meant to silence, the hold takes the start back two seconds later. An ending is recognised on the way
up, because only then it is sure that silence was not meant.
"""

from __future__ import annotations

from enum import StrEnum

from device.messages import Fault, Severity

DEBOUNCE_S = 0.02  # tactile switches bounce for 1 to 10 ms (Ganssle, "A Guide to Debouncing", 2008)
HOLD_S = 2.0
STUCK_S = 30.0

_ROUNDING_S = 1e-9  # of sums of periods

STUCK_FAULT = Fault(
    code="button_stuck", severity=Severity.ATTENTION,
    advice="the button reads as pressed for more than 30 s: free it, then check its wiring for a short",
)


class Gesture(StrEnum):
    """What the button just did."""

    PRESS = "press"
    TAP = "tap"
    HOLD = "hold"
    RELEASE = "release"


class Gestures:
    """Debounces one button, polled every 10 to 20 ms, and names what it does.

    A pulse or a pause shorter than 20 ms is bounce. A button that is down at the first poll may
    silence (`HOLD`) but never starts or ends anything: nobody knows when that finger came. A button
    down for more than 30 s is stuck: `RELEASE` is given in its place and it is ignored until it is up.
    """

    def __init__(self) -> None:
        self._raw: bool | None = None
        self._raw_since_s = 0.0
        self._down = False
        self._down_since_s = 0.0
        self._inherited = False
        self._held = False
        self._stuck = False

    @property
    def down(self) -> bool:
        """Tell whether the button is down, without bounce."""
        return self._down

    def faults(self) -> tuple[Fault, ...]:
        """Return `button_stuck` (attention) while the button is stuck."""
        return (STUCK_FAULT,) if self._stuck else ()

    def update(self, pressed: bool, at_s: float) -> Gesture | None:
        """Take one poll of the level and return the gesture it completes, if any.

        Args:
            pressed: the level at this moment, bounce included.
            at_s: monotonic seconds of the poll, never less than at the poll before.
        """
        if self._raw is None:
            self._inherit(pressed, at_s)
            return None
        if pressed != self._raw:
            self._raw = pressed
            self._raw_since_s = at_s
        if pressed != self._down:
            settled = at_s - self._raw_since_s >= DEBOUNCE_S - _ROUNDING_S
            return self._settle(pressed) if settled else None
        return self._held_gesture(at_s) if pressed else None

    def _inherit(self, pressed: bool, at_s: float) -> None:
        """Take over the level found at the first poll."""
        self._raw = self._down = self._inherited = pressed
        self._raw_since_s = self._down_since_s = at_s

    def _settle(self, pressed: bool) -> Gesture | None:
        """Accept the new level and name the edge."""
        self._down = pressed
        if pressed:
            self._down_since_s = self._raw_since_s
            return Gesture.PRESS
        quiet = self._stuck or (self._inherited and not self._held)
        gesture = Gesture.RELEASE if self._held else Gesture.TAP
        self._inherited = self._held = self._stuck = False
        return None if quiet else gesture

    def _held_gesture(self, at_s: float) -> Gesture | None:
        """Name what a button that stays down has come to mean."""
        held_s = at_s - self._down_since_s + _ROUNDING_S
        if not self._held and held_s >= HOLD_S:
            self._held = True
            return Gesture.HOLD
        if self._held and not self._stuck and held_s > STUCK_S:
            self._stuck = True
            return Gesture.RELEASE
        return None
