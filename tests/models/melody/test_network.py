"""The network trains, exports one step, and the step does what the whole did (needs TensorFlow)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from device.music.tokens import DURATIONS_BEATS, FIELD_SIZES, INTERVALS
from models.melody.training import network
from models.melody.training.corpus import IGNORE

tensorflow = pytest.importorskip("tensorflow", reason="needs the `train` extra")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # TensorFlow 2.15's own


ROWS = 96  # twelve batches: enough steps for the average of the weights to follow


@pytest.fixture(scope="module")
def melodies() -> network.Arrays:
    """A few rows in which the third class of the interval always follows."""
    rng = np.random.default_rng(0)
    inputs = np.stack([rng.integers(0, size, (ROWS, 12)) for size in FIELD_SIZES], axis=-1).astype(np.int32)
    pitches = np.full((ROWS, 12), 3, np.int32)
    durations = np.full((ROWS, 12), 2, np.int32)
    pitches[:, 10:] = durations[:, 10:] = IGNORE
    return inputs, pitches, durations


@pytest.fixture(scope="module")
def model():
    tensorflow.keras.utils.set_random_seed(1)
    return network.build()


def test_build_answers_with_both_heads(model, melodies: network.Arrays) -> None:
    interval, duration = model.predict(melodies[0], verbose=0)
    assert interval.shape == (ROWS, 12, INTERVALS)
    assert duration.shape == (ROWS, 12, len(DURATIONS_BEATS))


def test_bits_of_an_untrained_network_are_those_of_chance(model, melodies: network.Arrays) -> None:
    interval, duration = network.bits(model, melodies)
    assert interval == pytest.approx(np.log2(INTERVALS), abs=0.3)
    assert duration == pytest.approx(np.log2(len(DURATIONS_BEATS)), abs=0.3)


def test_fit_learns_and_keeps_the_best(melodies: network.Arrays) -> None:
    tensorflow.keras.utils.set_random_seed(2)
    model = network.build()
    history = network.fit(model, melodies, melodies, epochs=12, patience=12)
    assert history[-1] < history[0] - 1.0
    assert network.bits(model, melodies)[0] == pytest.approx(min(history), abs=0.05)


def test_export_steps_like_the_whole(model, melodies: network.Arrays, tmp_path: Path) -> None:
    path = tmp_path / "melody.tflite"
    network.export(model, path)
    step = tensorflow.lite.Interpreter(model_path=str(path)).get_signature_runner()
    h, c = (np.zeros((1, network.UNITS), np.float32) for _ in range(2))
    whole_interval, whole_duration = model.predict(melodies[0][:1], verbose=0)
    for place in range(12):
        out = step(token=melodies[0][:1, place], h_in=h, c_in=c)
        h, c = out["h_out"], out["c_out"]
        assert np.abs(out["interval"] - whole_interval[:, place]).max() < 0.02  # weights in 8 bits
        assert np.abs(out["duration"] - whole_duration[:, place]).max() < 0.02
