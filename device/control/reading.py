"""What the policy takes from the estimator: a smoothed stress level that forgets when nothing is known.

The level starts at neutral (0.5). A known estimate pulls it exponentially; without one it goes back
to neutral within a minute, so that the music eases onto the open-loop arc. Hysteresis (a backlash)
and a deadband around neutral keep the music from following noise.

| level | band | tempo against the arc |
|---|---|---|
| 0 to 1/3 | low | -6.0 to -1.6 bpm |
| 1/3 to 2/3 | medium | -1.6 to +1.6 bpm |
| 2/3 to 1 | high | +1.6 to +6.0 bpm |
"""

from __future__ import annotations

import math

from device.messages import Stress

NEUTRAL = 0.5
DEADBAND = 0.05  # around neutral: no bend
BACKLASH = 0.04  # movement that is ignored after a turn; about the noise of one estimate
SMOOTHING_S = 6.0  # at full confidence, longer in proportion below
MIN_CONFIDENCE = 0.2  # clean signals reach it a minute after first contact
FULL_CONFIDENCE = 0.5  # skin and pulse together reach it; one of them alone does not, and bends less
STALE_S = 5.0
FORGET_PER_S = 0.5 / 60.0  # from either extreme to neutral in a minute


def known_level(stress: Stress | None, at_s: float) -> float | None:
    """Return the level if it is known, confident and at most 5 s old, else None.

    Below full confidence it is drawn toward neutral in proportion, so that a guess bends the music less.
    """
    if stress is None or stress.level is None or at_s - stress.at_s > STALE_S:
        return None
    if not math.isfinite(stress.level) or not stress.confidence >= MIN_CONFIDENCE:
        return None
    level = min(max(stress.level, 0.0), 1.0)
    return NEUTRAL + (level - NEUTRAL) * min(1.0, stress.confidence / FULL_CONFIDENCE)


def bend_share(level: float) -> float:
    """Return how far the arc is bent: -1 at level 0, 0 inside the deadband, 1 at level 1."""
    away = level - NEUTRAL
    beyond = max(0.0, abs(away) - DEADBAND) / (NEUTRAL - DEADBAND)
    return math.copysign(beyond, away)


class StressReading:
    """Smooths the stress level for the policy; `level` is 0 to 1, 0.5 neutral."""

    def __init__(self, level: float = NEUTRAL) -> None:
        self._smoothed = level
        self.level = level

    def settle(self, level: float) -> None:
        """Take a level at once: at the beginning of a session the music meets the patient."""
        self._smoothed = self.level = level

    def follow(self, level: float, confidence: float, elapsed_s: float) -> None:
        """Move toward a known level.

        Args:
            level: 0 to 1.
            confidence: 0.2 to 1.
            elapsed_s: seconds since the last call.
        """
        share = -math.expm1(-elapsed_s * min(confidence, 1.0) / SMOOTHING_S)
        self._smoothed += (level - self._smoothed) * share
        self.level = min(max(self.level, self._smoothed - BACKLASH), self._smoothed + BACKLASH)

    def forget(self, elapsed_s: float) -> None:
        """Move back to neutral: nothing is known."""
        reach = FORGET_PER_S * elapsed_s
        self.level += min(max(NEUTRAL - self.level, -reach), reach)
        self._smoothed = self.level
