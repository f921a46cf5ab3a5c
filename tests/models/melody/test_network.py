"""A member learns, hides its targets, exports as one step that does what the whole did (TensorFlow)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from device.music.fields import FIELD_SIZES, TARGETS
from models.melody.training import network
from models.melody.training.corpus import HEADS, IGNORE, Rows
from models.melody.training.export import export

tensorflow = pytest.importorskip("tensorflow", reason="needs the `train` extra")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # TensorFlow 2.15's own


TUNES, STEPS = 32, 12


@pytest.fixture(scope="module")
def melodies() -> Rows:
    """A few rows in which the third interval always follows, and the target says how long it lasts."""
    rng = np.random.default_rng(0)
    columns = [rng.integers(0, size, (TUNES, STEPS)) for size in FIELD_SIZES]
    inputs = np.stack(columns, axis=-1).astype(np.int32)
    answers = {name: np.full((TUNES, STEPS), 2, np.int32) for name in HEADS}
    target = np.zeros((TUNES, STEPS, TARGETS), np.float32)
    target[..., 1::2] = 1.0
    target[..., 0::2] = rng.choice([-1.0, 1.0], (TUNES, 1, 1))
    answers["duration"] = np.where(target[..., 0] > 0, 5, 1).astype(np.int32)
    for answer in answers.values():
        answer[:, 10:] = IGNORE
    return Rows(inputs, target, **answers, border=np.zeros((TUNES, STEPS), bool))


def trained(rows: Rows, seed: int, epochs: int):
    """Return a member after some epochs."""
    tensorflow.keras.utils.set_random_seed(seed)
    model = network.build()
    network.fit(model, rows, seed, epochs)
    return model


@pytest.fixture(scope="module")
def model(melodies: Rows):
    return trained(melodies, 1, 30)


def test_predicted_covers_four_heads_with_probabilities(model, melodies: Rows) -> None:
    found = network.predicted([model, model], melodies)
    assert list(found) == list(HEADS)
    for name, chances in found.items():
        assert chances.shape == (TUNES, STEPS, network.CLASSES[name])
        assert chances.sum(axis=-1) == pytest.approx(1.0)


def test_bits_of_equal_chances_are_the_logarithm(melodies: Rows) -> None:
    chances = np.full((TUNES, STEPS, 32), 1 / 32)
    assert network.bits(chances, melodies.interval) == pytest.approx(5.0)


def test_fit_learns_every_head(model, melodies: Rows) -> None:
    found = network.predicted([model], melodies, told=True)
    for name, most in (("interval", 0.5), ("opening", 2.0), ("trend", 1.0)):
        assert network.bits(found[name], getattr(melodies, name)) < most


def test_fit_hears_the_target_and_does_without(model, melodies: Rows) -> None:
    told = network.bits(network.predicted([model], melodies, told=True)["duration"], melodies.duration)
    unknown = network.bits(network.predicted([model], melodies)["duration"], melodies.duration)
    assert told < unknown - 0.2
    assert unknown < 2.0  # one of two, and it cannot know which


def test_fit_repeats_from_its_seed(melodies: Rows) -> None:
    tensorflow.config.experimental.enable_op_determinism()
    one, other = (trained(melodies, 3, 1).get_weights() for _ in range(2))
    assert all(np.array_equal(first, second) for first, second in zip(one, other, strict=True))


def test_hidden_in_part_hides_whole_tunes_and_single_parts() -> None:
    target = np.ones((2000, 3, TARGETS), np.float32)
    found = network.hidden_in_part(target, np.random.default_rng(0))
    assert (found == found[:, :1]).all()  # the same throughout a tune
    assert np.array_equal(found[..., 0::2], found[..., 1::2])  # value and mark together
    hidden = ~found[:, 0].any(axis=-1)
    assert hidden.mean() == pytest.approx(0.5 + 0.5 * 0.3**3, abs=0.04)
    assert found[~hidden].mean() == pytest.approx(0.7 / (1 - 0.3**3), abs=0.04)


def test_export_steps_like_the_members_together(model, melodies: Rows, tmp_path: Path) -> None:
    path = tmp_path / "melody.tflite"
    members = [model, trained(melodies, 2, 1)]
    export(members, path)
    step = tensorflow.lite.Interpreter(model_path=str(path)).get_signature_runner()
    h, c = (np.zeros((2, network.UNITS), np.float32) for _ in range(2))
    whole = network.predicted(members, Rows(*(column[:1] for column in melodies)), told=True)
    for place in range(STEPS):
        out = step(
            token=melodies.inputs[:1, place], target=melodies.target[:1, place], h_in=h, c_in=c)
        h, c = out["h_out"], out["c_out"]
        for name in HEADS:
            assert np.abs(np.exp(out[name]) - whole[name][0, place]).max() < 0.02  # weights in 8 bits
