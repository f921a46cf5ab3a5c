"""Splits part melodies, not files; rows are what the network sees and has to say."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from device.evaluation.abc import Tune
from device.music.fields import FIELD_NAMES, FIELD_SIZES, TARGETS
from device.music.tokens import Place, Tone, duration_class, height_class, interval_class
from models.melody.training.corpus import (
    IGNORE,
    SHARED,
    families,
    intervals,
    padded,
    patterns,
    rows,
    split,
)
from models.melody.training.segments import segments


def tune(name: str, *pitches: int) -> Tune:
    tones = tuple(Tone(pitch, float(beat), 1.0) for beat, pitch in enumerate(pitches))
    starts = tuple(Place(float(beat % 4), beat // 4, 0) for beat in range(len(pitches)))
    ends = tuple(Place(float((beat + 1) % 4), (beat + 1) // 4, 0) for beat in range(len(pitches)))
    return Tune(name, tones, starts, ends, 0, False)


def test_intervals_are_classes() -> None:
    assert intervals(tune("a", 60, 62, 59, 59)) == [15, 10, 13]


def test_patterns_are_distinct_runs_of_six() -> None:
    assert len(patterns(tune("a", *[60, 62] * 6))) == 2
    assert patterns(tune("a", 60, 62, 64)) == set()


def test_families_join_transposed_copies() -> None:
    melody = (60, 62, 64, 65, 67, 65, 64, 62, 60, 59, 60)
    one, two = tune("one", *melody), tune("two", *(pitch + 5 for pitch in melody))
    other = tune("three", 60, 67, 60, 65, 60, 64, 60, 72, 60, 61, 66)
    assert sorted(len(group) for group in families([one, two, other])) == [1, 2]


def test_families_of_the_corpus_share_nothing_between_them(tunes: list[Tune]) -> None:
    groups = families(tunes)
    assert sum(map(len, groups)) == len(tunes) == 254
    assert 200 < len(groups) < 254
    found = {one.name: patterns(one) for one in tunes}
    for first, second in itertools.combinations(groups[:60], 2):
        for one, other in itertools.product(first, second):
            smaller = min(len(found[one.name]), len(found[other.name]))
            assert len(found[one.name] & found[other.name]) <= SHARED * smaller


def test_split_keeps_melodies_together_and_loses_none(tunes: list[Tune]) -> None:
    parts = split(tunes, 20261121)
    names = [one.name for part in parts for one in part]
    assert sorted(names) == sorted(one.name for one in tunes)
    assert [len(part) for part in parts] == [202, 26, 26]
    side = {one.name: index for index, part in enumerate(parts) for one in part}
    assert all(len({side[one.name] for one in group}) == 1 for group in families(tunes))


def test_split_follows_its_seed(tunes: list[Tune]) -> None:
    assert split(tunes, 1) == split(tunes, 1)
    assert split(tunes, 1).test != split(tunes, 2).test


def test_rows_ask_for_the_next_tone() -> None:
    found = rows(tune("a", 60, 64, 62))
    assert found.inputs.shape == (3, len(FIELD_NAMES))
    assert list(found.interval) == [IGNORE, interval_class(4), interval_class(-2)]
    assert list(found.duration) == [IGNORE, duration_class(1.0), duration_class(1.0)]
    assert found.inputs[2][0] == interval_class(4)


def test_rows_never_show_what_is_to_come() -> None:
    # Two tunes that differ from the seventh tone on look the same before it.
    one = rows(tune("a", 60, 62, 64, 65, 67, 65, 64, 62, 60))
    other = rows(tune("b", 60, 62, 64, 65, 67, 65, 72, 71, 60))
    assert np.array_equal(one.inputs[:7], other.inputs[:7])
    assert not np.array_equal(one.inputs[7], other.inputs[7])


def test_rows_name_the_next_segment_until_it_begins() -> None:
    found = rows(tune("a", *range(60, 80)))  # segments of eight tones: at 0, 8 and 16
    assert list(np.flatnonzero(found.border)) == [0, 8, 16]
    heights = [height_class(pitch, 0) for pitch in (60, 68, 76)]
    assert list(found.opening) == [heights[0], *[heights[1]] * 8, *[heights[2]] * 8, *[IGNORE] * 3]
    assert list(found.trend) == [2] * 17 + [IGNORE] * 3


def test_rows_know_a_target_only_beside_a_corpus() -> None:
    rising = tune("a", *range(60, 76))
    assert not rows(rising).target.any()
    found = rows(rising, segments(rising)).target
    assert found.shape == (16, TARGETS)
    assert (found[:, 1::2] == 1.0).all()
    assert found[0, 2] == -0.5  # the lower of two segments: a quarter of the way up
    assert found[8, 2] == 0.5


def test_rows_of_the_corpus_stay_within_their_classes(tunes: list[Tune]) -> None:
    found = [rows(one) for one in tunes]
    inputs = np.concatenate([one.inputs for one in found])
    assert sum((one.interval != IGNORE).sum() for one in found) == sum(len(one.tones) - 1 for one in tunes)
    assert inputs.min() == 0
    assert all(inputs[:, index].max() < size for index, size in enumerate(FIELD_SIZES))


def test_padded_marks_what_does_not_count() -> None:
    found = padded([tune("a", 60, 62, 64, 65), tune("b", 60, 67)])
    assert found.inputs.shape == (2, 4, len(FIELD_NAMES))
    assert list(found.interval[0]) == [IGNORE, interval_class(7), IGNORE, IGNORE]  # the shortest comes first
    assert list(found.duration[0]) == [IGNORE, duration_class(1.0), IGNORE, IGNORE]
    assert list(found.opening[1]) == [height_class(60, 0), IGNORE, IGNORE, IGNORE]


@pytest.mark.parametrize("index", range(0, 254, 50))
def test_places_in_the_corpus_never_run_backwards(tunes: list[Tune], index: int) -> None:
    starts = tunes[index].starts
    assert all((after.bar, after.beat_in_bar) > (before.bar, before.beat_in_bar)
               for before, after in itertools.pairwise(starts))
