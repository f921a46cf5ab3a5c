"""Networks on sequences and raw signals: what they are shown, and how long they are trained."""

from __future__ import annotations

import numpy as np
import pytest

from device.stress.baseline import Baseline, Population
from device.stress.inputs import CLIP, INPUTS
from drivers.sim.recording import open_recording
from models.stress.training.folds import Fold
from models.stress.training.population import deviations, population_of
from models.stress.training.recordings import labels, subject_of
from models.stress.training.sequences import (
    BATCH,
    EDA_HZ,
    INNER_PEOPLE,
    NETWORKS,
    PULSE_HZ,
    SMALLEST_US,
    STEP_S,
    WINDOW_S,
    Person,
    Rows,
    Trainer,
    read_person,
    sequences_of,
    windows_of,
    with_networks,
)


def with_signals(subject, seed):
    """The subject with invented raw signals."""
    random = np.random.default_rng(seed)
    skin, pulse = (np.cumsum(random.normal(0.0, 0.01, (subject.label.size, rate)), axis=0) + random.normal()
                   for rate in (EDA_HZ, PULSE_HZ))
    skin[0], pulse[0] = np.nan, np.nan
    return Person(subject, skin, pulse)


@pytest.fixture(scope="module")
def persons(people):
    return [with_signals(one, seed) for seed, one in enumerate(people)]


