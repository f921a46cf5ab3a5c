"""`tranquillo evaluate` as a person types it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from device.cli import main
from device.errors import EXIT_CONFIG
from device.evaluation.results import KEYS


def tranquillo(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture
def folder(part):
    return part("S05", seconds=620)


def test_evaluate_prints_json(folder):
    result = tranquillo("evaluate", "--fast", "--json", folder)
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert tuple(found["mean"]) == KEYS
    person = found["subjects"]["S05"]  # the last sample lies just before 620 s
    assert person["windows"] == {"stress": 8, "rest": 19, "unknown": 0}
    assert 0.0 <= person["auc"] <= 1.0
    assert person["hr_mae_bpm"] < 2.0
    assert found["mean"]["auc"] == person["auc"]
    assert found["run_s_per_hour"] > 0.0


def test_evaluate_prints_a_table(folder):
    result = tranquillo("evaluate", "--fast", "--context", "120", folder)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].split()[:3] == ["person", "bal.acc", "AUC"]
    assert lines[1].startswith("S05*")  # the card names S05 as one of its people
    assert "Windows of 120 s: 2 stress, 19 rest." in result.stdout


def test_evaluate_goes_through_the_converter_by_default(part):
    result = tranquillo("evaluate", "--json", part("S05", seconds=60))
    assert result.exit_code == 0
    assert json.loads(result.stdout)["path"] == "adc"


@pytest.mark.parametrize("missing", ["BVP.csv", "intervals.csv"])
def test_evaluate_refuses_a_bad_folder_in_one_line(folder, missing):
    (folder / missing).unlink()
    result = tranquillo("evaluate", "--fast", folder)
    assert result.exit_code == EXIT_CONFIG
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("tranquillo: ")
    assert missing.split(".")[0] in line


def test_evaluate_needs_a_folder():
    assert tranquillo("evaluate").exit_code == 2


def test_commands_import_nothing_large():
    code = "import sys, device.cli; print(sorted({'numpy', 'sklearn', 'scipy'} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_efficacy_leaves_figures_and_a_picture(tmp_path):
    result = tranquillo("efficacy", "--people", 10, "--minutes", 2, "--chain", 0, "--out", tmp_path)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("This is a simulation.")
    found = json.loads((tmp_path / "efficacy.json").read_text())
    assert found["groups"]["everybody"]["people"] == 10
    assert (tmp_path / "efficacy.png").read_bytes().startswith(b"\x89PNG")


def test_efficacy_outside_its_bounds_exits_1(tmp_path, monkeypatch):
    monkeypatch.setattr("device.evaluation.efficacy.figures.NOTICED", -1.0)
    result = tranquillo("efficacy", "--people", 10, "--minutes", 2, "--chain", 0, "--out", tmp_path)
    assert result.exit_code == 1
    assert "FAILED" in result.stdout
