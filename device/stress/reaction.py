"""The patient's reaction of the last seconds: an unusual change of skin conductance, with its sign.

The stress level is a matter of minutes. A startle is not: skin conductance jumps within seconds, and
the music shall answer before a minute's features know. What counts as unusual is personal.
"""

from __future__ import annotations

import math

from device.vitals import EdaFeatures

# Chosen on 28 wrist recordings: spells an hour of jumps and of falls are 4.5 and 1.8 at rest, 3.7 and 4.1
# in the baseline (questionnaires), 5.7 and 0 in a Stroop test, 9.7 and 4.9 in an interview.
DEAD_ZONE = 0.20  # natural log ratio: 22 %
DEAD_ZONE_US = 0.10  # spontaneous responses of up to 0.1 uS are nothing, however low the level
USUAL_TIMES = 5.0  # how many times this person's usual change is unusual
FULL_SPAN = 0.5  # natural log ratio beyond the dead zone that counts as a full reaction

USUAL_BEFORE = 0.03  # usual change of a person not yet known: the median over people
BEFORE_S = 120.0  # seconds that this prior counts as
MEMORY_S = 600.0
MOST_LEARNT = 0.3  # of one second: a startle does not make startles usual

GOOD_CONTACT = 0.5  # quality; half a minute after contact it cannot be more
RESET_AFTER_S = 120.0  # without skin for this long, somebody else may wear the electrodes


class ReactionScale:
    """Scales fast changes of skin conductance by what is usual for this person since contact."""

    def __init__(self) -> None:
        self._last_s: float | None = None
        self._usual = USUAL_BEFORE
        self._seconds = BEFORE_S

    def update(self, at_s: float, eda: EdaFeatures | None) -> float:
        """Return the reaction, -1 (falls fast) to 1 (jumps); 0 when it is usual or unknown.

        Args:
            at_s: monotonic seconds; after 120 s without skin the scale starts anew.
            eda: this second's skin conductance.
        """
        if eda is None:
            return 0.0
        if self._last_s is not None and at_s - self._last_s > RESET_AFTER_S:
            self._clear()
        self._last_s = at_s
        change = eda.fast_change
        if change is None or not math.isfinite(change) or eda.quality < GOOD_CONTACT:
            return 0.0
        found = reaction(change, self.dead_zone(eda.tonic_us))
        self._seconds = min(self._seconds + 1.0, MEMORY_S)
        self._usual += (min(abs(change), MOST_LEARNT) - self._usual) / self._seconds
        return found

    def dead_zone(self, tonic_us: float) -> float:
        """Return how large a change (natural log ratio) is still nothing at a level in microsiemens."""
        small = math.log1p(DEAD_ZONE_US / max(tonic_us, 1e-3))
        return max(DEAD_ZONE, USUAL_TIMES * self._usual, small)

    def _clear(self) -> None:
        """Forget the person."""
        self._usual = USUAL_BEFORE
        self._seconds = BEFORE_S


def reaction(fast_change: float, dead_zone: float) -> float:
    """Return -1 to 1: 0 within the dead zone, full at 0.5 (natural log ratio) beyond it."""
    beyond = max(0.0, abs(fast_change) - dead_zone)
    return math.copysign(min(1.0, beyond / FULL_SPAN), fast_change) if beyond else 0.0
