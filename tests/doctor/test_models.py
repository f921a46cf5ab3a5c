"""The shipped models against their cards, and copies that are not what they should be."""

from __future__ import annotations

import shutil

import pytest

from device.doctor.models import check_models
from device.doctor.result import Outcome


@pytest.fixture
def copy(stage, models_dir):
    """A unit with its own copy of the models."""
    folder = stage.root / "models"
    shutil.copytree(models_dir, folder, ignore=shutil.ignore_patterns("training", "__pycache__"))
    stage.change(models_dir="/models")
    return folder


def test_models_as_shipped_are_well(stage, copy, found):
    results = found(check_models(stage.scene()))
    assert set(results) == {"models.runtime", "models.stress", "models.melody", "models.eeg"}
    assert {result.outcome for result in results.values()} == {Outcome.OK}


def test_models_without_a_headset_leave_out_the_one_for_it(stage, copy, found):
    stage.change("headset", port="none")
    assert "models.eeg" not in found(check_models(stage.scene()))


@pytest.mark.parametrize(("file", "name"), [
    ("stress/stress.tflite", "models.stress"), ("stress/eeg/eeg.tflite", "models.eeg"),
    ("melody/melody.tflite", "models.melody"), ("melody/known_runs.npy", "models.melody"),
    ("melody/card.json", "models.melody"), ("stress/card.json", "models.stress"),
])
@pytest.mark.parametrize("damage", ["changed", "gone"])
def test_models_damaged_have_failed_with_advice(stage, copy, found, file, name, damage):
    path = copy / file
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1] + b"\x00\x01")
    result = found(check_models(stage.scene()))[name]
    assert result.outcome is Outcome.FAILED
    assert "release" in result.advice or "reinstall" in result.advice
