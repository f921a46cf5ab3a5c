"""From a recording to labelled inputs."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest

from device.stress.baseline import Baseline
from device.stress.inputs import CLIP, INPUTS, SOURCES, model_vector
from drivers.sim.recording import Interval, open_recording
from models.stress.training.normalise import (
    contact_from,
    deviations,
    labelled,
    typical_spread,
    vectors,
)
from models.stress.training.recordings import (
    Subject,
    features_of,
    labels,
    load_subject,
    subject_folders,
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


def invented(seconds=900, seed=1):
    random = np.random.default_rng(seed)
    inputs = random.normal(3.0, 0.7, (seconds, len(INPUTS)))
    present = random.random((seconds, len(SOURCES))) < 0.8
    return Subject("X", inputs, present, labels(PROTOCOL, seconds))


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


def test_scored_windows_come_every_ten_seconds_after_the_calibration():
    subject = invented()
    scored = subject.scored()
    assert scored.min() >= 300
    assert (scored % 10 == 0).all()
    assert (subject.label[scored] >= 0).all()
    assert subject.present[scored].any(axis=1).all()


def test_normalisation_at_once_equals_the_devices_second_by_second():
    subject = invented()
    spread = typical_spread([subject])
    found = vectors(deviations(subject, spread, 120.0), subject.present)
    baseline = Baseline(spread.tolist(), 120.0)
    for second in range(900):
        here = subject.present[second]
        sources = frozenset(source for source, there in zip(SOURCES, here, strict=True) if there)
        values = np.array([value if one.source in sources else np.nan
                           for one, value in zip(INPUTS, subject.inputs[second], strict=True)])
        expected = model_vector(baseline.update(float(second), values), sources)
        assert found[second] == pytest.approx(expected, abs=1e-5)


def test_vectors_are_clipped_and_zero_where_absent():
    subject = invented()
    rows = vectors(deviations(subject, np.full(len(INPUTS), 0.01), 1e9), subject.present)
    assert np.abs(rows).max() == CLIP
    absent = ~subject.present[:, 0]
    assert (rows[absent][:, [one.source == "eda" for one in INPUTS] + [True, False]] == 0.0).all()


def test_features_of_a_real_recording_are_the_golden_ones(shared_data):
    golden = json.loads(GOLDEN.read_text())
    tolerance = golden["relative_tolerance"]
    wanted = {row["at_s"]: row for row in golden["features"]}
    body = open_recording(shared_data / "stress-predict" / golden["subject"], 0.0)
    for features in features_of(body, round(max(wanted))):
        if features.at_s not in wanted:
            continue
        found, expected = msgspec.to_builtins(features), wanted[features.at_s]
        for signal in ("eda", "ppg"):
            assert found[signal] == pytest.approx(expected[signal], rel=tolerance, abs=1e-6)


def test_load_subject_keeps_its_result_and_repeats_it(folder, tmp_path):
    first = load_subject(folder, tmp_path, 100)
    assert len(list(tmp_path.iterdir())) == 1
    again = load_subject(folder, tmp_path, 100)
    anew = load_subject(folder, None, 100)
    for other in (again, anew):
        assert np.array_equal(first.inputs, other.inputs, equal_nan=True)
        assert np.array_equal(first.present, other.present)
        assert np.array_equal(first.label, other.label)
    assert first.inputs.shape == (101, len(INPUTS))


def test_subject_folders_are_the_recordings_with_a_protocol(shared_data):
    names = [one.name for one in subject_folders(shared_data / "stress-predict")]
    assert len(names) == 28
    assert names == sorted(names)


def test_late_contact_knows_nothing_of_what_came_before():
    subject = invented()
    late = contact_from(subject, 410)
    assert late.inputs.shape[0] == 900 - 410
    assert (late.label[:60] == -1).all()
    assert np.array_equal(late.label[60:], subject.label[470:])
    spread = np.ones(len(INPUTS))
    changed = subject._replace(inputs=subject.inputs.copy())
    changed.inputs[:410] = 99.0
    same = deviations(contact_from(changed, 410), spread)
    assert np.array_equal(deviations(late, spread), same, equal_nan=True)
    assert (subject.label[:60] == -1).all()


def test_late_contact_leaves_the_original_labels_alone():
    subject = invented()
    before = subject.label.copy()
    contact_from(subject, 450)
    assert np.array_equal(subject.label, before)


def test_labelled_windows_come_every_ten_seconds_from_the_first_minute_on():
    found = labelled(contact_from(invented(), 410))
    assert (found % 10 == 0).all()
    assert found.min() == 60
