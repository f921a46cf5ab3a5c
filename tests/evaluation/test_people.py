"""The shipped path over parts of real recordings, and folders that are refused."""

from __future__ import annotations

import math
import shutil

import numpy as np
import pytest

from device.errors import RecordingError
from device.evaluation.people import MODEL, check_folders, follow_all, follow_one
from device.evaluation.stress import judge

# The two ways differ by the converter's noise and by 1 ms of sampling time; docs/evaluation.md says so.
MEAN_LEVEL_TOLERANCE = 0.02
HR_TOLERANCE_BPM = 0.5


@pytest.fixture
def folder(part):
    return part("S05", seconds=720)


def refused(folders, *words):
    with pytest.raises(RecordingError) as caught:
        check_folders(folders)
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_the_fast_way_agrees_with_the_converter(folder):
    fast, slow = (follow_all([("S05", folder)], fast=way)[0] for way in (True, False))
    known = np.isfinite(fast.level) & np.isfinite(slow.level)
    assert known.sum() > 600
    assert (np.isfinite(fast.level) != np.isfinite(slow.level)).sum() <= 10
    assert np.abs(fast.level - slow.level)[known].mean() < MEAN_LEVEL_TOLERANCE
    pulse = np.isfinite(fast.hr_bpm) & np.isfinite(slow.hr_bpm)
    assert np.abs(fast.hr_bpm - slow.hr_bpm)[pulse].mean() < HR_TOLERANCE_BPM
    first, second = (judge(one, 60.0).person for one in (fast, slow))
    assert first.windows == second.windows
    assert first.balanced_accuracy == pytest.approx(second.balanced_accuracy, abs=0.05)
    assert first.hr_mae_bpm == pytest.approx(second.hr_mae_bpm, abs=0.5)
    assert second.hr_mae_bpm < 2.0


def test_several_people_come_in_order_and_the_same_as_alone(part):
    people = [("B", part("S09", seconds=150)), ("A", part("S05", seconds=200))]
    together = follow_all(people, fast=True)
    assert [one.name for one in together] == ["B", "A"]
    assert [one.level.size for one in together] == [150, 200]  # the last sample is 1/64 s short of the end
    for course, person in zip(together, people, strict=True):
        alone = follow_all([person], fast=True)[0]
        assert np.array_equal(course.level, alone.level, equal_nan=True)
        assert np.array_equal(course.hr_bpm, alone.hr_bpm, equal_nan=True)


def test_most_people_have_a_level_within_a_minute_of_contact(shared_data):
    people = ["S02", "S05", "S08", "S12", "S17", "S21", "S27", "S33"]
    courses = [follow_one((name, shared_data / "stress-predict" / name), fast=True, model=MODEL, limit_s=120)
               for name in people]
    first = [int(np.flatnonzero(np.isfinite(course.level))[0]) for course in courses]
    assert np.sum(np.array(first) <= 61) >= 7
    assert max(first) <= 110


def test_level_is_unknown_at_first_and_never_outside_its_range(folder):
    told = []
    course = follow_all([("S05", folder)], fast=True, limit_s=200, done=lambda: told.append(1))[0]
    assert told == [1]
    assert course.level.size == 201
    assert math.isnan(course.level[0])
    assert np.isnan(course.level[:20]).all()
    known = course.level[np.isfinite(course.level)]
    assert known.size > 100
    assert known.min() >= 0.0
    assert known.max() <= 1.0


def test_names_are_those_of_the_folders_and_paths_where_two_are_the_same(folder, tmp_path):
    other = tmp_path / "other" / "S05"
    shutil.copytree(folder, other)
    assert check_folders([folder]) == [("S05", folder)]
    assert [name for name, _ in check_folders([folder, other])] == [str(folder), str(other)]


def test_a_folder_named_twice_is_refused(folder):
    refused([folder, folder / ".." / folder.name], "named twice")


def test_what_is_no_folder_is_refused(tmp_path):
    refused([tmp_path / "nobody"], "nobody", "is no folder")


@pytest.mark.parametrize("signal", ["BVP", "EDA", "TEMP"])
def test_a_missing_signal_is_refused(part, signal):
    folder = part(seconds=60, keep=[one for one in ("BVP", "EDA", "TEMP") if one != signal])
    refused([folder], str(folder), f"{signal}.csv")


def test_a_missing_protocol_is_refused(folder):
    (folder / "intervals.csv").unlink()
    refused([folder], str(folder), "intervals.csv is missing")
    (folder / "intervals.csv").write_text("task,start_s,end_s,source\n")
    refused([folder], "holds no interval")


@pytest.mark.parametrize(("row", "word"), [
    ("stroop,480,later,tag", "2 numbers"), ("stroop,480,470,tag", "do not overlap"),
    ("stroop,100,700,tag", "do not overlap"),
])
def test_a_malformed_protocol_is_refused_with_its_line(part, row, word):
    folder = part(seconds=60, protocol=["baseline,0,480,tag", row])
    refused([folder], "intervals.csv", "line 3", word)


def test_a_bad_folder_is_told_before_any_long_run(folder, tmp_path):
    refused([folder, tmp_path / "nobody"], "nobody")
