"""The figures of one person and of several."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from support.courses import PROTOCOL, SECONDS, course_of, told

from device.evaluation.results import KEYS
from device.evaluation.stress import judge, summarise, trained_on
from drivers.sim.e4 import Interval

# Windows of the invented protocol: from 300 s every 10 s, wholly inside their intervals.
STRESS_WINDOWS = 25 + 25
REST_WINDOWS = 31 + 25 + 25


def person(level, **more):
    return judge(course_of(level, **more), 60.0).person


def test_person_who_is_told_perfectly():
    found = person(told())
    assert (found.windows.stress, found.windows.rest, found.windows.unknown) == (
        STRESS_WINDOWS, REST_WINDOWS, 0)
    assert (found.balanced_accuracy, found.auc, found.f1, found.balanced_accuracy_strict) == (1, 1, 1, 1)
    assert found.brier == pytest.approx(0.04)
    assert found.ece == pytest.approx(0.2)
    assert found.unknown_share == 0.0
    assert (found.delay.to_stress_s, found.delay.to_rest_s) == (30.0, 30.0)
    assert (found.delay.changes, found.delay.missed) == (4, 0)


def test_person_of_whom_nothing_is_known_has_no_figures():
    found = person(np.full(SECONDS, math.nan))
    assert found.unknown_share == 1.0
    assert found.balanced_accuracy_strict == 0.0
    for key in ("balanced_accuracy", "auc", "f1", "brier", "ece", "brier_plain", "ece_plain"):
        assert getattr(found, key) is None
    assert found.delay.to_stress_s is None
    assert found.delay.missed == 4


def test_person_with_one_class_only_has_no_figures():
    spans = [span for span in PROTOCOL if span.task not in {"stroop", "interview"}]
    found = person(told(), intervals=spans)
    assert found.balanced_accuracy is None
    assert found.balanced_accuracy_strict is None
    assert found.unknown_share == 0.0
    assert found.windows.stress == 0


def test_person_without_a_scored_window_has_not_even_a_share():
    found = person(told(), intervals=[Interval("questionnaire", 0.0, 1800.0, "")])
    assert found.unknown_share is None
    assert (found.windows.stress, found.windows.rest) == (0, 0)


def test_unknown_windows_are_left_out_but_counted():
    level = told()
    level[660:781] = math.nan  # 13 windows of the Stroop test
    found = person(level)
    assert found.windows.unknown == 13
    assert found.unknown_share == pytest.approx(13 / (STRESS_WINDOWS + REST_WINDOWS))
    assert found.balanced_accuracy == 1.0
    assert found.balanced_accuracy_strict == pytest.approx((1 + (STRESS_WINDOWS - 13) / STRESS_WINDOWS) / 2)


def test_hyperventilation_is_apart():
    level = told()
    level[1801:] = 0.9
    found = person(level)
    assert found.balanced_accuracy == 1.0
    assert found.hyperventilation.windows == 7  # 1860 to 1920 s
    assert found.hyperventilation.level == pytest.approx(0.9)
    assert found.hyperventilation.called_stress == 1.0
    level[1801:] = math.nan
    assert person(level).hyperventilation.called_stress is None
    assert person(level).hyperventilation.unknown == 7


def test_context_of_two_minutes_scores_fewer_windows_of_smoother_levels():
    noisy = told() + np.random.default_rng(1).normal(0.0, 0.3, SECONDS)
    course = course_of(np.clip(noisy, 0.0, 1.0))
    short, long = (judge(course, context_s).person for context_s in (60.0, 120.0))
    assert long.windows.stress == STRESS_WINDOWS - 2 * 6
    assert long.auc > short.auc
    assert long.balanced_accuracy == 1.0


def test_balanced_and_plain_brier_differ_with_the_classes():
    found = person(np.full(SECONDS, 0.2))
    assert found.brier == pytest.approx((0.04 + 0.64) / 2)
    share = STRESS_WINDOWS / (STRESS_WINDOWS + REST_WINDOWS)
    assert found.brier_plain == pytest.approx(0.04 * (1 - share) + 0.64 * share)
    assert found.ece == pytest.approx(0.3)
    assert found.ece_plain == pytest.approx(share - 0.2)


def test_summary_means_over_people_who_have_the_figure():
    people = [judge(course_of(level), 60.0) for level in (
        told(), np.full(SECONDS, 0.2), np.full(SECONDS, math.nan))]
    found = summarise(people)
    assert found.people == 3
    assert tuple(found.mean) == KEYS
    assert found.mean["balanced_accuracy"] == pytest.approx(0.75)
    assert found.mean["unknown_share"] == pytest.approx(1 / 3)
    assert found.mean["hr_mae_bpm"] is None
    assert found.interval_95["hr_mae_bpm"] is None
    assert found.interval_95["balanced_accuracy"] == (0.5, 1.0)
    assert found.delay.changes == 12
    assert found.delay.missed == 6


def test_summary_pools_the_calibration_error():
    people = [judge(course_of(level), 60.0) for level in (told(0.6, 0.6), told(0.4, 0.4))]
    found = summarise(people)
    assert found.more["ece_of_each"] == pytest.approx(0.1)
    assert found.mean["ece"] == pytest.approx(0.1)
    honest = [judge(course_of(level), 60.0) for level in (told(0.55, 0.55), told(0.55, 0.05))]
    assert summarise(honest).mean["ece"] < summarise(honest).more["ece_of_each"] + 1e-9


def test_summary_of_nobody_is_empty():
    found = summarise([])
    assert found.people == 0
    assert set(found.mean.values()) == {None}


def test_trained_on_names_the_people_of_the_card(models_dir, tmp_path):
    assert "S02" in trained_on(models_dir / "stress" / "stress.tflite")
    (tmp_path / "card.json").write_text(json.dumps({"data": {"subjects": ["X1"]}, "format": 1}))
    assert trained_on(tmp_path / "any.tflite") == {"X1"}
    (tmp_path / "card.json").write_text("{}")
    assert trained_on(tmp_path / "any.tflite") == frozenset()
