"""How well the heads of the segment do where they are asked, beside what is right most often.

Asked means: just before the first tone of a segment, as the device asks when it begins one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from device.evaluation.abc import Tune
from device.music.fields import target_input
from device.music.melody_network import MelodyNetwork
from models.melody.training.corpus import Rows, rows
from models.melody.training.network import CLASSES

_SMOOTHING = 0.5  # of the shares of the classes, as Laplace's, so that no class is impossible

Figures = dict[str, float | int]


def head_figures(network: MelodyNetwork, train: list[Tune], test: list[Tune]) -> dict[str, Figures]:
    """Return bits and accuracy of opening and trend on the test tunes, with their baselines.

    The baselines know the training tunes' shares of the classes: `marginal_bits`, `majority_accuracy`.
    """
    shown, learnt = [rows(tune) for tune in test], [rows(tune) for tune in train]
    said = [_answers(network, tune) for tune in shown]
    return {name: _figures(name, said, shown, learnt) for name in ("opening", "trend")}


def _figures(
    name: str, said: Sequence[dict[str, NDArray[np.float64]]], shown: Sequence[Rows], learnt: Sequence[Rows],
) -> Figures:
    """Return the figures of one head."""
    truth = np.concatenate([getattr(tune, name)[tune.border] for tune in shown])
    logits = np.concatenate([answers[name][tune.border] for answers, tune in zip(said, shown, strict=True)])
    logits = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    known = np.concatenate([getattr(tune, name)[tune.border] for tune in learnt])
    counts = np.bincount(known, minlength=CLASSES[name]) + _SMOOTHING
    shares = counts / counts.sum()
    return {
        "bits": round(float(-logits[np.arange(len(truth)), truth].mean() / np.log(2)), 3),
        "accuracy": round(float((logits.argmax(axis=1) == truth).mean()), 3),
        "marginal_bits": round(float(-np.log2(shares[truth]).mean()), 3),
        "majority_accuracy": round(float((counts.argmax() == truth).mean()), 3),
        "segments": len(truth),
    }


def _answers(network: MelodyNetwork, tune: Rows) -> dict[str, NDArray[np.float64]]:
    """Return what the heads say before each tone, the target unknown."""
    state, found = network.start(), []
    for token in tune.inputs:
        answer = network.step(tuple(int(value) for value in token), target_input(None, None, None), state)
        state = answer.state
        found.append(answer)
    return {name: np.array([getattr(answer, name) for answer in found]) for name in ("opening", "trend")}
