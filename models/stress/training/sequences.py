"""Networks on sequences and on raw signals, compared with the experts by leaving one subject out.

A GRU reads the personal deviations of the last minute, one step every five seconds; as each deviation
rests on 60 s of signal, it knows more of the past than the experts do. A convolutional network reads the
raw samples of one minute. Neither keeps anything from one window to the next nor knows the time, and
both see signals in units of the person's own baseline so far. Their one setting, how long to train, is
chosen on people left out of the training ones. They are not shipped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from device.evaluation.metrics import Scored, auc, weights
from device.stress.baseline import Baseline, Population
from device.stress.inputs import CLIP, INPUTS
from drivers.sim.recording import open_recording
from models.stress.training.folds import Fold
from models.stress.training.population import deviations, population_of
from models.stress.training.recordings import NOT_TESTED, Subject

FloatArray = NDArray[np.float64]
Inputs = tuple[NDArray[np.float32], ...]  # of a network, rows first
Labels = NDArray[np.int64]

WINDOW_S = 60
STEP_S = 5  # of the sequence of deviations
EDA_HZ, PULSE_HZ = 4, 32
SMALLEST_US = 0.01
PROCESSES = 2

INNER_PEOPLE = 6  # left out of the training people to choose how long to train
BATCH = 128
LEARNING_RATE = 1.5e-3
PENALTY = 1e-3  # L2, on every kernel


class Person(NamedTuple):
    """One subject with its raw signals: microsiemens and volts, (seconds, samples a second)."""

    subject: Subject
    eda: FloatArray
    pulse: FloatArray


class Rows(NamedTuple):
    """A network's inputs at one person's scored windows, and their labels."""

    inputs: Inputs
    label: Labels


class Network(NamedTuple):
    """What is compared: its name, its inputs by person, how it is built, and the longest training."""

    name: str
    rows: Callable[[Sequence[Person], Sequence[Person]], list[Rows]]
    build: Callable[[Any], Any]
    epochs: int


def compare(subjects: list[Subject], data: Path, seed: int) -> dict[str, dict[str, FloatArray]]:
    """Return what each network says of people it never saw: by network and subject, logits per second.

    Logits are NaN where no window is scored. Two processes share the work; every person's networks
    start from the same weights with their own order of rows, so who does what changes nothing.

    Args:
        subjects: all of them; the features themselves are not read.
        data: folder of the recordings.
        seed: of everything random.
    """
    people = [read_person(one, data) for one in subjects]
    tested = [one.name for one in subjects if one.name not in NOT_TESTED]
    shares = [(tested[part::PROCESSES], people, seed) for part in range(PROCESSES)]
    with get_context("spawn").Pool(PROCESSES) as pool:
        parts = pool.starmap(left_out, shares, chunksize=1)
    return {one.name: {name: logit for part in parts for name, logit in part[one.name].items()}
            for one in NETWORKS}


def with_networks(folds: list[Fold], networks: Mapping[str, Mapping[str, FloatArray]]) -> list[Fold]:
    """Return the folds with what networks said added to what the other candidates said."""
    return [fold._replace(logits={**fold.logits, **{name: said[fold.subject.name]
                                                    for name, said in networks.items()}}) for fold in folds]


def read_person(subject: Subject, data: Path) -> Person:
    """Return a subject with its raw signals, as the device's converter would sample them."""
    seconds = subject.label.size
    body = open_recording(data / subject.name, 0.0)
    eda = body.sampled("eda", 0.0, (seconds - 1) * EDA_HZ, EDA_HZ)
    pulse = body.sampled("ppg", 0.0, (seconds - 1) * PULSE_HZ, PULSE_HZ)
    return Person(subject._replace(features=()), _by_second(np.log(np.maximum(eda, SMALLEST_US)), EDA_HZ),
                  _by_second(pulse, PULSE_HZ))


def left_out(names: Sequence[str], people: Sequence[Person], seed: int) -> dict[str, dict[str, FloatArray]]:
    """Return logits per network and subject for some held-out subjects, in this process alone."""
    tensorflow = _deterministic_tensorflow()
    found: dict[str, dict[str, FloatArray]] = {}
    for network in NETWORKS:
        tensorflow.keras.utils.set_random_seed(seed)
        trainer = Trainer(network.build(tensorflow), network.epochs)
        found[network.name] = {name: _of_one(name, people, network, trainer, seed) for name in names}
    return found


