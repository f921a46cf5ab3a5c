"""The members as one stateful step in a .tflite: their answers averaged, their weights constants."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from device.music.fields import FIELD_SIZES, TARGETS
from models.melody.training.corpus import HEADS
from models.melody.training.network import CLASSES, UNITS


def export(members: list[Any], path: Path) -> None:
    """Write the step: token, target, h, c in; logits of four heads, h, c out.

    The logits are logarithms of the members' mean probabilities. Weights are kept in 8 bits.
    """
    import tensorflow as tf

    steps = [_member(model) for model in members]
    state = tf.TensorSpec((len(members), UNITS), tf.float32)

    class Step(tf.Module):  # type: ignore[misc]
        """One step of all members."""

        @tf.function(input_signature=[  # type: ignore[untyped-decorator]
            tf.TensorSpec((1, len(FIELD_SIZES)), tf.int32, "token"),
            tf.TensorSpec((1, TARGETS), tf.float32, "target"),
            tf.TensorSpec(state.shape, tf.float32, "h_in"), tf.TensorSpec(state.shape, tf.float32, "c_in")])
        def step(self, token: Any, target: Any, h_in: Any, c_in: Any) -> dict[str, Any]:  # noqa: ANN401
            """Advance by one tone."""
            said, h_out, c_out = zip(*(
                member(token, target, h_in[i : i + 1], c_in[i : i + 1])
                for i, member in enumerate(steps)), strict=True)
            chances = {
                name: tf.add_n([tf.nn.softmax(heads[name]) for heads in said]) / float(len(said))
                for name in HEADS}
            logits = {name: tf.math.log(found + 1e-9) for name, found in chances.items()}
            return {**logits, "h_out": tf.concat(h_out, axis=0), "c_out": tf.concat(c_out, axis=0)}

    module = Step()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([module.step.get_concrete_function()], module)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]  # dynamic range: weights in 8 bits
    path.write_bytes(converter.convert())


def _member(model: Any) -> Any:  # noqa: ANN401 - Keras has no types
    """Return the step of one member as a function of token, target and its states."""
    import tensorflow as tf

    tables = [model.get_layer(f"field{i}").get_weights()[0] for i in range(len(FIELD_SIZES))]
    table = tf.constant(np.concatenate(tables))
    offsets = tf.constant(np.cumsum([0, *FIELD_SIZES[:-1]])[None], tf.int32)  # of each field in the table
    kernel, recurrent, bias = model.get_layer("lstm").get_weights()
    weights = tf.concat([tf.constant(kernel), tf.constant(recurrent)], axis=0)
    heads = [model.get_layer(name).get_weights() for name in HEADS]
    head = tf.concat([tf.constant(part) for part, _ in heads], axis=1)
    offset = tf.concat([tf.constant(part) for _, part in heads], axis=0)
    sizes = [CLASSES[name] for name in HEADS]

    def step(token: Any, target: Any, h_in: Any, c_in: Any) -> tuple[dict[str, Any], Any, Any]:  # noqa: ANN401
        """Advance by one tone (gate order of Keras: input, forget, cell, output)."""
        joined = tf.reshape(tf.gather(table, token + offsets), (1, -1))
        gates = tf.matmul(tf.concat([joined, target, h_in], axis=1), weights) + bias
        enter, forget, cell, leave = tf.split(gates, 4, axis=1)
        c_out = tf.sigmoid(forget) * c_in + tf.sigmoid(enter) * tf.tanh(cell)
        h_out = tf.sigmoid(leave) * tf.tanh(c_out)
        logits = tf.split(tf.matmul(h_out, head) + offset, sizes, axis=1)
        return dict(zip(HEADS, logits, strict=True)), h_out, c_out

    return step
