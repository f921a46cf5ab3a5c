"""The step of the shipped network: shapes, probabilities, state; what is not it is refused."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from device.errors import ModelError
from device.music.fields import fields, target_input
from device.music.melody_network import MelodyNetwork
from device.music.tokens import Place, Tone

UNKNOWN = target_input(None, None, None)
TONES = Tone(67, 0.0, 1.0), Tone(69, 1.0, 1.0)
TOKEN = fields(TONES, (Place(0.0, 0, 0), Place(1.0, 0, 0)), 7, Place(2.0, 0, 0))


@pytest.fixture(scope="module")
def network(models_dir: Path) -> MelodyNetwork:
    return MelodyNetwork(models_dir / "melody" / "melody.tflite")


def test_step_gives_four_distributions(network: MelodyNetwork) -> None:
    answer = network.step(TOKEN, UNKNOWN, network.start())
    for head, size in (("interval", 27), ("duration", 9), ("opening", 37), ("trend", 3)):
        logits = getattr(answer, head)
        assert logits.shape == (size,)
        assert np.exp(logits).sum() == pytest.approx(1.0, abs=1e-4)


def test_step_moves_its_state(network: MelodyNetwork) -> None:
    first = network.step(TOKEN, UNKNOWN, network.start())
    again = network.step(TOKEN, UNKNOWN, first.state)
    assert not np.array_equal(first.interval, again.interval)
    assert not np.array_equal(first.state[0], again.state[0])
    assert np.abs(again.state[0]).max() <= 1.0  # a product of a sigmoid and a tanh


def test_step_keeps_no_state_of_its_own(network: MelodyNetwork) -> None:
    one, other = (network.step(TOKEN, UNKNOWN, network.start()) for _ in range(2))
    assert np.array_equal(one.interval, other.interval)


@pytest.mark.parametrize("part", range(3))
def test_step_hears_each_part_of_the_target(network: MelodyNetwork, part: int) -> None:
    asked = [target_input(*(share if index == part else None for index in range(3))) for share in (0.0, 1.0)]
    low, high = (network.step(TOKEN, target, network.start()) for target in asked)
    assert np.abs(low.interval - high.interval).max() > 0.05


def test_step_takes_under_two_milliseconds(network: MelodyNetwork) -> None:
    state, took = network.start(), []
    for _ in range(200):
        began = time.process_time()
        network.step(TOKEN, UNKNOWN, state)
        took.append(time.process_time() - began)
    assert np.median(took) < 0.002


def test_network_of_other_inputs_is_refused(models_dir: Path, tmp_path: Path) -> None:
    import hashlib
    import json

    content = next((models_dir / "stress").glob("*.tflite")).read_bytes()
    (tmp_path / "melody.tflite").write_bytes(content)
    card = {"sha256": {"melody.tflite": hashlib.sha256(content).hexdigest()}, "known_runs": "known_runs.npy"}
    (tmp_path / "card.json").write_text(json.dumps(card))
    with pytest.raises(ModelError, match="its inputs are not those of this version; reinstall the model"):
        MelodyNetwork(tmp_path / "melody.tflite")