def test_sequence_is_the_last_minute_of_deviations_every_five_seconds(persons, people):
    known = persons[:5]
    rows = sequences_of(known, persons)
    found = deviations(people, population_of(people[:5]))
    for one, subject, values in zip(rows, people, found, strict=True):
        at = subject.scored()
        assert one.inputs[0].shape == (at.size, WINDOW_S // STEP_S, len(INPUTS))
        assert np.array_equal(one.label, subject.label[at])
        for row in (0, 7, at.size - 1):
            expected = [values[at[row] - back] for back in range(55, -1, -5)]
            assert one.inputs[0][row] == pytest.approx(np.array(expected), abs=1e-6)


def test_window_is_the_last_minute_of_samples_in_units_of_the_persons_baseline(persons):
    known = persons[:5]
    middles = [np.nanmedian(one.eda) for one in known]
    population = Population([np.mean(middles)], [np.std(middles, ddof=1)],
                            [np.median([np.nanstd(one.eda) for one in known])])
    baseline = Baseline(population)
    last = [baseline.update(float(second), values[-1:])[0] for second, values in enumerate(persons[5].eda)]
    *_, found = windows_of(known, persons)
    at = persons[5].subject.scored()
    skin, pulse = found.inputs
    assert skin.shape == (at.size, WINDOW_S * EDA_HZ, 1)
    assert pulse.shape == (at.size, WINDOW_S * PULSE_HZ, 1)
    for row in (0, 11):
        expected = np.clip(last[at[row] - WINDOW_S + 1:at[row] + 1], -CLIP, CLIP)
        assert skin[row, EDA_HZ - 1::EDA_HZ, 0] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("rows_of", [sequences_of, windows_of])
def test_rows_use_the_past_only(persons, rows_of):
    one = persons[5]
    at = one.subject.scored()
    moment = int(at[at.size // 2]) + 1
    inputs, eda, pulse = one.subject.inputs.copy(), one.eda.copy(), one.pulse.copy()
    for values in (inputs, eda, pulse):
        values[moment:] += 1.0
    changed = Person(one.subject._replace(inputs=inputs), eda, pulse)
    before, after = (rows_of(persons[:5], [each])[0].inputs for each in (one, changed))
    early = at < moment
    for mine, other in zip(before, after, strict=True):
        assert np.array_equal(mine[early], other[early])
        assert not np.array_equal(mine[~early], other[~early])


@pytest.mark.parametrize("rows_of", [sequences_of, windows_of])
def test_rows_are_clipped_and_finite(persons, rows_of):
    gone = Person(persons[0].subject, persons[0].eda.copy(), persons[0].pulse.copy())
    gone.eda[500:560] = np.nan
    for one in rows_of(persons[:5], [gone])[0].inputs:
        assert one.dtype == np.float32
        assert np.isfinite(one).all()
        assert np.abs(one).max() <= CLIP


def test_raw_signals_of_a_recording_are_known_at_the_end_of_their_second(shared_data):
    folder = shared_data / "stress-predict" / "S05"
    body = open_recording(folder, 0.0)
    subject = subject_of("S05", (), body.intervals)
    subject = subject._replace(label=labels(body.intervals, 121))
    found = read_person(subject, folder.parent)
    assert found.eda.shape == (121, EDA_HZ)
    assert found.pulse.shape == (121, PULSE_HZ)
    assert np.isnan(found.eda[0]).all()
    for second in (1, 60, 120):
        skin = [np.log(max(SMALLEST_US, body.skin_us(second - 1 + k / EDA_HZ))) for k in range(EDA_HZ)]
        pulse = [body.pulse_v(second - 1 + k / PULSE_HZ) for k in range(PULSE_HZ)]
        assert found.eda[second] == pytest.approx(np.array(skin), nan_ok=True)
        assert found.pulse[second] == pytest.approx(np.array(pulse), nan_ok=True)


def test_what_networks_said_joins_what_candidates_said(people):
    folds = [Fold(one, {"x": np.full(3, place)}, {}, {}) for place, one in enumerate(people)]
    found = with_networks(folds, {"gru": {one.name: np.full(3, -place) for place, one in enumerate(people)}})
    for place, fold in enumerate(found):
        assert {name: logit.tolist() for name, logit in fold.logits.items()} == {
            "x": [place] * 3, "gru": [-place] * 3}
    assert "gru" not in folds[0].logits


class Number:
    """A variable of Keras."""

    def __init__(self, value):
        self.value = np.array(value)
        self.shape, self.dtype = self.value.shape, self
        self.as_numpy_dtype = self.value.dtype

    def assign(self, value):
        self.value = np.array(value)


class Optimizer:
    """An optimizer of Keras with one variable, its count of steps."""

    def __init__(self):
        self.steps = Number(0)
        self.learning_rate = Number(0.0)
        self.variables = [self.steps]


class Counter:
    """A stand-in for a Keras model: its one weight counts batches; it is right up to so many, then wrong."""

    def __init__(self, right_until):
        self.optimizer = Optimizer()
        self.right_until = right_until
        self.weight = 0
        self.seen = []

    def get_weights(self):
        return 0

    def set_weights(self, weight):
        self.weight = weight
        self.seen.append([])

    def train_on_batch(self, inputs, label, weight):
        assert len(label) == BATCH == len(inputs[0])
        assert weight == pytest.approx(np.ones(BATCH))  # both classes are as common
        self.weight += 1
        self.optimizer.steps.value += 1
        self.seen[-1].append(inputs[0][:, 1])

    def __call__(self, inputs, training):
        assert training is False
        sign = 1.0 if self.weight <= self.right_until else -1.0
        noise = np.random.default_rng(self.weight).normal(0.0, 3.0 / max(1, self.weight), len(inputs[0]))
        return Answer((sign * inputs[0][:, :1]) + noise[:, None])


class Answer(np.ndarray):
    """A tensor."""

    def __new__(cls, values):
        return np.asarray(values).view(cls)

    def numpy(self):
        return np.asarray(self)


def invented_rows(people=10, each=2 * BATCH):
    """Everybody's first column is the label, the second says whose row it is."""
    label = np.arange(each) % 2
    return [Rows((np.stack([label, np.full(each, person)], axis=1).astype(np.float32),), label)
            for person in range(people)]


def test_trainer_stops_where_people_left_out_are_told_best():
    people = invented_rows()
    batches = 2 * (len(people) - INNER_PEOPLE)  # an epoch without the judges
    model = Counter(right_until=3 * batches)
    best = Trainer(model, 6).tune_and_fit(people, 1)
    assert 1 <= best <= 3
    assert len(model.seen[1]) == best * 2 * len(people)
    assert model.optimizer.steps.value == len(model.seen[1])  # began anew


def test_trainer_chooses_on_people_that_it_did_not_train_on():
    people = invented_rows()
    model = Counter(right_until=100)
    Trainer(model, 2).tune_and_fit(people, 3)
    trained, final = (set(np.concatenate(one).tolist()) for one in model.seen)
    judges = np.random.default_rng(3).permutation(len(people))[:INNER_PEOPLE].tolist()
    assert trained == set(range(len(people))) - set(judges)
    assert final == set(range(len(people)))


def test_trainer_repeats_the_order_of_rows_by_seed():
    orders = []
    for seed in (1, 1, 2):
        model = Counter(right_until=100)
        Trainer(model, 2).tune_and_fit(invented_rows(), seed)
        orders.append(np.concatenate(model.seen[1])[:BATCH])
    assert np.array_equal(orders[0], orders[1])
    assert not np.array_equal(orders[0], orders[2])


def test_networks_have_names_of_their_own():
    assert [one.name for one in NETWORKS] == ["gru_on_a_minute_of_features", "cnn_on_raw_signals"]
    assert all(one.epochs > 1 for one in NETWORKS)
