"""The shipped network is what its card says: hashes, shapes, split, and the bits it was measured at."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from device.evaluation.abc import Tune
from device.evaluation.melody import fingerprint, score
from device.music.fields import FIELD_NAMES, FIELD_SIZES, TARGET_NAMES
from device.music.melody_network import MelodyNetwork
from device.music.memory import RUN_INTERVALS, KnownRuns
from device.music.tokens import DURATIONS_BEATS, HEIGHTS, INTERVALS
from models.melody.training.corpus import split
from models.melody.training.heads import head_figures
from models.melody.training.train import baselines, known_runs


@pytest.fixture(scope="module")
def folder(models_dir: Path) -> Path:
    return models_dir / "melody"


@pytest.fixture(scope="module")
def card(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "card.json").read_text())


@pytest.fixture(scope="module")
def network(folder: Path) -> MelodyNetwork:
    return MelodyNetwork(folder / "melody.tflite")


def test_card_has_the_hash_of_each_file(folder: Path, card: dict[str, Any]) -> None:
    assert set(card["sha256"]) == {"melody.tflite", "known_runs.npy"}
    for name, expected in card["sha256"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == expected


def test_card_lists_inputs_and_outputs_in_order(card: dict[str, Any]) -> None:
    assert [item["name"] for item in card["inputs"]] == ["token", "target", "h_in", "c_in"]
    assert [(item["name"], item["classes"]) for item in card["inputs"][0]["fields"]] == list(
        zip(FIELD_NAMES, FIELD_SIZES, strict=True))
    assert [item["name"] for item in card["outputs"]] == [
        "interval", "duration", "opening", "trend", "h_out", "c_out"]
    assert card["inputs"][1]["parts"] == list(TARGET_NAMES)
    assert card["outputs"][2]["shape"] == [1, HEIGHTS]
    assert card["outputs"][0]["shape"] == [1, INTERVALS]
    assert card["outputs"][1]["classes_beats"] == list(DURATIONS_BEATS)


def test_card_names_data_licence_seed_and_command(card: dict[str, Any]) -> None:
    assert card["data"]["licence"] == "public domain"
    assert card["data"]["tunes"] == 254
    assert card["training"]["seed"] == 20261121
    assert card["training"]["command"].startswith("python -m models.melody.training.train --data DIR")
    assert card["training"]["seconds"] < 1500


def test_card_names_the_tunes_that_were_set_apart(card: dict[str, Any], tunes: list[Tune]) -> None:
    parts = split(tunes, card["training"]["seed"])
    assert card["split"]["test_tunes"] == [tune.name for tune in parts.test]
    assert card["set_apart"] == sorted({fingerprint(tune) for tune in parts.test})
    assert card["trained_on"] == sorted({fingerprint(tune) for tune in (*parts.train, *parts.validation)})
    assert not set(card["set_apart"]) & set(card["trained_on"])


def test_network_scores_what_the_card_says(
    network: MelodyNetwork, card: dict[str, Any], tunes: list[Tune],
) -> None:
    parts = split(tunes, card["training"]["seed"])
    found = score(network, parts.test)
    assert found.intervals == card["test"]["intervals"] == sum(len(tune.tones) - 1 for tune in parts.test)
    assert found.bits_per_interval == pytest.approx(card["test"]["interval_bits"], abs=0.005)
    assert found.bits_per_duration == pytest.approx(card["test"]["duration_bits"], abs=0.005)


def test_network_beats_counting(card: dict[str, Any], tunes: list[Tune]) -> None:
    parts = split(tunes, card["training"]["seed"])
    counted = baselines([*parts.train, *parts.validation], parts.test)
    for name, orders in card["test"]["baselines_kneser_ney_bits"].items():
        assert counted[name] == pytest.approx(orders, abs=0.002)
    best = min(min(counted[name].values()) for name in ("interval", "key_relative_pitch", "both_mixed"))
    assert card["test"]["interval_bits"] < best - 0.25
    assert card["test"]["interval_bits"] < 2.2
    assert card["test"]["duration_bits"] < min(counted["duration"].values()) - 0.4


def test_heads_of_the_segment_do_what_the_card_says(
    network: MelodyNetwork, card: dict[str, Any], tunes: list[Tune],
) -> None:
    parts = split(tunes, card["training"]["seed"])
    found = head_figures(network, [*parts.train, *parts.validation], parts.test)
    for name, figures in found.items():
        assert figures == pytest.approx(card["test"]["segment_heads"][name], abs=0.01)
        assert figures["bits"] < figures["marginal_bits"]
    assert found["opening"]["accuracy"] > found["opening"]["majority_accuracy"] + 0.05


def test_known_runs_are_those_of_the_corpus(folder: Path, tunes: list[Tune]) -> None:
    stored = np.load(folder / "known_runs.npy", allow_pickle=False)
    assert stored.tolist() == known_runs(tunes)
    assert len(KnownRuns(stored)) == len(stored)
    notes = sum(len(tune.tones) - RUN_INTERVALS for tune in tunes)
    assert 0.5 * notes < len(stored) <= notes


def test_shipped_files_are_small(folder: Path) -> None:
    assert (folder / "melody.tflite").stat().st_size < 2_000_000
    assert (folder / "known_runs.npy").stat().st_size < 100_000
