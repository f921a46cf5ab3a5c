"""One member of the melody network: embeddings, one LSTM layer, four heads; and how it is trained.

The heads for the next interval and the next duration write the tones; those for the opening pitch and the
trend of the next segment (Chen 2020) say where a segment begins and leads. The network sees the target
only at times, so it also knows tunes of which nobody says how dense, high or tense they should be.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.music.fields import FIELD_SIZES, TARGETS
from device.music.tokens import DURATIONS_BEATS, HEIGHTS, INTERVALS, TRENDS
from models.melody.training.corpus import HEADS, IGNORE, Rows

UNITS = 128
CLASSES = dict(zip(HEADS, (INTERVALS, len(DURATIONS_BEATS), HEIGHTS, TRENDS), strict=True))
WEIGHTS = {"interval": 1.0, "duration": 0.3, "opening": 0.1, "trend": 0.1}  # of the losses; pitch leads
INPUT_DROPOUT = 0.2
OUTPUT_DROPOUT = 0.6
LEARNING_RATE = 4e-3  # at the start; falls to 0 as a cosine
WEIGHT_DECAY = 1e-2
BATCH = 8
AVERAGED_FROM = 0.4  # of the training; what is kept is a running average of the weights after each epoch
AVERAGING = 0.8  # its momentum
TARGET_UNKNOWN = 0.5  # share of tunes shown without any target
PART_UNKNOWN = 0.3  # share of the parts of the other targets that are left out
_LENGTH_NOISE = 6.0  # tones by which the order by length is shaken, so that batches differ
_STEP = 16  # batches are cut to multiples of it, so that few shapes are compiled
WIDTH = 16  # of the embedding of each input field; equal, so that one look-up serves all on the device


def build() -> Any:  # noqa: ANN401 - Keras has no types
    """Return an untrained member: (tunes, steps, fields) and (tunes, steps, 6) to four rows of logits."""
    import tensorflow as tf

    layers = tf.keras.layers
    tokens = tf.keras.Input((None, len(FIELD_SIZES)), dtype="int32", name="token")
    target = tf.keras.Input((None, TARGETS), name="target")
    embedded = [
        layers.Embedding(size, WIDTH, name=f"field{index}")(tokens[..., index])
        for index, size in enumerate(FIELD_SIZES)]
    joined = layers.Dropout(INPUT_DROPOUT)(layers.Concatenate()(embedded))
    told = layers.Concatenate()([joined, target])
    hidden = layers.LSTM(UNITS, return_sequences=True, name="lstm")(told)
    hidden = layers.Dropout(OUTPUT_DROPOUT)(hidden)
    return tf.keras.Model(
        [tokens, target], [layers.Dense(size, name=name)(hidden) for name, size in CLASSES.items()])


def fit(model: Any, train: Rows, seed: int, epochs: int) -> None:  # noqa: ANN401
    """Train one member and leave it with the average of its weights over the later epochs.

    Args:
        model: from `build`.
        train: padded tunes, shortest first, with targets.
        seed: of batches and of what is hidden of the targets.
        epochs: passes over the tunes.
    """
    import tensorflow as tf

    chances = np.random.default_rng(seed)
    rate = tf.keras.optimizers.schedules.CosineDecay(LEARNING_RATE, epochs * -(-len(train.inputs) // BATCH))
    optimizer = tf.keras.optimizers.AdamW(rate, weight_decay=WEIGHT_DECAY, clipnorm=1.0)

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
    def step(inputs: Any, target: Any, answers: list[Any]) -> None:  # noqa: ANN401
        """Move the weights by one batch."""
        with tf.GradientTape() as tape:
            heads = model([inputs, target], training=True)
            loss = sum(
                WEIGHTS[name] * _loss(answer, logits)
                for name, answer, logits in zip(HEADS, answers, heads, strict=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))

    kept: list[NDArray[np.float32]] = []
    for epoch in range(epochs):
        for batch in _batches(train, chances):
            answers = [getattr(batch, name) for name in HEADS]
            step(batch.inputs, hidden_in_part(batch.target, chances), answers)
        if epoch >= AVERAGED_FROM * epochs or epoch == epochs - 1:
            now = model.get_weights()
            pairs = zip(kept or now, now, strict=True)
            kept = [AVERAGING * old + (1 - AVERAGING) * new for old, new in pairs]
    model.set_weights(kept)


def hidden_in_part(
    target: NDArray[np.float32], chances: np.random.Generator,
) -> NDArray[np.float32]:
    """Return targets (tunes, steps, 6) of which whole tunes and single parts were made unknown."""
    parts = chances.random((len(target), 1, TARGETS // 2)) >= PART_UNKNOWN
    shown = parts & (chances.random((len(target), 1, 1)) >= TARGET_UNKNOWN)
    return target * np.repeat(shown, 2, axis=-1).astype(np.float32)


def predicted(members: list[Any], rows: Rows, *, told: bool = False) -> dict[str, NDArray[np.float64]]:
    """Return the mean of the members' probabilities for each head, (tunes, steps, classes).

    Args:
        members: trained models.
        rows: padded tunes.
        told: whether the members see the target.
    """
    target = rows.target if told else np.zeros_like(rows.target)
    answers = [model.predict([rows.inputs, target], verbose=0, batch_size=32) for model in members]
    return {
        name: np.mean([_softmax(answer[index]) for answer in answers], axis=0)
        for index, name in enumerate(HEADS)}


def bits(chances: NDArray[np.float64], answers: NDArray[np.int32]) -> float:
    """Return the mean bits of the answers that count."""
    counted = answers != IGNORE
    rows = chances[counted]
    return float(-np.log2(rows[np.arange(len(rows)), answers[counted]]).mean())


def _batches(rows: Rows, chances: np.random.Generator) -> Iterator[Rows]:
    """Deal out all tunes in batches of about the same length, cut to what is needed."""
    lengths = (rows.duration != IGNORE).sum(axis=1) + 1
    order = np.argsort(lengths + chances.normal(0.0, _LENGTH_NOISE, len(lengths)), kind="stable")
    starts = chances.permutation(np.arange(0, len(order), BATCH))
    for start in starts:
        chosen = order[start : start + BATCH]
        steps = -(-int(lengths[chosen].max()) // _STEP) * _STEP
        yield Rows._make(column[chosen, :steps] for column in rows)


def _loss(answers: Any, logits: Any) -> Any:  # noqa: ANN401
    """Return the mean cross-entropy of the answers that count."""
    import tensorflow as tf

    counts = tf.cast(answers != IGNORE, tf.float32)
    found = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.maximum(answers, 0), logits)
    return tf.reduce_sum(counts * found) / tf.maximum(tf.reduce_sum(counts), 1.0)


def _softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return probabilities over the last axis."""
    raised = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True))
