"""The shipped model: its card, and what it says of real people."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

from device.config import Estimator
from device.messages import StressBand
from device.stress.estimator import StressEstimator
from device.stress.inputs import INPUTS, SOURCES
from device.stress.model import StressModel
from drivers.sim.recording import open_recording
from models.stress.training.recordings import features_of

METRICS = {"balanced_accuracy", "auc", "f1_stress", "brier", "ece"}


@pytest.fixture(scope="module")
def folder(models_dir):
    return models_dir / "stress"


@pytest.fixture(scope="module")
def card(folder):
    return json.loads((folder / "card.json").read_text())


def test_card_names_the_very_file(folder, card):
    assert hashlib.sha256((folder / "stress.tflite").read_bytes()).hexdigest() == card["sha256"]


def test_card_lists_inputs_in_order_with_units(card):
    assert [one["name"] for one in card["inputs"][:len(INPUTS)]] == [one.name for one in INPUTS]
    assert [one["unit"] for one in card["inputs"][:len(INPUTS)]] == [one.unit for one in INPUTS]
    assert [one["source"] for one in card["inputs"][len(INPUTS):]] == list(SOURCES)
    assert all(one["spread"] > 0 for one in card["inputs"][:len(INPUTS)])


def test_card_says_where_the_data_come_from(card):
    data = card["data"]
    assert data["licence"] == "MIT"
    assert "10.3390/s22218135" in data["cite"]
    assert len(data["subjects"]) == 28
    assert data["not_tested"] == ["S01"]
    assert min(data["windows"].values()) > 1000


def test_card_holds_figures_with_intervals_and_baselines(card):
    results = card["evaluation"]["results"]
    assert {name.split(",")[0] for name in results} == {"network", "logistic_regression", "random_forest"}
    assert {name.split(", ")[1] for name in results} == {"eda+ppg", "eda", "ppg"}
    for figures in results.values():
        assert set(figures) == METRICS
        assert all(0.0 <= low <= high <= 1.0 for _, low, high in figures.values())


def test_card_beats_chance_on_people_it_never_saw(card):
    whole = card["evaluation"]["results"]["network, eda+ppg"]
    assert whole["balanced_accuracy"][1] > 0.65
    assert whole["auc"][1] > 0.7
    assert len(card["evaluation"]["by_subject"]) == 27 + 1


def test_card_mean_agrees_with_its_subjects(card):
    by_subject = card["evaluation"]["by_subject"]
    each = np.array([value for name, value in by_subject.items() if name != "columns"])
    whole = card["evaluation"]["results"]["network, eda+ppg"]
    assert each.mean(axis=0) == pytest.approx([whole["balanced_accuracy"][0], whole["auc"][0]], abs=2e-3)


def test_card_tells_how_to_repeat_it_and_how_it_fails(card):
    assert card["command"].startswith("python -m models.stress.training.train")
    assert isinstance(card["seed"], int)
    assert len(card["failure_modes"]) >= 5
    assert set(card["versions"]) >= {"tensorflow", "numpy"}


def test_card_bands_leave_room_for_hysteresis(card):
    bands = card["bands"]
    assert (0.0 < bands["medium_leave"] < bands["medium_enter"]
            < bands["high_leave"] < bands["high_enter"] < 1.0)


def test_model_is_small_and_quick(folder):
    assert (folder / "stress.tflite").stat().st_size < 20_000


@pytest.mark.parametrize("subject", ["S02", "S05", "S12"])
def test_shipped_estimator_is_higher_in_stress_than_at_rest(folder, shared_data, subject):
    """Direction only: these people were in the training data; the card holds the honest figures."""
    body = open_recording(shared_data / "stress-predict" / subject, 0.0)
    estimator = StressEstimator(StressModel(folder / "stress.tflite"), Estimator())
    levels: dict[str, list[float]] = {"stress": [], "rest": []}
    bands = set()
    for features in features_of(body):
        said = estimator.update(features)
        label = body.label(features.at_s)
        if features.at_s < 300.0 or label not in levels or said.level is None:
            continue
        levels[label].append(said.level)
        bands.add(said.band)
    assert np.mean(levels["stress"]) > np.mean(levels["rest"]) + 0.05
    assert StressBand.UNKNOWN not in bands
    assert len(bands) >= 2
