"""Valence and arousal from EEG, skin and pulse: exploratory, shown and logged, never used for control.

Arousal is how far beta/alpha (Ray & Cole 1985, Science 228:750: beta with effort, alpha with rest), heart
rate and skin conductance stand above this person's first minute. Valence is the frontal asymmetry
ln alpha(right) - ln alpha(left) (Davidson 1992, Brain and Cognition 20:125; Allen, Coan & Nazarian 2004,
Biological Psychology 67:183): relatively less alpha on the left goes with approach and pleasant states.
Single people differ widely and others found the asymmetry useless as a control signal.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from device.messages import Features
from device.stress.eeg_inputs import BANDS, CHANNELS, FIRST_BAND, FirstMinute
from device.vitals import EegFeatures

USABLE_QUALITY = 0.5
ALPHA = FIRST_BAND + BANDS.index("alpha")
LEFT, RIGHT = CHANNELS.index("Fp1"), CHANNELS.index("Fp2")
# ln units that count as one step: a person's own spread at rest as measured, median over the EEGMAT people,
# and for heart rate and skin conductance within the people of Stress-Predict.
BETA_ALPHA_STEP = 0.15
ASYMMETRY_STEP = 0.09
HEART_STEP = 0.07
SKIN_STEP = 0.4
STEADY = 2.0  # steps at which the bounded axis reaches tanh(1) = 0.76


class Affect(NamedTuple):
    """Two axes, -1 to 1: `valence` unpleasant to pleasant, `arousal` calm to excited; None without EEG."""

    valence: float | None
    arousal: float | None


class AffectEstimator:
    """Follows one person after another; a new one begins after two minutes without signal."""

    def __init__(self) -> None:
        self._activity = FirstMinute(3)  # ln beta/alpha, ln heart rate, ln skin conductance
        self._asymmetry = FirstMinute(1)

    def update(self, features: Features) -> Affect:
        """Return both axes after this second's features; call it once a second, in order of time.

        Both are None without clean EEG and within the first minute of contact; valence also without
        either forehead channel. Heart rate and skin conductance join arousal where they are clean.
        """
        eeg = features.eeg
        if eeg is not None and eeg.quality < USABLE_QUALITY:
            eeg = None
        steps = self._activity.update(features.at_s, _activity(features, eeg))
        steps /= (BETA_ALPHA_STEP, HEART_STEP, SKIN_STEP)
        asymmetry = float(self._asymmetry.update(features.at_s, np.array([_asymmetry(eeg)]))[0])
        if not math.isfinite(steps[0]):
            return Affect(None, None)
        return Affect(
            valence=_bounded(asymmetry / ASYMMETRY_STEP) if math.isfinite(asymmetry) else None,
            arousal=_bounded(float(steps[np.isfinite(steps)].mean())))


def _activity(features: Features, eeg: EegFeatures | None) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return what rises with arousal, in ln units, NaN where a signal is absent or poor."""
    eda, ppg = features.eda, features.ppg
    return np.array([
        math.nan if eeg is None or eeg.beta_alpha <= 0.0 else math.log(eeg.beta_alpha),
        math.nan if ppg is None or ppg.quality < USABLE_QUALITY else math.log(ppg.hr_bpm),
        math.nan if eda is None or eda.quality < USABLE_QUALITY or eda.tonic_us <= 0.0
        else math.log(eda.tonic_us)])


def _asymmetry(eeg: EegFeatures | None) -> float:
    """Return ln alpha(right) - ln alpha(left) of the forehead, NaN where either is unknown."""
    if eeg is None or len(eeg.ln_power) != len(CHANNELS):
        return math.nan
    left, right = eeg.ln_power[LEFT], eeg.ln_power[RIGHT]
    return math.nan if left is None or right is None else right[ALPHA] - left[ALPHA]


def _bounded(steps: float) -> float:
    """Return -1 to 1, steep around 0."""
    return math.tanh(steps / STEADY)
