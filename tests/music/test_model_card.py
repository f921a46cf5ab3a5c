"""A card is read or refused in one line."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from device.errors import ModelError
from device.music.model_card import MelodyCard, read_card, verified


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "melody.tflite"
    path.write_bytes(b"weights")
    return path


def test_read_card_ignores_what_the_device_does_not_need(model: Path) -> None:
    model.with_name("card.json").write_text(json.dumps(
        {"sha256": {"melody.tflite": "ab"}, "known_runs": "runs.npy", "licence": "public domain"}))
    assert read_card(model) == MelodyCard(sha256={"melody.tflite": "ab"}, known_runs="runs.npy")


def test_read_card_says_that_it_is_absent(model: Path) -> None:
    with pytest.raises(ModelError, match=r"card\.json: No such file or directory; reinstall"):
        read_card(model)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"sha256": 3, "known_runs": "x"}', '{"sha256": {}}'])
def test_read_card_says_that_it_is_damaged(model: Path, text: str) -> None:
    model.with_name("card.json").write_text(text)
    with pytest.raises(ModelError, match=r"card\.json: damaged") as raised:
        read_card(model)
    assert "\n" not in str(raised.value)


def test_verified_returns_the_bytes_of_the_right_file(model: Path) -> None:
    card = MelodyCard(sha256={model.name: hashlib.sha256(b"weights").hexdigest()}, known_runs="")
    assert verified(model, card) == b"weights"


@pytest.mark.parametrize("hashes", [
    {}, {"melody.tflite": "00"}, {"other": hashlib.sha256(b"weights").hexdigest()}])
def test_verified_refuses_a_file_that_is_not_on_the_card(model: Path, hashes: dict[str, str]) -> None:
    with pytest.raises(ModelError, match="not the file its card describes"):
        verified(model, MelodyCard(sha256=hashes, known_runs=""))


def test_verified_refuses_a_folder_in_place_of_a_file(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="Is a directory; reinstall"):
        verified(tmp_path, MelodyCard(sha256={}, known_runs=""))