def _of_one(name: str, people: Sequence[Person], network: Network, trainer: Trainer, seed: int) -> FloatArray:
    """Return one held-out subject's logits per second."""
    known = [one for one in people if one.subject.name != name]
    own = next(one for one in people if one.subject.name == name)
    *rows, mine = network.rows(known, [*known, own])
    trainer.tune_and_fit(rows, seed)
    logit = np.full(own.subject.label.size, np.nan)
    logit[own.subject.scored()] = trainer.predict(mine.inputs)
    return logit


class Trainer:
    """One network, trained again from the same initial weights as often as needed.

    Args:
        model: a compiled Keras model with one logit; nothing in it is random.
        epochs: the most to train.
    """

    def __init__(self, model: Any, epochs: int) -> None:  # noqa: ANN401 - Keras has no types
        self._model = model
        self._epochs = epochs
        self._initial = model.get_weights()

    def tune_and_fit(self, people: Sequence[Rows], seed: int) -> int:
        """Train on all people for as many epochs as were best on people left out; return how many."""
        order = np.random.default_rng(seed).permutation(len(people))
        judges = [people[place] for place in order[:INNER_PEOPLE]]
        scores = [_mean_auc([Scored(self.predict(one.inputs), one.label) for one in judges])
                  for _ in self._fit([people[place] for place in order[INNER_PEOPLE:]], self._epochs, seed)]
        best = int(np.argmax(scores)) + 1
        for _ in self._fit(people, best, seed):
            pass
        return best

    def predict(self, inputs: Inputs) -> FloatArray:
        """Return logits of rows."""
        return np.asarray(self._model(list(inputs), training=False).numpy()[:, 0], dtype=np.float64)

    def _fit(self, people: Sequence[Rows], epochs: int, seed: int) -> Iterator[int]:
        """Train from the initial weights, and pause after every epoch."""
        self._model.set_weights(self._initial)
        for variable in self._model.optimizer.variables:
            variable.assign(np.zeros(variable.shape, variable.dtype.as_numpy_dtype))
        self._model.optimizer.learning_rate.assign(LEARNING_RATE)
        random = np.random.default_rng(seed)
        inputs = [np.concatenate(some) for some in zip(*(one.inputs for one in people), strict=True)]
        label = np.concatenate([one.label for one in people])
        weight = weights(label)
        for epoch in range(epochs):
            order = random.permutation(label.size)
            for first in range(0, label.size - BATCH + 1, BATCH):
                part = order[first:first + BATCH]
                self._model.train_on_batch([one[part] for one in inputs], label[part], weight[part])
            yield epoch


def sequences_of(known: Sequence[Person], people: Sequence[Person]) -> list[Rows]:
    """Return each person's last minute of deviations at scored windows, shape (rows, steps, inputs)."""
    subjects = [one.subject for one in people]
    population = population_of([one.subject for one in known])
    back = np.arange(STEP_S - WINDOW_S, 1, STEP_S)
    return [_rows(subject, (values[subject.scored()[:, None] + back],))
            for subject, values in zip(subjects, deviations(subjects, population), strict=True)]


def windows_of(known: Sequence[Person], people: Sequence[Person]) -> list[Rows]:
    """Return each person's last minute of raw samples at scored windows, one column a sample.

    Skin conductance and pulse are both in units of what was usual for the person up to each sample.
    """
    skin = _standardised([one.eda for one in known], [one.eda for one in people])
    pulse = _standardised([one.pulse for one in known], [one.pulse for one in people])
    back = np.arange(1 - WINDOW_S, 1)
    found = []
    for place, one in enumerate(people):
        at = one.subject.scored()[:, None] + back
        found.append(_rows(one.subject, tuple(signal[place][at].reshape(at.shape[0], -1, 1)
                                              for signal in (skin, pulse))))
    return found


