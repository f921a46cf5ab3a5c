"""The table and the JSON."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from support.courses import SECONDS, course_of, told

from device.evaluation.report import json_text, rounded, table
from device.evaluation.results import KEYS, Evaluation
from device.evaluation.stress import judge, summarise


def evaluation(*levels, trained=(), context_s=60.0):
    judged = {f"P{number}": judge(course_of(level), context_s, trained=number in trained)
              for number, level in enumerate(levels)}
    others = [one for one in judged.values() if not one.person.trained_on]
    return Evaluation(
        subjects={name: one.person for name, one in judged.items()}, summary=summarise(list(judged.values())),
        others=summarise(others) if 0 < len(others) < len(judged) else None, path="fast", context_s=context_s,
        run_s_per_hour=7.0)


def line_of(text, start):
    return next(line for line in text.splitlines() if line.startswith(start))


def test_json_has_subjects_and_exactly_the_seven_means():
    found = json.loads(json_text(evaluation(told(), np.full(SECONDS, 0.2))))
    assert set(found["subjects"]) == {"P0", "P1"}
    assert tuple(found["mean"]) == KEYS == (
        "balanced_accuracy", "auc", "f1", "brier", "ece", "unknown_share", "hr_mae_bpm")
    assert found["mean"]["balanced_accuracy"] == 0.75
    assert set(KEYS) < set(found["subjects"]["P0"])
    assert found["subjects"]["P0"]["delay"]["to_stress_s"] == 30.0
    assert found["path"] == "fast"
    assert "mean.ece" in found["definitions"]


def test_json_says_null_where_there_is_no_figure():
    found = json.loads(json_text(evaluation(np.full(SECONDS, math.nan))))
    assert found["subjects"]["P0"]["auc"] is None
    assert found["mean"]["auc"] is None
    assert found["mean"]["unknown_share"] == 1.0
    assert found["interval_95"]["unknown_share"] is None
    assert found["not_trained_on"] is None


def test_json_tells_the_people_apart_who_were_never_trained_on():
    found = json.loads(json_text(evaluation(told(), np.full(SECONDS, 0.2), trained=(0,))))
    assert found["subjects"]["P0"]["trained_on"] is True
    assert found["not_trained_on"]["mean"]["balanced_accuracy"] == 0.5
    assert found["not_trained_on"]["people"] == 1


def test_json_numbers_have_four_decimals():
    assert rounded({"a": [0.123456, 2], "b": (None, True)}) == {"a": [0.1235, 2], "b": [None, True]}


def test_table_has_a_line_a_person_and_the_mean_with_its_interval():
    text = table(evaluation(told(), np.full(SECONDS, 0.2)))
    assert line_of(text, "P0").split() == ["P0", "1.000", "1.000", "1.000", "0.040", "0.200", "0.000", "-",
                                        "30", "30"]
    assert line_of(text, "mean").split()[1] == "0.750"
    assert line_of(text, "  95 % from").split()[3] == "0.500"
    assert line_of(text, "  to").split()[1] == "1.000"
    assert line_of(text, "mean").split()[-2:] == ["-", "20"]  # the second person is always at rest
    assert "to rest (down) 20 s; 2 of 8 never followed" in text
    assert "trained on" not in text


def test_table_marks_people_that_were_trained_on():
    text = table(evaluation(told(), np.full(SECONDS, 0.2), trained=(0,)))
    assert line_of(text, "P0*")
    assert line_of(text, "not trained on").split()[3] == "0.500"
    assert "* the model was trained on this person" in text


def test_table_shows_dashes_and_the_share_of_unknown():
    text = table(evaluation(np.full(SECONDS, math.nan)))
    assert line_of(text, "P0").split() == ["P0", "-", "-", "-", "-", "-", "1.000", "-", "-", "-"]
    assert "none (half or more never followed)" in text
    assert "Hyperventilation: no window." in text


def test_table_tells_what_unknown_as_wrong_would_give():
    level = told()
    level[660:781] = math.nan
    strict = judge(course_of(level), 60.0).person.balanced_accuracy_strict
    assert f"counted as wrong, the balanced accuracy is {strict:.3f}" in table(evaluation(level))
    assert strict == pytest.approx(0.87)


@pytest.mark.parametrize("context_s", [60.0, 120.0])
def test_table_names_context_and_path(context_s):
    text = table(evaluation(told(), context_s=context_s))
    assert f"Windows of {context_s:g} s" in text
    assert "straight from the recording; 7 s of processor time per hour" in text
    assert max(map(len, text.splitlines())) <= 120
