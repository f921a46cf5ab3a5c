"""What EEG, and the heart rate beside it, say of the stress: personal baseline, model, abstention."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from device.messages import Features
from device.stress.eeg_card import ADVICE, EegCard, FusionWeights, HeartCurve, read_eeg_card
from device.stress.eeg_inputs import FirstMinute, input_names, model_vector, read_powers
from device.stress.network import Network
from device.stress.opinion import Opinion

USABLE_QUALITY = 0.5  # a worse signal neither speaks nor teaches the baseline
CLEAN_NOW = 0.9  # a blink on two of eight channels, or anything larger, within the last 4 s silences it
PULSE_QUALITY = 0.5  # of the pulse that the heart rate is taken from
HEART_VARIANCE = 0.5  # chosen: one number says little, however sure the curve is
LARGEST_LOGIT = 4.0  # chosen: no recording so clean and so small a study supports more than 98 %


class EegModel:
    """An ensemble on EEG: personal deviations to one logit of stress against rest for each member.

    Args:
        path: the .tflite file; `card.json` lies beside it.

    Raises:
        ModelError: one line on what is absent, damaged or does not fit, and what to do.
    """

    def __init__(self, path: Path) -> None:
        content, self.card = read_eeg_card(path)
        self._network = Network(path, content, len(self.card.inputs), (self.card.members,), ADVICE)
        self.spread = np.array([one.spread for one in self.card.inputs])

    def logits(self, vector: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return each member's calibrated logit of one input vector (see `model_vector`)."""
        raw = self._network.run(vector)
        return np.asarray(raw / self.card.temperature + self.card.bias)


class EegExpert:
    """Judges the EEG of one person after another.

    Args:
        model: the checked model.
    """

    def __init__(self, model: EegModel) -> None:
        self._model = model
        self._usual = FirstMinute(len(input_names()))

    def update(self, features: Features) -> Opinion | None:
        """Return what this second's EEG says; call it once a second, in order of time.

        None without clean EEG on five of the eight channels, within the first minute of contact, during an
        artefact, with muscle or movement anywhere in the window (weaker muscle beside it passes for beta), or
        if the spectrum is unlike anything that the model was shown.
        """
        eeg = features.eeg
        if eeg is None or eeg.quality < USABLE_QUALITY:
            return None
        deviations = self._usual.update(features.at_s, read_powers(eeg))
        vector = model_vector(deviations, self._model.spread)
        if vector is None or eeg.clean_now < CLEAN_NOW or eeg.muscle_share > 0.0:
            return None
        if math.sqrt(float(vector @ vector) / vector.size) > self._model.card.farthest:
            return None
        logits = self._model.logits(vector)
        return Opinion(_bounded(float(logits.mean())), float(logits.var()), eeg.quality)


class HeartExpert:
    """Judges the heart rate of one person after another, where only mental stress against rest is asked.

    Args:
        curve: from the card of the EEG model.
    """

    def __init__(self, curve: HeartCurve) -> None:
        self._curve = curve
        self._usual = FirstMinute(1)

    def update(self, features: Features) -> Opinion | None:
        """Return what this second's heart rate says, None without a clean pulse or in the first minute."""
        ppg = features.ppg
        if ppg is None or ppg.quality < PULSE_QUALITY:
            return None
        ratio = float(self._usual.update(features.at_s, np.array([math.log(ppg.hr_bpm)]))[0])
        if not math.isfinite(ratio):
            return None
        logit = self._curve.slope * ratio + self._curve.bias
        return Opinion(_bounded(logit), HEART_VARIANCE, ppg.quality)


def both_logit(eeg: Opinion | None, heart: Opinion | None, weights: FusionWeights) -> float | None:
    """Return the log-odds after late fusion of what is there, None if nothing is."""
    if eeg is None or heart is None:
        one = eeg or heart
        return None if one is None else one.logit
    return weights.eeg * eeg.logit + weights.heart * heart.logit + weights.bias


def _bounded(logit: float) -> float:
    """Return a logit within what may be claimed."""
    return min(max(logit, -LARGEST_LOGIT), LARGEST_LOGIT)


__all__ = ["EegCard", "EegExpert", "EegModel", "HeartExpert", "both_logit"]
