"""Recordings in EEGMAT's layout: files, heart rate, which windows are scored."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from device.errors import RecordingError
from device.evaluation.eegmat import PAUSE_S, Part, heart_rate, read_part, seconds, subject_names

HEADER = "Fp1,Fp2,C3,C4,P7,P8,O1,O2,ECG\n"


def noise(length_s, seed=1):
    return np.random.default_rng(seed).normal(0.0, 8.0, (round(250 * length_s), 8))


def write(path, rows):
    text = HEADER + "\n".join(",".join(f"{value:.1f}" for value in [*row, 0.0]) for row in rows) + "\n"
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)


def test_people_are_those_of_whom_both_files_are_there(tmp_path):
    for name in ("B_rest.csv", "B_task.csv.gz", "A_rest.csv.gz", "A_task.csv.gz", "C_rest.csv", "D_task.csv"):
        write(tmp_path / name, noise(0.1))
    assert subject_names(tmp_path) == ["A", "B"]
    assert subject_names(tmp_path / "nowhere") == []


@pytest.mark.parametrize("suffix", ["csv", "csv.gz"])
def test_part_is_read_plain_and_packed(tmp_path, suffix):
    rows = noise(1.0)
    write(tmp_path / f"A_rest.{suffix}", rows)
    (tmp_path / "A_rest_rpeaks.csv").write_text("r_peak_s\n0.050\n0.776\n")
    found = read_part(tmp_path, "A", "rest")
    assert found.microvolts == pytest.approx(rows, abs=0.051)
    assert found.r_peaks_s.tolist() == [0.05, 0.776]


def test_part_without_ecg_has_no_peaks(tmp_path):
    write(tmp_path / "A_rest.csv", noise(1.0))
    assert read_part(tmp_path, "A", "rest").r_peaks_s is None


@pytest.mark.parametrize("text", ["", HEADER, "Fp1,Fp2\n1,2\n", HEADER + "a,b,c,d,e,f,g,h,i\n"])
def test_part_that_is_no_table_is_refused(tmp_path, text):
    (tmp_path / "A_rest.csv").write_text(text)
    with pytest.raises(RecordingError, match=r"A_rest\.csv"):
        read_part(tmp_path, "A", "rest")


def test_empty_list_of_peaks_is_no_ecg(tmp_path):
    write(tmp_path / "A_rest.csv", noise(1.0))
    (tmp_path / "A_rest_rpeaks.csv").write_text("r_peak_s\n")
    assert read_part(tmp_path, "A", "rest").r_peaks_s is None


def test_missing_part_is_refused(tmp_path):
    with pytest.raises(RecordingError, match="A_task"):
        read_part(tmp_path, "A", "task")


def test_heart_rate_is_that_of_the_span_and_causal():
    beats = np.concatenate((np.arange(0.0, 40.0, 1.0), np.arange(40.0, 60.0, 0.5)))
    assert heart_rate(beats, 40.0) == pytest.approx(60.0)
    assert heart_rate(beats, 59.9) == pytest.approx(120.0)
    assert heart_rate(beats[beats <= 30.0], 30.0) == heart_rate(beats, 30.0)


def test_heart_rate_needs_beats_and_outlives_a_missed_one():
    assert heart_rate(np.array([1.0, 2.0, 3.0]), 20.0) is None
    beats = np.delete(np.arange(0.0, 20.0, 0.8), 9)
    assert heart_rate(beats, 20.0) == pytest.approx(75.0)


def test_scored_windows_lie_within_one_file_and_after_the_first_minute():
    found = list(seconds(Part(noise(100.0), None), Part(noise(40.0, 2), None)))
    assert len(found) == 140
    assert [index + 1 for index, one in enumerate(found) if one.scored] == [
        80, 85, 90, 95, 100, 120, 125, 130, 135, 140]
    assert [one.label for one in found] == [0] * 100 + [1] * 40
    assert found[100].features.at_s - found[99].features.at_s == PAUSE_S + 1


def test_first_scored_window_of_the_task_holds_nothing_of_the_rest():
    quiet, loud = Part(noise(100.0), None), Part(3.0 * noise(40.0), None)
    found = list(seconds(quiet, loud))
    first = next(one for one in found if one.scored and one.label == 1)
    alone = list(seconds(loud, quiet))[19]
    assert first.features.eeg.ln_power == alone.features.eeg.ln_power


def test_seconds_carry_the_pulse_where_there_is_an_ecg():
    found = list(seconds(Part(noise(30.0), np.arange(0.0, 30.0, 0.75)), Part(noise(30.0), None)))
    assert found[29].features.ppg.hr_bpm == pytest.approx(80.0)
    assert found[59].features.ppg is None