def _standardised(known: Sequence[FloatArray], signals: Sequence[FloatArray]) -> list[FloatArray]:
    """Return everybody's samples as deviations by the device's baseline, side by side; 0 where absent."""
    middles = [np.nanmedian(one) for one in known]
    within = float(np.median([np.nanstd(one) for one in known]))
    longest, rate = max(one.shape[0] for one in signals), signals[0].shape[1]
    everybody = np.full((longest, len(signals), rate), np.nan)
    for place, one in enumerate(signals):
        everybody[:one.shape[0], place] = one
    shape = everybody.shape[1:]
    baseline = Baseline(Population(np.full(shape, np.mean(middles)), np.full(shape, np.std(middles, ddof=1)),
                                   np.full(shape, within)))
    found = np.array([baseline.update(float(second), values) for second, values in enumerate(everybody)])
    found = np.nan_to_num(np.clip(found, -CLIP, CLIP))
    return [found[:one.shape[0], place] for place, one in enumerate(signals)]


def _rows(subject: Subject, inputs: tuple[FloatArray, ...]) -> Rows:
    """Return rows as a network takes them."""
    return Rows(tuple(one.astype(np.float32) for one in inputs), subject.label[subject.scored()])


def _by_second(values: FloatArray, rate: int) -> FloatArray:
    """Return samples by the second at whose end they are known; nothing is known at second 0."""
    return np.concatenate((np.full((1, rate), np.nan), values.reshape(-1, rate)))


def _mean_auc(people: Sequence[Scored]) -> float:
    """Return the mean AUC over those who have windows of both classes."""
    return float(np.mean([auc(one) for one in people if one.both_classes()]))


def build_gru(tensorflow: Any) -> Any:  # noqa: ANN401 - TensorFlow has no types
    """Return the recurrent network: 16 units over 12 steps, its state zero at the start of each."""
    layers = tensorflow.keras.layers
    penalty = tensorflow.keras.regularizers.l2(PENALTY)
    entry = layers.Input((WINDOW_S // STEP_S, len(INPUTS)))
    hidden = layers.GRU(16, kernel_regularizer=penalty, recurrent_regularizer=penalty, unroll=True)(entry)
    return _compiled(tensorflow, [entry], hidden)


def build_cnn(tensorflow: Any) -> Any:  # noqa: ANN401 - TensorFlow has no types
    """Return the convolutional network: two branches, each pooled over the minute."""
    layers = tensorflow.keras.layers
    skin = layers.Input((WINDOW_S * EDA_HZ, 1))
    pulse = layers.Input((WINDOW_S * PULSE_HZ, 1))
    branches = []
    for entry, plan in ((skin, ((8, 9, 4), (16, 5, 2))), (pulse, ((8, 9, 4), (16, 9, 4), (16, 5, 2)))):
        hidden = entry
        for filters, width, stride in plan:
            hidden = layers.Conv1D(filters, width, stride, activation="relu",
                                   kernel_regularizer=tensorflow.keras.regularizers.l2(PENALTY))(hidden)
        branches += [layers.GlobalAveragePooling1D()(hidden), layers.GlobalMaxPooling1D()(hidden)]
    return _compiled(tensorflow, [skin, pulse], layers.Concatenate()(branches))


def _compiled(tensorflow: Any, entries: list[Any], hidden: Any) -> Any:  # noqa: ANN401 - as above
    """Return a model that ends in one logit, ready to train."""
    keras = tensorflow.keras
    leave = keras.layers.Dense(1, kernel_regularizer=keras.regularizers.l2(PENALTY))(hidden)
    model = keras.Model(entries, leave)
    optimizer = keras.optimizers.Adam(LEARNING_RATE)
    optimizer.build(model.trainable_variables)
    model.compile(optimizer, keras.losses.BinaryCrossentropy(from_logits=True))
    return model


def _deterministic_tensorflow() -> Any:  # noqa: ANN401 - as above
    """Return TensorFlow, on one thread and with the same result every time; call it in a new process."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()
    return tf


NETWORKS: tuple[Network, ...] = (
    Network("gru_on_a_minute_of_features", sequences_of, build_gru, 10),
    Network("cnn_on_raw_signals", windows_of, build_cnn, 8),
)
