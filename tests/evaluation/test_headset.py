"""`tranquillo evaluate-eeg`: figures of known verdicts, shipped path on people, what it says of training."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from click.testing import CliRunner

from device.cli import main
from device.errors import EXIT_CONFIG, RecordingError
from device.evaluation.headset import KEYS, KINDS, evaluate_folder, json_text, person_figures, table

PEOPLE = ("Subject01", "Subject13")  # the second has no ECG at rest


@pytest.fixture(scope="module")
def folder(shared_data, tmp_path_factory):
    """Two people that the model was trained on, one of them under a stranger's name."""
    target = tmp_path_factory.mktemp("eegmat")
    for name in PEOPLE:
        for path in (shared_data / "eeg" / "eegmat").glob(f"{name}_*"):
            shutil.copy(path, target / path.name.replace("Subject13", "Stranger"))
    return target


@pytest.fixture(scope="module")
def found(folder, models_dir):
    return evaluate_folder(folder, models_dir / "stress" / "eeg" / "eeg.tflite")


def test_figures_of_perfect_levels():
    figures = person_figures(np.array([0.1, 0.2, 0.8, 0.9]), np.array([0, 0, 1, 1]))
    assert figures["balanced_accuracy"] == figures["auc"] == figures["f1"] == 1.0
    assert figures["brier"] == pytest.approx(0.025)
    assert figures["ece"] == pytest.approx(0.15)
    assert figures["unknown_share"] == 0.0


def test_figures_leave_unknown_windows_out_and_count_them():
    figures = person_figures(np.array([0.1, np.nan, 0.8, 0.4]), np.array([0, 0, 1, 1]))
    assert figures["balanced_accuracy"] == pytest.approx(0.75)
    assert figures["unknown_share"] == 0.25


@pytest.mark.parametrize("level", [[0.2, 0.3, np.nan], [np.nan] * 3])
def test_figures_are_none_without_both_states(level):
    figures = person_figures(np.array(level), np.array([0, 0, 1]))
    assert all(figures[key] is None for key in KEYS if key != "unknown_share")
    assert figures["unknown_share"] > 0.0


def test_shipped_path_knows_the_people_it_learnt_from(found):
    assert set(found.subjects) == {"Subject01", "Stranger"}
    for one in found.subjects.values():
        assert one["eeg"]["balanced_accuracy"] > 0.9
        assert one["eeg"]["unknown_share"] < 0.2
    assert found.trained_on == ("Subject01",)


def test_person_without_ecg_has_no_heart_rate_and_still_an_estimate(found):
    assert found.subjects["Stranger"]["hr"]["balanced_accuracy"] is None
    assert found.subjects["Stranger"]["hr"]["unknown_share"] > 0.5
    assert found.subjects["Stranger"]["eeg_hr"]["balanced_accuracy"] > 0.9
    assert found.mean["hr"]["balanced_accuracy"] == found.subjects["Subject01"]["hr"]["balanced_accuracy"]


def test_means_are_over_people(found):
    for key in ("balanced_accuracy", "auc", "f1", "brier", "unknown_share"):
        values = [one["eeg"][key] for one in found.subjects.values()]
        assert found.mean["eeg"][key] == pytest.approx(np.mean(values))


def test_json_has_what_is_promised(found):
    whole = json.loads(json_text(found))
    assert set(whole["subjects"]["Subject01"]) == set(whole["mean"]) == set(KINDS)
    assert tuple(whole["mean"]["eeg_hr"]) == KEYS
    assert whole["trained_on"] == ["Subject01"]


def test_table_warns_of_people_that_were_trained_on(found):
    text = table(found)
    assert "trained on 1 of these people (Subject01)" in text
    assert "upper bound" in text
    assert sum(line.startswith("mean ") for line in text.splitlines()) == 3


def test_folder_without_people_is_refused(tmp_path):
    with pytest.raises(RecordingError, match="holds no pair"):
        evaluate_folder(tmp_path)


def test_command_prints_json_and_one_line_on_a_wrong_folder(folder, tmp_path):
    good = CliRunner().invoke(main, ["evaluate-eeg", str(folder), "--json"])
    assert good.exit_code == 0
    assert json.loads(good.stdout)["mean"]["eeg"]["balanced_accuracy"] > 0.9
    wrong = CliRunner().invoke(main, ["evaluate-eeg", str(tmp_path)])
    assert wrong.exit_code == EXIT_CONFIG
    assert wrong.stderr.startswith("tranquillo: ")
