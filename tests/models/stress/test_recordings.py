"""From a recording to labelled inputs."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest

from device.stress.inputs import INPUTS, SOURCES, read_inputs
from drivers.sim.recording import Interval, open_recording
from models.stress.training.recordings import (
    features_of,
    labels,
    load_subject,
    subject_folders,
    subject_of,
)

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "stress_features.json"
PROTOCOL = (
    Interval("baseline", 0.0, 400.0, "rest"), Interval("stroop", 400.0, 520.5, "stress"),
    Interval("hyperventilation", 520.5, 640.0, "stress"), Interval("rest", 640.0, 720.0, "rest"),
    Interval("questionnaire", 720.0, 900.0, ""),
)


@pytest.fixture(scope="module")
def folder(shared_data):
    return shared_data / "stress-predict" / "S05"


@pytest.fixture
def subject(invented):
    return invented(seconds=900)._replace(label=labels(PROTOCOL, 900))


def test_labels_are_for_windows_wholly_inside_one_interval():
    found = labels(PROTOCOL, 900)
    assert (found[:60] == -1).all()
    assert (found[60:401] == 0).all()
    assert (found[401:460] == -1).all()
    assert (found[460:521] == 1).all()
    assert (found[700:721] == 0).all()


def test_labels_leave_out_hyperventilation_and_questionnaire():
    found = labels(PROTOCOL, 900)
    assert (found[521:700] == -1).all()
    assert (found[721:] == -1).all()


def test_subject_knows_nothing_at_second_zero_and_the_features_after_it(invented):
    subject = invented(seconds=50)
    assert subject.label.size == 50 == len(subject.features)
    assert np.isnan(subject.inputs[0]).all()
    assert (subject.quality[0] == 0.0).all()
    for second in range(1, 50):
        features = subject.features[second]
        assert features.at_s == second
        assert np.array_equal(subject.inputs[second], read_inputs(features), equal_nan=True)
        assert subject.quality[second, 0] == (features.eda.quality if features.eda else 0.0)


def test_usable_inputs_are_those_of_usable_sources(subject):
    usable = subject.usable_inputs()
    pulse = [one.source == "ppg" for one in INPUTS]
    poor = subject.quality[:, SOURCES.index("ppg")] < 0.25
    assert poor.any()
    assert np.isnan(usable[poor][:, pulse]).all()
    assert np.array_equal(usable[~poor][:, pulse], subject.inputs[~poor][:, pulse], equal_nan=True)


def test_scored_windows_come_every_ten_seconds_after_the_calibration(subject):
    scored = subject.scored()
    assert scored.min() >= 300
    assert (scored % 10 == 0).all()
    assert (subject.label[scored] >= 0).all()
    expected = [second for second in range(300, 900, 10)
                if subject.label[second] >= 0 and (subject.quality[second, :2] >= 0.25).any()]
    assert scored.tolist() == expected


def test_labelled_windows_need_no_calibration(subject):
    found = subject.labelled()
    assert (found % 10 == 0).all()
    assert found.min() == 60
    assert set(subject.scored()) < set(found)


def test_temperature_alone_does_not_make_a_window(subject):
    skin_only = subject._replace(quality=subject.quality * [0.0, 0.0, 1.0])
    assert skin_only.present()[:, 2].any()
    assert skin_only.scored().size == skin_only.labelled().size == 0


def test_subject_without_protocol_is_not_scored(invented):
    whole = invented(seconds=400)
    assert subject_of("X", whole.features[1:], ()).scored().size == 0


def test_features_of_a_real_recording_are_the_golden_ones(shared_data):
    golden = json.loads(GOLDEN.read_text())
    tolerance = golden["relative_tolerance"]
    wanted = {row["at_s"]: row for row in golden["features"]}
    body = open_recording(shared_data / "stress-predict" / golden["subject"], 0.0)
    for features in features_of(body, round(max(wanted))):
        if features.at_s not in wanted:
            continue
        found, expected = msgspec.to_builtins(features), wanted[features.at_s]
        for signal in SOURCES:
            unknown = {name for name, value in expected[signal].items() if value is None}
            assert {name for name, value in found[signal].items() if value is None} == unknown
            known = {name: expected[signal][name] for name in set(expected[signal]) - unknown}
            assert {name: found[signal][name] for name in known} == pytest.approx(
                known, rel=tolerance, abs=1e-6), signal


def test_load_subject_keeps_its_result_and_repeats_it(folder, tmp_path):
    first = load_subject(folder, tmp_path, 100)
    assert len(list(tmp_path.iterdir())) == 1
    again = load_subject(folder, tmp_path, 100)
    anew = load_subject(folder, None, 100)
    for other in (again, anew):
        assert np.array_equal(first.inputs, other.inputs, equal_nan=True)
        assert np.array_equal(first.quality, other.quality)
        assert np.array_equal(first.label, other.label)
    assert first.inputs.shape == (101, len(INPUTS))
    assert first.intervals[0].task == "baseline"


def test_features_do_not_depend_on_what_comes_later(folder):
    body = open_recording(folder, 0.0)
    short, long = list(features_of(body, 70)), list(features_of(body, 100))
    assert short == long[:70]


def test_subject_folders_are_the_recordings_with_a_protocol(shared_data):
    names = [one.name for one in subject_folders(shared_data / "stress-predict")]
    assert len(names) == 28
    assert names == sorted(names)
