"""The shipped network is what its card says: hashes, shapes, split, and the bits it was measured at."""

from __future__ import annotations

import hashlib
import json
import logging
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from device.music.melody import LstmMelody
from device.music.memory import RUN_INTERVALS, KnownRuns
from device.music.tokens import DURATIONS_BEATS, FIELD_NAMES, FIELD_SIZES, INTERVALS
from models.melody.training import evaluate
from models.melody.training.abc_notation import Tune
from models.melody.training.corpus import split
from models.melody.training.train import baselines, known_runs


@pytest.fixture(scope="module")
def folder(models_dir: Path) -> Path:
    return models_dir / "melody"


@pytest.fixture(scope="module")
def card(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "card.json").read_text())


@pytest.fixture(scope="module")
def lstm(folder: Path) -> LstmMelody:
    return LstmMelody(folder / "melody.tflite")


def test_card_has_the_hash_of_each_file(folder: Path, card: dict[str, Any]) -> None:
    assert set(card["sha256"]) == {"melody.tflite", "known_runs.npy"}
    for name, expected in card["sha256"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == expected


def test_card_lists_inputs_and_outputs_in_order(card: dict[str, Any]) -> None:
    assert [item["name"] for item in card["inputs"]] == ["token", "h_in", "c_in"]
    assert [(item["name"], item["classes"]) for item in card["inputs"][0]["fields"]] == list(
        zip(FIELD_NAMES, FIELD_SIZES, strict=True))
    assert [item["name"] for item in card["outputs"]] == ["interval", "duration", "h_out", "c_out"]
    assert card["outputs"][0]["shape"] == [1, INTERVALS]
    assert card["outputs"][1]["classes_beats"] == list(DURATIONS_BEATS)


def test_card_names_data_licence_seed_and_command(card: dict[str, Any]) -> None:
    assert card["data"]["licence"] == "public domain"
    assert card["data"]["tunes"] == 254
    assert card["training"]["seed"] == 20261121
    assert card["training"]["command"].startswith("python -m models.melody.training.train --data DIR")
    assert card["training"]["seconds"] < 360


def test_card_names_the_tunes_that_were_set_apart(card: dict[str, Any], tunes: list[Tune]) -> None:
    parts = split(tunes, card["training"]["seed"])
    assert card["split"]["test_tunes"] == [tune.name for tune in parts.test]


def test_network_scores_what_the_card_says(lstm: LstmMelody, card: dict[str, Any], tunes: list[Tune]) -> None:
    parts = split(tunes, card["training"]["seed"])
    found = evaluate.score(lstm, parts.test)
    assert found.intervals == card["test"]["intervals"] == sum(len(tune.tones) - 1 for tune in parts.test)
    assert found.interval_bits == pytest.approx(card["test"]["interval_bits"], abs=0.005)
    assert found.duration_bits == pytest.approx(card["test"]["duration_bits"], abs=0.005)


def test_network_beats_counting(card: dict[str, Any], tunes: list[Tune]) -> None:
    counted = baselines(split(tunes, card["training"]["seed"]))
    assert counted == card["test"]["baselines_kneser_ney_bits"]
    best = min(*counted["interval"].values(), *counted["key_relative_pitch"].values())
    assert card["test"]["interval_bits"] < best - 0.1
    assert card["test"]["interval_bits"] < 2.35
    assert card["test"]["duration_bits"] < min(counted["duration"].values()) - 0.1


def test_known_runs_are_those_of_the_corpus(folder: Path, tunes: list[Tune]) -> None:
    stored = np.load(folder / "known_runs.npy", allow_pickle=False)
    assert stored.tolist() == known_runs(tunes)
    assert len(KnownRuns(stored)) == len(stored)
    notes = sum(len(tune.tones) - RUN_INTERVALS for tune in tunes)
    assert 0.5 * notes < len(stored) <= notes


def test_shipped_files_are_small(folder: Path) -> None:
    assert (folder / "melody.tflite").stat().st_size < 300_000
    assert (folder / "known_runs.npy").stat().st_size < 100_000


def test_evaluate_reports_one_line(
    folder: Path, shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    source = min((shared_data / "melody" / "openhymnal").glob("*.abc"))
    (tmp_path / source.name).write_bytes(source.read_bytes())
    model = folder / "melody.tflite"
    monkeypatch.setattr(sys, "argv", ["evaluate", "--data", str(tmp_path), "--model", str(model)])
    with caplog.at_level(logging.INFO):
        evaluate.main()
    assert caplog.messages[-1].startswith("1 tunes, ")
    assert caplog.messages[-1].endswith("bits per duration")
