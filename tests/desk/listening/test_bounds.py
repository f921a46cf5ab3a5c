"""A session within every bound passes; one figure outside fails, by name."""

from __future__ import annotations

import math

import msgspec
import pytest

from device.desk.listening.bounds import BOUNDS, failures_of, separation_failures
from device.desk.listening.separation import Effect

OUTSIDE = [
    ("score", "repeated_melody_windows", 1, "8-bar windows of the melody that return"),
    ("score", "repeated_windows", 2, "8-bar windows of all voices that return"),
    ("score", "longest_match", 12, "longest match with the corpus"),
    ("score", "leap", 8, "largest leap"),
    ("score", "longest_s", 9.0, "longest melody note"),
    ("score", "gap_s", 0.2, "gap between phrases"),
    ("score", "pitch_exponent", 0.4, "exponent of pitch"),
    ("score", "pitch_exponent", 1.6, "exponent of pitch"),
    ("score", "loudness_exponent", 0.1, "exponent of the score's loudness"),
    ("score", "fastest_bpm", 84.0, "calm: tempo"),
    ("sound", "clicks_s", [3.0], "clicks"),
    ("levels", "clipped", 1, "clipped samples"),
    ("levels", "true_peak_dbtp", -0.5, "true peak"),
    ("levels", "rise_400ms_lu", 3.1, "rise of loudness in 400 ms"),
    ("levels", "longest_silence_s", 5.0, "longest silence"),
    ("levels", "loudness_range_lu", 13.0, "calm: loudness range"),
]


def test_bounds_a_good_session_passes(session):
    assert failures_of(session) == []
    assert all(bound.of(session) is not None for bound in BOUNDS)


@pytest.mark.parametrize(("part", "name", "value", "figure"), OUTSIDE)
def test_bounds_one_figure_outside_fails_by_name(session, change, part, name, value, figure):
    failures = failures_of(change(session, part, **{name: value}))
    assert [failure.figure for failure in failures] == [figure]
    assert failures[0].session == "calm-warm_pads-10min"
    assert failures[0].bound


@pytest.mark.parametrize("name", ["loudest_3s_lufs", "loudest_400ms_lufs"])
def test_bounds_the_ceiling_holds(session, change, name):
    assert failures_of(change(session, "levels", **{name: -20.9})) == []
    assert len(failures_of(change(session, "levels", **{name: -20.0}))) == 1


def test_bounds_spectra_count_in_long_sessions_only(session, change):
    short = change(change(session, "score", pitch_exponent=None), "case", minutes=2.5)
    assert failures_of(short) == []
    long = change(session, "score", pitch_exponent=math.nan)
    assert [failure.figure for failure in failures_of(long)] == ["exponent of pitch"]


def test_bounds_for_the_calm_hold_for_the_calm_only(session, change):
    tense = change(change(session, "score", fastest_bpm=90.0), "case", patient="tense")
    assert failures_of(tense) == []
    assert [failure.figure for failure in failures_of(change(tense, "score", fastest_bpm=91.0))] == [
        "fastest tempo"]


def test_bounds_a_session_without_sound_is_held_to_its_score(session, change):
    silent = change(msgspec.structs.replace(session, sound=None), "case", sound=False)
    assert failures_of(silent) == []
    assert [failure.figure for failure in failures_of(change(silent, "score", leap=9))] == ["largest leap"]


def test_bounds_say_what_they_allow():
    texts = {bound.figure: bound.text for bound in BOUNDS}
    assert texts["true peak"] == "at most -1 dBTP"
    assert texts["exponent of pitch"] == "0.5 to 1.5"
    assert texts["clicks"] == "0"
    assert all(bound.source for bound in BOUNDS)


def test_bounds_four_independent_features_must_separate():
    def effects(count: int) -> list[Effect]:
        return [Effect(feature=str(at), calm=0.0, tense=2.0, effect=2.0, large=True, independent=at < count)
                for at in range(6)]

    assert separation_failures({"nature": effects(4)}) == []
    failures = separation_failures({"nature": effects(3), "warm_pads": effects(5)})
    assert [(each.session, each.value) for each in failures] == [("calm and tense, nature", 3.0)]
