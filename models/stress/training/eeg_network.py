"""TensorFlow's part: the kernel ensemble as a TFLite file, and two networks to compare it with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from models.stress.training.eeg_calibration import Calibration, calibrate
from models.stress.training.eeg_models import KernelEnsemble, Predictor
from models.stress.training.eeg_people import FloatArray, Labels, Person, Rows, typical_spread, vectors
from models.stress.training.eeg_sequences import Sequences

VERSION = str(tf.__version__)
HELD_BACK = 4  # every fourth person calibrates the network and is not learnt from
BATCH = 64
DENSE_MEMBERS = 3
DENSE_EPOCHS = 30
GRU_EPOCHS = 15


def make_deterministic(seed: int) -> None:
    """Seed every generator and keep TensorFlow to one thread, so that runs repeat bit by bit."""
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def to_tflite(model: KernelEnsemble) -> bytes:
    """Return the ensemble as a TFLite file: one vector to the uncalibrated logits of its members."""
    rows = tf.constant(model.rows)
    squares = tf.constant((model.rows**2).sum(axis=1))
    weight = tf.constant(model.weight.astype(np.float32))
    intercept = tf.constant(model.intercept.astype(np.float32))

    def call(vector: Any) -> Any:  # noqa: ANN401 - TensorFlow has no types here
        """Return exp(-gamma |x - r|^2) weighted, as of `KernelEnsemble`."""
        distance = tf.reduce_sum(vector * vector) + squares - 2.0 * tf.matmul(vector, rows, transpose_b=True)
        return tf.matmul(tf.exp(-model.gamma * distance), weight) + intercept

    entry = tf.TensorSpec((1, model.rows.shape[1]), tf.float32, name="deviations")
    concrete = tf.function(call).get_concrete_function(entry)
    return bytes(tf.lite.TFLiteConverter.from_concrete_functions([concrete], tf.Module()).convert())


def dense_trainer(people: Sequence[Person], seed: int) -> Predictor:
    """Train a few small dense networks and average them."""
    spread = typical_spread(people)
    rows = [vectors(one, spread) for one in people]
    labels = [one.label for one in people]
    models, calibration = _fitted(rows, labels, seed, _dense, DENSE_MEMBERS, DENSE_EPOCHS)
    return lambda one: calibration.apply(_mean_logit(models, vectors(one, spread)))


def gru_trainer(people: Sequence[Person], sequences: dict[str, Sequences], seed: int) -> Predictor:
    """Train a gated recurrent network on the ten 2 s spectra of every window."""
    spread = typical_spread(people)
    rows = [sequences[one.name].scaled(spread) for one in people]
    labels = [sequences[one.name].label for one in people]
    models, calibration = _fitted(rows, labels, seed, _recurrent, 1, GRU_EPOCHS)
    return lambda one: calibration.apply(_mean_logit(models, sequences[one.name].scaled(spread)))


def _fitted(
    rows: Sequence[Rows], labels: Sequence[Labels], seed: int, build: Any,  # noqa: ANN401 - Keras
    members: int, epochs: int,
) -> tuple[list[Any], Calibration]:
    """Return networks trained on three quarters of the people, calibrated on the others."""
    learn = [index for index in range(len(rows)) if index % HELD_BACK]
    test = [index for index in range(len(rows)) if not index % HELD_BACK]
    x, y = np.concatenate([rows[k] for k in learn]), np.concatenate([labels[k] for k in learn])
    weight = np.where(y == 1, 0.5 / y.mean(), 0.5 / (1.0 - y.mean()))
    tf.keras.backend.clear_session()
    models = []
    for member in range(members):
        tf.keras.utils.set_random_seed(seed + member)
        model = build(x.shape[1:])
        model.compile(tf.keras.optimizers.Adam(2e-3), tf.keras.losses.BinaryCrossentropy(from_logits=True))
        model.fit(x, y, batch_size=BATCH, epochs=epochs, sample_weight=weight, verbose=0)
        models.append(model)
    logit = _mean_logit(models, np.concatenate([rows[k] for k in test]))
    return models, calibrate(logit, np.concatenate([labels[k] for k in test]))


def _dense(shape: tuple[int, ...]) -> Any:  # noqa: ANN401 - Keras has no types
    """Return a small dense network."""
    decay = tf.keras.regularizers.l2(3e-3)
    return tf.keras.Sequential([
        tf.keras.layers.Input(shape),
        tf.keras.layers.Dense(24, "relu", kernel_regularizer=decay), tf.keras.layers.Dropout(0.3),
        tf.keras.layers.Dense(12, "relu", kernel_regularizer=decay), tf.keras.layers.Dense(1)])


def _recurrent(shape: tuple[int, ...]) -> Any:  # noqa: ANN401 - Keras has no types
    """Return a small gated recurrent network over the last axis but one."""
    decay = tf.keras.regularizers.l2(1e-3)
    return tf.keras.Sequential([
        tf.keras.layers.Input(shape),
        tf.keras.layers.GRU(16, kernel_regularizer=decay, dropout=0.3), tf.keras.layers.Dense(1)])


def _mean_logit(models: Sequence[Any], rows: Rows) -> FloatArray:
    """Return the mean logit of some networks."""
    found = [np.asarray(model(rows, training=False))[:, 0] for model in models]
    return np.asarray(np.mean(found, axis=0), dtype=np.float64)
