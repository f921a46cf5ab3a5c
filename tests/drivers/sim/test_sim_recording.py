"""Recordings become bodies; bad ones one-line errors that name the file and the line."""

from __future__ import annotations

import gzip
import math
from pathlib import Path

import numpy as np
import pytest

from drivers.errors import RecordingError, TranquilloError
from drivers.sim.body import Heard
from drivers.sim.recording import RAILS_V, REST_V, Recording, open_recording

START_S = 5000.0
UNIX_S = 1_644_227_574.0


def write(path: Path, start_s: float, rate_hz: float, values: object, *, packed: bool = False) -> None:
    lines = [f"{start_s:.6f}", f"{rate_hz:.6f}", *(f"{value:.6f}" for value in np.asarray(values))]
    text = "\n".join(lines) + "\n"
    if packed:
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ten seconds: a 1.2 Hz pulse of 80 units, conductance and temperature on ramps."""
    write(tmp_path / "BVP.csv", UNIX_S, 64.0, 40 * np.sin(2 * np.pi * 1.2 * np.arange(641) / 64))
    write(tmp_path / "EDA.csv", UNIX_S, 4.0, 2.0 + 0.1 * np.arange(41))
    write(tmp_path / "TEMP.csv", UNIX_S, 4.0, 33.0 + 0.01 * np.arange(41))
    return tmp_path


def test_values_between_samples_lie_on_lines(folder):
    body = open_recording(folder, START_S)
    assert body.skin_us(START_S) == pytest.approx(2.0)
    assert body.skin_us(START_S + 0.25) == pytest.approx(2.1)
    assert body.skin_us(START_S + 0.125) == pytest.approx(2.05)
    assert body.skin_c(START_S + 5.1) == pytest.approx(33.204)


def test_the_pulse_spans_half_a_volt_around_mid_supply(folder):
    body = open_recording(folder, START_S)
    volts = np.array([body.pulse_v(START_S + n / 100) for n in range(1001)])
    assert volts.max() - volts.min() == pytest.approx(0.5, rel=0.01)
    assert volts.mean() == pytest.approx(REST_V, abs=0.005)


def test_the_pulse_between_samples_is_the_smooth_curve(folder):
    body = open_recording(folder, START_S)
    times = np.arange(20, 900) / 100
    volts = np.array([body.pulse_v(START_S + t) for t in times])
    expected = REST_V + 0.25 * np.sin(2 * np.pi * 1.2 * times)
    np.testing.assert_allclose(volts, expected, atol=0.002)


def test_motion_does_not_set_the_scale_but_runs_into_the_rails(folder):
    values = 40 * np.sin(2 * np.pi * 1.2 * np.arange(6401) / 64)
    values[3000:3100] *= 40
    write(folder / "BVP.csv", UNIX_S, 64.0, values)
    body = open_recording(folder, START_S)
    calm = np.array([body.pulse_v(START_S + n / 100) for n in range(2000)])
    assert np.ptp(calm) == pytest.approx(0.5, rel=0.01)
    moving = np.array([body.pulse_v(START_S + 3000 / 64 + n / 100) for n in range(150)])
    assert moving.min() == RAILS_V[0]
    assert moving.max() == RAILS_V[1]


def test_outside_the_recording_the_sensors_are_off(folder):
    body = open_recording(folder, START_S)
    assert body.duration_s == pytest.approx(10.0)
    for at_s in (START_S - 0.01, START_S + 10.01, START_S + 1e6):
        assert math.isnan(body.skin_us(at_s))
        assert math.isnan(body.pulse_v(at_s))
        assert math.isnan(body.skin_c(at_s))
    truth = body.truth(START_S + 11.0)
    assert math.isnan(truth.skin_us)
    assert truth.skin_c is None
    assert body.skin_us(START_S + 10.0) == pytest.approx(6.0)


def test_signals_that_start_at_different_times_keep_their_places(folder):
    write(folder / "EDA.csv", UNIX_S + 3.0, 4.0, 2.0 + 0.1 * np.arange(41))
    body = open_recording(folder, START_S)
    assert math.isnan(body.skin_us(START_S + 2.9))
    assert body.skin_us(START_S + 3.0) == pytest.approx(2.0)
    assert math.isfinite(body.pulse_v(START_S + 2.9))
    assert body.duration_s == pytest.approx(13.0)
    assert math.isnan(body.pulse_v(START_S + 12.0))


def test_compressed_and_plain_files_are_the_same(folder, tmp_path_factory):
    packed = tmp_path_factory.mktemp("packed")
    for name in ("BVP", "EDA", "TEMP"):
        text = (folder / f"{name}.csv").read_bytes()
        (packed / f"{name}.csv.gz").write_bytes(gzip.compress(text))
    plain_body, packed_body = open_recording(folder, START_S), open_recording(packed, START_S)
    for at_s in np.arange(START_S, START_S + 10, 0.37):
        assert plain_body.pulse_v(at_s) == packed_body.pulse_v(at_s)
        assert plain_body.skin_us(at_s) == packed_body.skin_us(at_s)


def test_windows_line_ends_are_read(folder):
    path = folder / "EDA.csv"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert open_recording(folder, START_S).skin_us(START_S + 0.25) == pytest.approx(2.1)


def test_there_is_no_eeg_and_nobody_listens(folder):
    body = open_recording(folder, START_S)
    eeg = body.eeg_uv(START_S, 7, 250.0)
    assert eeg.shape == (7, 8)
    assert np.isnan(eeg).all()
    before = body.pulse_v(START_S + 1)
    body.hear(START_S, Heard(60, 0.5, 0.5, 0.1, 0.1, 0.0, -40.0))
    assert body.pulse_v(START_S + 1) == before
    assert body.truth(START_S + 1).arousal is None


def test_labels_come_from_the_protocol(folder):
    (folder / "intervals.csv").write_text(
        "task,start_s,end_s,source\nbaseline,0.0,2.0,tag\nstroop,2.0,4.0,tag\nquestionnaire,4.0,5.0,log\n"
        "interview,5.0,6.0,tag\nhyperventilation,6,7,tag\nrest,7.0,9.0,tag+log\n")
    body = open_recording(folder, START_S)
    said = [body.truth(START_S + at_s).label for at_s in (0.0, 2.0, 3.99, 4.5, 5.5, 6.5, 8.0, 9.5)]
    assert said == ["rest", "stress", "stress", "", "stress", "stress", "rest", ""]
    assert [(span.task, span.label) for span in body.labels()] == [
        ("baseline", "rest"), ("stroop", "stress"), ("interview", "stress"),
        ("hyperventilation", "stress"), ("rest", "rest")]  # fmt: skip
    assert len(body.intervals) == 6


def test_heart_rate_comes_from_the_beats_of_the_last_ten_seconds(folder):
    beats = "\n".join(f"{1 + 0.75 * n:.4f},{0.75:.4f}" for n in range(8))
    (folder / "IBI.csv").write_text(f"{UNIX_S + 1:.6f}, IBI\n{beats}\n")
    body = open_recording(folder, START_S)
    assert body.truth(START_S + 1.9).hr_bpm is None
    assert body.truth(START_S + 2.0).hr_bpm == pytest.approx(80.0)
    assert body.truth(START_S + 9.0).hr_bpm == pytest.approx(80.0)
    assert body.truth(START_S + 30.0).hr_bpm is None


def test_without_optional_files_the_truth_says_so(folder):
    truth = open_recording(folder, START_S).truth(START_S + 1.0)
    assert truth.label == ""
    assert truth.hr_bpm is None
    assert truth.skin_us == pytest.approx(2.4)
    assert truth.skin_c == pytest.approx(33.04)


def refused(folder: Path, *words: str) -> None:
    with pytest.raises(RecordingError) as caught:
        open_recording(folder, START_S)
    text = str(caught.value)
    assert "\n" not in text
    for word in words:
        assert word in text
    assert isinstance(caught.value, TranquilloError)
    assert isinstance(caught.value, ValueError)


def test_a_missing_folder_is_refused(tmp_path):
    refused(tmp_path / "nobody", "nobody", "BVP.csv")


@pytest.mark.parametrize("name", ["BVP", "EDA", "TEMP"])
def test_a_missing_signal_is_refused(folder, name):
    (folder / f"{name}.csv").unlink()
    refused(folder, f"{name}.csv.gz", "missing")


def test_an_empty_file_is_refused(folder):
    (folder / "EDA.csv").write_text("")
    refused(folder, "EDA.csv", "empty")


def test_a_file_without_values_is_refused(folder):
    (folder / "EDA.csv").write_text("1644227574.0\n4.0\n")
    refused(folder, "EDA.csv", "2 lines")


@pytest.mark.parametrize("bad", ["abc", "1.0,2.0", "nan", "inf", "", "0x10"])
def test_a_value_that_is_no_number_is_refused_with_its_line(folder, bad):
    lines = (folder / "EDA.csv").read_text().splitlines()
    lines[6] = bad
    (folder / "EDA.csv").write_text("\n".join(lines))
    refused(folder, "EDA.csv", "line 7", repr(bad))


@pytest.mark.parametrize("rate", ["0", "-4.0"])
def test_a_rate_that_is_not_positive_is_refused(folder, rate):
    lines = (folder / "TEMP.csv").read_text().splitlines()
    lines[1] = rate
    (folder / "TEMP.csv").write_text("\n".join(lines))
    refused(folder, "TEMP.csv", "line 2", "above 0")


def test_signals_that_never_run_together_are_refused(folder):
    write(folder / "EDA.csv", UNIX_S + 3600.0, 4.0, np.ones(40))
    refused(folder, "never run at the same time")


def test_a_pulse_without_a_pulse_is_refused(folder):
    write(folder / "BVP.csv", UNIX_S, 64.0, np.zeros(640))
    refused(folder, "BVP", "one value")


def test_a_cut_archive_is_refused(folder):
    (folder / "EDA.csv").unlink()
    (folder / "EDA.csv.gz").write_bytes(gzip.compress(b"1.0\n4.0\n" + b"1.0\n" * 5000)[:-20])
    refused(folder, "EDA.csv.gz", "cannot be read")


def test_a_damaged_archive_is_refused(folder):
    (folder / "EDA.csv").unlink()
    (folder / "EDA.csv.gz").write_bytes(b"this is no archive")
    refused(folder, "EDA.csv.gz", "cannot be read")


def test_bytes_that_are_no_text_are_refused(folder):
    (folder / "BVP.csv").write_bytes(b"\xff\xfe\x00\x01" * 100)
    refused(folder, "BVP.csv", "cannot be read")


@pytest.mark.parametrize("row", ["stroop", "stroop,1.0", "stroop,a,b,tag", "stroop,1.0,nan,tag"])
def test_a_malformed_protocol_is_refused_with_its_line(folder, row):
    (folder / "intervals.csv").write_text(f"task,start_s,end_s,source\nbaseline,0,1,tag\n{row}\n")
    refused(folder, "intervals.csv", "line 3", "2 numbers")


def test_recording_protocol_without_header_is_refused(folder: Path) -> None:
    (folder / "intervals.csv").write_text("baseline,0,1,tag\nrest,1,2,tag\n")
    refused(folder, "intervals.csv", "line 1", "no header")


@pytest.mark.parametrize("row", ["rest,5,5,log", "rest,5,4,log", "rest,0.5,3,log"])
def test_recording_protocol_stands_in_order(folder: Path, row: str) -> None:
    (folder / "intervals.csv").write_text(f"task,start_s,end_s,source\nbaseline,0,1,tag\n{row}\n")
    refused(folder, "intervals.csv", "line 3", "do not overlap")


@pytest.mark.parametrize(
    ("row", "word"), [("1.0", "2 numbers"), ("1.0,x", "2 numbers"), ("1.0,0.0", "above 0")])
def test_malformed_beats_are_refused_with_their_line(folder, row, word):
    (folder / "IBI.csv").write_text(f"{UNIX_S}, IBI\n{row}\n")
    refused(folder, "IBI.csv", "line 2", word)


def test_malformed_beats_header_is_refused(folder):
    (folder / "IBI.csv").write_text("start, IBI\n1.0,0.8\n")
    refused(folder, "IBI.csv", "line 1")


def test_every_shared_subject_opens_and_looks_like_a_person(shared_data):
    folders = sorted((shared_data / "stress-predict").glob("S*"))
    assert len(folders) == 28
    for subject in folders:
        body = open_recording(subject, START_S)
        assert 1500 < body.duration_s < 7200
        times = START_S + np.linspace(300.0, 1200.0, 1801)
        volts = np.array([body.pulse_v(t) for t in times])
        assert abs(np.median(volts) - REST_V) < 0.05
        assert 24 < np.median([body.skin_c(t) for t in times]) < 38
        assert 0 <= np.median([body.skin_us(t) for t in times]) < 60
        assert {span.label for span in body.labels()} == {"stress", "rest"}


def test_a_real_subject_s_truth_follows_its_files(shared_data):
    body = open_recording(shared_data / "stress-predict" / "S02", START_S)
    assert body.truth(START_S + 100.0).label == "rest"
    assert body.truth(START_S + 700.0).label == "stress"
    rates = [rate for at_s in range(600, 900) if (rate := body.truth(START_S + at_s).hr_bpm) is not None]
    assert len(rates) > 30
    assert 50 < np.median(rates) < 120


@pytest.mark.parametrize(("signal", "one_by_one"), [
    ("eda", Recording.skin_us), ("ppg", Recording.pulse_v), ("temperature", Recording.skin_c),
])
def test_recording_sampled_at_once_is_the_same_as_one_by_one(shared_data, signal, one_by_one):
    body = open_recording(shared_data / "stress-predict" / "S05", 50.0)
    found = body.sampled(signal, 45.0, 1000, 100.0)
    expected = [one_by_one(body, 45.0 + k / 100.0) for k in range(1000)]
    assert np.array_equal(found, expected, equal_nan=True)
    assert np.isnan(found[:499]).all()
    assert np.isfinite(found[501:]).all()


def test_recording_sampled_beyond_its_end_is_nan(shared_data):
    body = open_recording(shared_data / "stress-predict" / "S05", 0.0)
    assert np.isnan(body.sampled("ppg", body.duration_s + 1.0, 50, 10.0)).all()
