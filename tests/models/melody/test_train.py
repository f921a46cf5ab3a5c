"""What training writes beside the weights: known runs, baselines, the card."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path

import numpy as np
import pytest

from device.evaluation.abc import Tune
from device.evaluation.melody import fingerprint
from device.music.fields import FIELD_SIZES, TARGETS
from device.music.model_card import read_card
from device.music.tokens import Place, Tone
from models.melody.training import network
from models.melody.training.corpus import Split
from models.melody.training.train import COMMAND, baselines, describe, known_runs


def tune(name: str, *pitches: int) -> Tune:
    tones = tuple(Tone(pitch, float(beat), 1.0) for beat, pitch in enumerate(pitches))
    places = tuple(Place(float(beat % 4), beat // 4, 0) for beat in range(len(pitches)))
    return Tune(name, tones, places, places, 0, False)


@pytest.fixture
def parts() -> Split:
    """Three tunes that only go up and down the same third."""
    rocking = (60, 62, 64, 62) * 6
    return Split([tune("a", *rocking)], [tune("b", *rocking)], [tune("c", *rocking)])


def test_known_runs_are_distinct_and_sorted() -> None:
    found = known_runs([tune("a", *(60, 62) * 12), tune("b", *(67, 69) * 12)])
    assert len(found) == 2  # up first, or down first; the key does not matter
    assert found == sorted(found)


def test_known_runs_need_twelve_notes() -> None:
    assert known_runs([tune("a", *range(60, 71))]) == []
    assert len(known_runs([tune("a", *range(60, 72))])) == 1


def test_baselines_cover_four_things_at_four_orders(parts: Split) -> None:
    found = baselines(parts.train, parts.test)
    assert set(found) == {"interval", "key_relative_pitch", "both_mixed", "duration"}
    for orders in found.values():
        assert list(orders) == ["1-gram", "2-gram", "3-gram", "4-gram"]
        assert all(0.0 <= value < math.log2(37) for value in orders.values())


def test_baselines_fall_where_more_context_decides(parts: Split) -> None:
    # After a rise comes a rise or a fall; only two intervals together tell which.
    interval = baselines(parts.train, parts.test)["interval"]
    assert interval["3-gram"] < interval["2-gram"]


def test_describe_makes_a_card_that_the_device_accepts(parts: Split, tmp_path: Path) -> None:
    (tmp_path / "melody.tflite").write_bytes(b"weights")
    np.save(tmp_path / "known_runs.npy", np.zeros(1, np.int64))
    written = describe(parts, {"seed": 3, "members": 2}, tmp_path)
    (tmp_path / "card.json").write_text(json.dumps(written))
    card = read_card(tmp_path / "melody.tflite")
    assert card.known_runs == "known_runs.npy"
    assert card.sha256["melody.tflite"] == hashlib.sha256(b"weights").hexdigest()


def test_describe_counts_the_split_and_keeps_the_training(parts: Split, tmp_path: Path) -> None:
    for name in ("melody.tflite", "known_runs.npy"):
        (tmp_path / name).write_bytes(b"")
    card = describe(parts, {"seed": 3, "members": 2}, tmp_path)
    assert card["training"] == {"command": COMMAND, "seed": 3, "members": 2}
    assert card["data"]["notes"] == 72
    assert (card["split"]["train"], card["split"]["validation"], card["split"]["test"]) == (1, 1, 1)
    assert card["split"]["test_tunes"] == ["c"]
    assert card["inputs"][0]["shape"] == [1, len(FIELD_SIZES)]
    assert card["inputs"][1]["shape"] == [1, TARGETS]
    assert card["inputs"][2]["shape"] == card["outputs"][4]["shape"] == [2, network.UNITS]


def test_describe_names_what_was_trained_on(parts: Split, tmp_path: Path) -> None:
    for name in ("melody.tflite", "known_runs.npy"):
        (tmp_path / name).write_bytes(b"")
    apart = parts._replace(test=[tune("c", *(60, 67, 60, 72) * 4)])
    (tmp_path / "card.json").write_text(json.dumps(describe(apart, {"members": 1}, tmp_path)))
    card = read_card(tmp_path / "melody.tflite")
    assert card.trained_on == {fingerprint(parts.train[0])}  # the validation tune is the same melody
    assert card.set_apart == {fingerprint(apart.test[0])}


def test_command_names_the_module_that_it_runs() -> None:
    module = COMMAND.split()[2]
    assert module == "models.melody.training.train"
