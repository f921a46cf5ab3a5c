"""The melody network: embeddings, one LSTM layer, a head for the interval and one for the duration.

Trained on whole tunes with Keras, exported as one stateful step whose weights are constants.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.music.tokens import DURATIONS_BEATS, FIELD_SIZES, INTERVALS
from models.melody.training.corpus import IGNORE

UNITS = 128
WIDTHS = (24, 16, 16, 8, 12, 12, 4, 4)  # of the embedding of each input field
INPUT_DROPOUT = 0.2
OUTPUT_DROPOUT = 0.6
LEARNING_RATE = 4e-3
WEIGHT_DECAY = 1e-2
AVERAGING = 0.98  # momentum of the average of the weights over steps, which is what is kept
DURATION_WEIGHT = 0.3  # the duration head learns faster; it must not pull the LSTM away from pitch
BATCH = 8

Arrays = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]


def build() -> Any:  # noqa: ANN401 - Keras has no types
    """Return the untrained Keras model: (tunes, steps, fields) to two rows of logits."""
    import tensorflow as tf

    layers = tf.keras.layers
    tokens = tf.keras.Input((None, len(FIELD_SIZES)), dtype="int32", name="token")
    embedded = [
        layers.Embedding(size, width, name=f"field{index}")(tokens[..., index])
        for index, (size, width) in enumerate(zip(FIELD_SIZES, WIDTHS, strict=True))]
    joined = layers.Dropout(INPUT_DROPOUT)(layers.Concatenate()(embedded))
    hidden = layers.Dropout(OUTPUT_DROPOUT)(layers.LSTM(UNITS, return_sequences=True, name="lstm")(joined))
    return tf.keras.Model(tokens, [
        layers.Dense(INTERVALS, name="interval")(hidden),
        layers.Dense(len(DURATIONS_BEATS), name="duration")(hidden),
    ])


def fit(model: Any, train: Arrays, validation: Arrays, epochs: int, patience: int) -> list[float]:  # noqa: ANN401
    """Train until the validation loss has not fallen for `patience` epochs; keep the best weights.

    Returns:
        The validation loss of the interval in bits, epoch by epoch.
    """
    import tensorflow as tf

    loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=IGNORE)
    optimizer = tf.keras.optimizers.AdamW(
        LEARNING_RATE, weight_decay=WEIGHT_DECAY, clipnorm=1.0, use_ema=True, ema_momentum=AVERAGING)
    model.compile(optimizer, loss={"interval": loss, "duration": loss},
                  loss_weights={"interval": 1.0, "duration": DURATION_WEIGHT})
    best, waited, kept, history = np.inf, 0, model.get_weights(), []
    for _ in range(epochs):
        model.fit(train[0], {"interval": train[1], "duration": train[2]}, batch_size=BATCH, verbose=0)
        raw = model.get_weights()
        optimizer.finalize_variable_values(model.trainable_variables)  # the averaged weights
        found = bits(model, validation)
        history.append(found[0])
        score = found[0] + DURATION_WEIGHT * found[1]
        if score < best:
            best, waited, kept = score, 0, model.get_weights()
        else:
            waited += 1
        model.set_weights(raw)
        if waited >= patience:
            break
    model.set_weights(kept)
    return history


def bits(model: Any, part: Arrays) -> tuple[float, float]:  # noqa: ANN401
    """Return the mean bits per interval and per duration over the answers that count."""
    interval, duration = model.predict(part[0], verbose=0, batch_size=32)
    return _bits(interval, part[1]), _bits(duration, part[2])


def _bits(logits: NDArray[np.float32], answers: NDArray[np.int32]) -> float:
    """Return the mean bits of the answers under the softmax of logits."""
    counted = answers != IGNORE
    rows = logits[counted].astype(np.float64)
    rows -= rows.max(axis=1, keepdims=True)
    chosen = rows[np.arange(len(rows)), answers[counted]] - np.log(np.exp(rows).sum(axis=1))
    return float(-chosen.mean() / np.log(2))


def export(model: Any, path: Path) -> None:  # noqa: ANN401
    """Write the step as .tflite: token, h, c in; interval, duration, h, c out; weights are constants."""
    import tensorflow as tf

    tables = [tf.constant(model.get_layer(f"field{i}").get_weights()[0]) for i in range(len(FIELD_SIZES))]
    kernel, recurrent, bias = (tf.constant(part) for part in model.get_layer("lstm").get_weights())
    heads = {name: [tf.constant(part) for part in model.get_layer(name).get_weights()]
             for name in ("interval", "duration")}
    state = tf.TensorSpec((1, UNITS), tf.float32)

    class Step(tf.Module):  # type: ignore[misc]
        """One step of the network."""

        @tf.function(input_signature=[  # type: ignore[untyped-decorator]
            tf.TensorSpec((1, len(FIELD_SIZES)), tf.int32, "token"),
            tf.TensorSpec(state.shape, tf.float32, "h_in"), tf.TensorSpec(state.shape, tf.float32, "c_in")])
        def step(self, token: Any, h_in: Any, c_in: Any) -> dict[str, Any]:  # noqa: ANN401
            """Advance by one tone (gate order of Keras: input, forget, cell, output)."""
            joined = tf.concat([tf.gather(table, token[:, i]) for i, table in enumerate(tables)], axis=1)
            gates = tf.matmul(joined, kernel) + tf.matmul(h_in, recurrent) + bias
            enter, forget, cell, leave = tf.split(gates, 4, axis=1)
            c_out = tf.sigmoid(forget) * c_in + tf.sigmoid(enter) * tf.tanh(cell)
            h_out = tf.sigmoid(leave) * tf.tanh(c_out)
            logits = {name: tf.matmul(h_out, weights) + offset for name, (weights, offset) in heads.items()}
            return {**logits, "h_out": h_out, "c_out": c_out}

    module = Step()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([module.step.get_concrete_function()], module)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]  # dynamic range: weights in 8 bits
    path.write_bytes(converter.convert())
