"""The pulse against reference beats: layouts, agreement, errors of one line."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest
from click.testing import CliRunner
from support.pulses import wave

from device.cli import main
from device.errors import EXIT_CONFIG, RecordingError
from device.evaluation.pulse import evaluate_pulse, match_beats, read_beats, read_pulse, table

BEATS = np.arange(0.9, 80.0, 0.8)


@pytest.fixture
def recording(tmp_path):
    path, beats = tmp_path / "pulse.csv.gz", tmp_path / "beats.csv"
    with gzip.open(path, "wt") as lines:
        lines.write("time_s,ppg\n")
        lines.writelines(f"{k / 100:.4f},{v:.5f}\n" for k, v in enumerate(wave(BEATS, seconds=80.0)))
    beats.write_text("r_peak_s\n" + "".join(f"{beat - 0.25:.3f}\n" for beat in BEATS))
    return path, beats


def test_pulse_agrees_with_its_reference(recording):
    found = evaluate_pulse(recording[0], 100.0, recording[1])
    assert found.hr_mae_bpm < 0.1
    assert found.windows == 21
    assert found.clean_share == 1.0
    assert found.sensitivity > 0.95
    assert found.ppv == 1.0
    assert found.delay_s == pytest.approx(0.25, abs=0.01)
    assert found.rmssd_mae_ms < 3.0
    assert found.hr_short_mae_bpm < 0.2
    assert "heart-rate error" in table(found)


def test_pulse_command_prints_json(recording):
    told = CliRunner().invoke(
        main, ["evaluate-ppg", str(recording[0]), "--rate", "100", "--beats", str(recording[1]), "--json"])
    assert told.exit_code == 0
    found = json.loads(told.output)
    assert {"hr_mae_bpm", "clean_share", "windows", "sensitivity", "ppv", "rmssd_mae_ms"} <= found.keys()


@pytest.mark.parametrize("text", ["530\n518\n", "timer,hr\n0.0,530\n8.5,518\n",
                                  "datetime,hr\n2016-11-24 13:58:58.08,530\n2016-11-24 13:58:58.09,518\n"])
def test_pulse_reads_every_layout(tmp_path, text):
    path = tmp_path / "pulse.csv"
    path.write_text(text)
    assert read_pulse(path).tolist() == [530.0, 518.0]


@pytest.mark.parametrize(("text", "expected"), [
    ("r_peak_s\n1\n2\n", [1.0, 2.0]), ("sample_index\n100\n200\n", [1.0, 2.0]),
    ("100\n200\n", [1.0, 2.0]), ("1.0\n2.5\n", [1.0, 2.5]),
])
def test_pulse_tells_seconds_from_sample_numbers(tmp_path, text, expected):
    path = tmp_path / "beats.csv"
    path.write_text(text)
    assert read_beats(path, 100.0).tolist() == expected


@pytest.mark.parametrize(("text", "line"), [
    ("time_s,ppg\n0,1\n0.1,x\n", "line 3"), ("1\n2\n\n3\n", "line 3"), ("a,b\n1,2\n3\n4,5\n", "line 3"),
    ("", "no numbers"), ("1\nnan\n", "line 2"),
])
def test_pulse_names_the_line_that_is_wrong(tmp_path, text, line):
    path = tmp_path / "pulse.csv"
    path.write_text(text)
    with pytest.raises(RecordingError, match=line):
        read_pulse(path)


def test_pulse_refuses_beats_out_of_order(tmp_path):
    path = tmp_path / "beats.csv"
    path.write_text("r_peak_s\n1.0\n3.0\n2.0\n")
    with pytest.raises(RecordingError, match="line 4"):
        read_beats(path, 100.0)


def test_pulse_command_exits_78_in_one_line(tmp_path, recording):
    bad = tmp_path / "bad.csv"
    bad.write_text("1\ntwo\n")
    told = CliRunner().invoke(main, ["evaluate-ppg", str(bad), "--rate", "100", "--beats", str(recording[1])])
    assert told.exit_code == EXIT_CONFIG
    assert "bad.csv: line 2" in told.output
    for rate in ("0", "5"):
        told = CliRunner().invoke(
            main, ["evaluate-ppg", str(recording[0]), "--rate", rate, "--beats", str(recording[1])])
        assert told.exit_code == EXIT_CONFIG


def test_pulse_matches_beats_after_a_constant_delay():
    reference = np.arange(1.0, 50.0, 0.9)
    sensitivity, ppv, delay_s = match_beats(np.delete(reference, [10, 20]) + 0.4, reference)
    assert sensitivity == pytest.approx(1 - 2 / reference.size)
    assert ppv == 1.0
    assert delay_s == pytest.approx(0.4)
    assert match_beats(np.empty(0), reference) == (None, None, None)


def test_pulse_meets_the_bound_on_an_intensive_care_record(shared_data):
    folder = shared_data / "ppg" / "icu-ecg-reference"
    found = evaluate_pulse(folder / "cinc2015_a103l.csv.gz", 250.0, folder / "cinc2015_a103l_ref_beats.csv")
    assert found.hr_mae_bpm < 1.0
    assert found.hr_short_mae_bpm < 2.0
    assert found.ppv > 0.98
    assert found.sensitivity > 0.85
