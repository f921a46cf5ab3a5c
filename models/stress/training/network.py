"""The stress network: a small dense net that learns to do without any of its sources."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from device.stress.inputs import INPUTS, SOURCES

FloatArray = NDArray[np.float32]
Labels = NDArray[np.int64]

HIDDEN = (24, 12)
WEIGHT_DECAY = 1e-3
DROPOUT = 0.2
EPOCHS = 12
BATCH = 256
RATE = 2e-3
COPIES = 2  # of the training set with random sources taken out, beside the whole one
KEEP_SOURCE = 0.5


def make_deterministic(seed: int) -> None:
    """Seed every generator and keep TensorFlow to one thread, so that runs repeat bit by bit."""
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def without_sources(vectors: FloatArray, keep: NDArray[np.bool_]) -> FloatArray:
    """Return the vectors with sources taken out.

    Args:
        vectors: rows as of `model_vector`.
        keep: which sources stay, one row for each vector or one for all.
    """
    of_input = [SOURCES.index(one.source) for one in INPUTS]
    keep = np.broadcast_to(keep, (len(vectors), len(SOURCES)))
    return np.asarray(vectors * np.concatenate((keep[:, of_input], keep), axis=1), dtype=np.float32)


def augment(vectors: FloatArray, label: Labels, seed: int) -> tuple[FloatArray, Labels]:
    """Return the training set and copies with random sources taken out, none of them empty."""
    random = np.random.default_rng(seed)
    keeps = [random.random((len(vectors), len(SOURCES))) < KEEP_SOURCE for _ in range(COPIES)]
    parts = [vectors, *(without_sources(vectors, keep) for keep in keeps)]
    rows, labels = np.concatenate(parts), np.tile(label, COPIES + 1)
    informed = rows[:, len(INPUTS):].any(axis=1)
    return rows[informed], labels[informed]


def balance(label: Labels) -> NDArray[np.float64]:
    """Return weights that give both classes the same total, 1 on average."""
    share = label.mean()
    weight: NDArray[np.float64] = np.where(label == 1, 0.5 / share, 0.5 / (1.0 - share))
    return weight


def train(vectors: FloatArray, label: Labels, seed: int) -> Any:  # noqa: ANN401 - Keras has no types
    """Return a trained Keras model, vectors to logits."""
    tf.keras.backend.clear_session()
    tf.keras.utils.set_random_seed(seed)
    rows, labels = augment(vectors, label, seed)
    decay = tf.keras.regularizers.l2(WEIGHT_DECAY)
    layers: list[Any] = [tf.keras.layers.Input((rows.shape[1],))]
    for units in HIDDEN:
        layers += [tf.keras.layers.Dense(units, "relu", kernel_regularizer=decay),
                   tf.keras.layers.Dropout(DROPOUT)]
    model = tf.keras.Sequential([*layers, tf.keras.layers.Dense(1, kernel_regularizer=decay)])
    schedule = tf.keras.optimizers.schedules.CosineDecay(RATE, EPOCHS * -(-len(rows) // BATCH))
    model.compile(tf.keras.optimizers.Adam(schedule), tf.keras.losses.BinaryCrossentropy(from_logits=True))
    model.fit(rows, labels, batch_size=BATCH, epochs=EPOCHS, sample_weight=balance(labels), verbose=0)
    return model


def logits(model: Any, vectors: FloatArray) -> NDArray[np.float64]:  # noqa: ANN401 - Keras has no types
    """Return the model's logits of all rows."""
    return np.asarray(model(vectors, training=False)).astype(np.float64)[:, 0]


def to_tflite(model: Any) -> bytes:  # noqa: ANN401 - Keras has no types
    """Return the model as a TFLite file for one vector at a time."""
    call = tf.function(lambda row: model(row, training=False))
    size = model.input_shape[-1]
    concrete = call.get_concrete_function(tf.TensorSpec((1, size), tf.float32, name="inputs"))
    return bytes(tf.lite.TFLiteConverter.from_concrete_functions([concrete], model).convert())
