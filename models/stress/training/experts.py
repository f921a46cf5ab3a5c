"""The shipped model: for each source an ensemble of logistic experts, every member on other people.

A member learns from as many people as there are, drawn with replacement (bagging; Breiman 1996, Mach
Learn 24:123), so that members disagree where the answer depends on who happened to take part.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from device.evaluation.metrics import weights
from device.stress.card import Card
from device.stress.inputs import SOURCES, of_source
from models.stress.training.candidates import Rows

FloatArray = NDArray[np.float64]

MEMBERS = 16


class Experts(NamedTuple):
    """Weights (members, sources, inputs), 0 for inputs of other sources, and biases (members, sources)."""

    weight: FloatArray
    bias: FloatArray

    def sensitivity(self) -> FloatArray:
        """Return for each input how much its expert's logit changes per unit, mean over members."""
        return np.asarray(np.abs(self.weight.sum(axis=1)).mean(axis=0))


class FoldModel(NamedTuple):
    """Experts as the device's `StressModel` would run them."""

    experts: Experts
    card: Card

    def logits(self, vector: NDArray[np.float32]) -> FloatArray:
        """Return each member's logits, shape (members, sources)."""
        return np.asarray(self.experts.weight @ vector.astype(np.float64) + self.experts.bias)


def train(rows: Rows, present: NDArray[np.bool_], penalty: float, seed: int) -> Experts:
    """Return the ensemble.

    Args:
        rows: deviations of people in whatever state.
        present: which sources were usable, (rows, sources); an expert learns from rows with its own.
        penalty: inverse of the L2 penalty on the weights.
        seed: of who is drawn for which member.
    """
    random = np.random.default_rng(seed)
    people = np.unique(rows.person)
    weight = np.zeros((MEMBERS, len(SOURCES), rows.values.shape[1]))
    bias = np.zeros((MEMBERS, len(SOURCES)))
    for member in range(MEMBERS):
        times = np.bincount(random.integers(people.size, size=people.size), minlength=people.size)
        drawn = times[np.searchsorted(people, rows.person)]
        for place, own in enumerate(of_source()):
            use = (drawn > 0) & present[:, place]
            model = LogisticRegression(C=penalty, max_iter=2000)
            model.fit(rows.values[use][:, own], rows.label[use],
                      sample_weight=weights(rows.label[use]) * drawn[use])
            weight[member, place, own] = model.coef_[0]
            bias[member, place] = model.intercept_[0]
    return Experts(weight, bias)


def to_tflite(experts: Experts) -> bytes:
    """Return the experts as a TFLite file: one vector (1, inputs) to logits (1, members, sources)."""
    import tensorflow as tf

    members, sources, inputs = experts.weight.shape
    layer = tf.keras.layers.Dense(members * sources)
    model = tf.keras.Sequential([tf.keras.layers.Input((inputs,), batch_size=1), layer,
                                 tf.keras.layers.Reshape((members, sources))])
    layer.set_weights([experts.weight.reshape(-1, inputs).T.astype(np.float32),
                       experts.bias.reshape(-1).astype(np.float32)])
    converter: Any = tf.lite.TFLiteConverter.from_keras_model(model)
    return bytes(converter.convert())
