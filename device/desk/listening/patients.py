"""Patients of the listening test: what the estimator would say of them, second by second.

They are scripts, not bodies: the music does not change them, so that two styles or two versions of the
composer play to the same patient. Levels and heart rates are chosen; they wander a little, as
estimates do.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final, NamedTuple

from device.messages import Features, Stress, StressBand
from device.vitals import PpgFeatures

WANDER_PERIODS_S = (47.0, 17.0)  # no common period, so that no two minutes are alike
WANDER_LEVEL, WANDER_BPM = 0.04, 2.0
LOW_BELOW, HIGH_FROM = 0.4, 0.6
CALM_LEVEL, CALM_BPM = 0.12, 60.0
TENSE_LEVEL, TENSE_BPM = 0.90, 92.0


class Moment(NamedTuple):
    """One second of a patient: stress `level` 0 to 1 (None: unknown) and heart rate."""

    level: float | None
    hr_bpm: float


def calm(_share: float) -> Moment:
    """Calm from beginning to end."""
    return Moment(CALM_LEVEL, CALM_BPM)


def tense(_share: float) -> Moment:
    """Tense from beginning to end, whatever is played."""
    return Moment(TENSE_LEVEL, TENSE_BPM)


def falling(share: float) -> Moment:
    """Tense at first, calm from three quarters of the session on."""
    left = max(0.0, 1.0 - share / 0.75)
    return Moment(CALM_LEVEL + (TENSE_LEVEL - CALM_LEVEL) * left, CALM_BPM + (TENSE_BPM - CALM_BPM) * left)


def doubtful(share: float) -> Moment:
    """Calmer and tenser by turns, and unknown in between: four spells of each."""
    turn = share * 4 % 1
    if turn > 0.75:  # noqa: PLR2004 - the last quarter of each turn
        return Moment(None, 75.0)
    return Moment(0.5 - 0.4 * math.cos(2 * math.pi * turn / 0.75), 75.0)


PATIENTS: Final[dict[str, Callable[[float], Moment]]] = {
    "calm": calm, "tense": tense, "falling": falling, "doubtful": doubtful,
}
HEARD = ("calm", "tense", "falling")  # those whose sessions are rendered as sound


def messages_of(name: str, elapsed_s: float, duration_s: float, at_s: float) -> tuple[Features, Stress]:
    """Return what the estimator would publish of a patient.

    Args:
        name: a key of `PATIENTS`.
        elapsed_s: seconds since the session began; earlier and later ones count as its ends.
        duration_s: length of the session.
        at_s: monotonic time of the messages.
    """
    moment = PATIENTS[name](min(1.0, max(0.0, elapsed_s / duration_s)))
    slow, quick = (math.sin(2 * math.pi * elapsed_s / period_s) for period_s in WANDER_PERIODS_S)
    wander = (slow + quick) / 2
    features = Features(
        at_s=at_s, window_s=60.0, eda=None, temperature=None, eeg=None,
        ppg=PpgFeatures(hr_bpm=moment.hr_bpm + WANDER_BPM * wander, rmssd_ms=35.0, sdnn_ms=45.0,
                        pulse_amplitude_v=0.5, quality=0.9))
    if moment.level is None:
        return features, Stress(at_s=at_s, level=None, confidence=0.0, band=StressBand.UNKNOWN, sources=(),
                                reason="scripted: nothing known")
    level = min(1.0, max(0.0, moment.level + WANDER_LEVEL * wander))
    return features, Stress(at_s=at_s, level=level, confidence=0.8, band=_band(level), sources=("eda", "ppg"),
                            reason="", variance=0.01)


def _band(level: float) -> StressBand:
    """Return the band that a person would read."""
    if level < LOW_BELOW:
        return StressBand.LOW
    return StressBand.HIGH if level >= HIGH_FROM else StressBand.MEDIUM
