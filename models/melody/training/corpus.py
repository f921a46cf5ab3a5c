"""The melodies as rows of network inputs and answers, split so that no melody is on both sides."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from device.evaluation.abc import Tune
from device.music.fields import TARGETS, fields, target_input
from device.music.tokens import duration_class, height_class, interval_class
from models.melody.training.segments import Segment, ranks, segments

PATTERN = 6  # intervals; tunes sharing more than half of such patterns are one melody (the data's README)
SHARED = 0.5
IGNORE = -1  # an answer that does not count: padding
HEADS = ("interval", "duration", "opening", "trend")


class Split(NamedTuple):
    """Three parts of the corpus without a common melody."""

    train: list[Tune]
    validation: list[Tune]
    test: list[Tune]


class Rows(NamedTuple):
    """What the network is shown and has to say, step by step."""

    inputs: NDArray[np.int32]  # (steps, fields)
    target: NDArray[np.float32]  # (steps, 6), see `fields.target_input`
    interval: NDArray[np.int32]  # (steps,), the class of the next interval
    duration: NDArray[np.int32]  # (steps,), of the next duration
    opening: NDArray[np.int32]  # (steps,), height on which the next segment opens
    trend: NDArray[np.int32]  # (steps,), of the next segment
    border: NDArray[np.bool_]  # (steps,), whether that segment begins with the next tone


def intervals(tune: Tune) -> list[int]:
    """Return the interval classes of a tune, one fewer than its tones."""
    pitches = [tone.pitch for tone in tune.tones]
    return [interval_class(after - before) for before, after in itertools.pairwise(pitches)]


def patterns(tune: Tune) -> set[tuple[int, ...]]:
    """Return the distinct runs of six intervals of a tune."""
    row = intervals(tune)
    return {tuple(row[start : start + PATTERN]) for start in range(len(row) - PATTERN + 1)}


def families(tunes: list[Tune]) -> list[list[Tune]]:
    """Group tunes into melodies: joined when they share over half the patterns of the shorter one."""
    found = [patterns(tune) for tune in tunes]
    leader = list(range(len(tunes)))

    def root(index: int) -> int:
        """Return the tune that stands for a tune's melody."""
        while leader[index] != index:
            index = leader[index]
        return index

    for one in range(len(tunes)):
        for other in range(one):
            smaller = min(len(found[one]), len(found[other]))
            if smaller and len(found[one] & found[other]) > SHARED * smaller:
                leader[root(one)] = root(other)
    grouped: dict[int, list[Tune]] = {}
    for index, tune in enumerate(tunes):
        grouped.setdefault(root(index), []).append(tune)
    return list(grouped.values())


def split(tunes: list[Tune], seed: int, share: float = 0.1) -> Split:
    """Deal whole melodies out to test, validation and training.

    Args:
        tunes: the corpus.
        seed: of the order in which melodies are dealt.
        share: of the tunes that goes to test, and again to validation.
    """
    groups = families(tunes)
    order = np.random.default_rng(seed).permutation(len(groups))
    wanted = share * len(tunes)
    parts: list[list[Tune]] = [[], [], []]
    for index in order:
        part = next((part for part in parts[:2] if len(part) < wanted), parts[2])
        part.extend(groups[index])
    test, validation, train = (sorted(part, key=lambda tune: tune.name) for part in parts)
    return Split(train, validation, test)


def rows(tune: Tune, known: list[Segment] | None = None) -> Rows:
    """Return what the network is shown and has to say at each step of a tune of n tones.

    Step 0 comes before the first tone; only the heads of the segment are asked there. Their answers are
    those of the next segment to begin; the target is that of the segment in which the tone to come lies.

    Args:
        tune: the melody.
        known: the segments whose ranks give the target; without them it is unknown.
    """
    tones, starts = tune.tones, tune.starts
    following = [starts[0], *tune.ends[:-1]]
    inputs = [
        fields(tones[:count], starts[:count], tune.tonic, place) for count, place in enumerate(following)]
    parts = segments(tune)
    shares = ranks(parts, known) if known else None
    openings, trends = np.full(len(tones), IGNORE), np.full(len(tones), IGNORE)
    wanted = np.zeros((len(tones), TARGETS), np.float32)
    for number, part in enumerate(parts):
        since = parts[number - 1].first + 1 if number else 0
        openings[since : part.first + 1] = height_class(tones[part.first].pitch, tune.tonic)
        trends[since : part.first + 1] = part.trend
        if shares is not None:
            wanted[part.first : part.end] = target_input(*shares[number])
    return Rows(
        np.array(inputs, np.int32), wanted,
        np.array([IGNORE, *intervals(tune)], np.int32),
        np.array([IGNORE, *(duration_class(tone.beats) for tone in tones[1:])], np.int32),
        openings.astype(np.int32), trends.astype(np.int32),
        np.isin(np.arange(len(tones)), [part.first for part in parts]))


def padded(tunes: list[Tune], known: list[Segment] | None = None) -> Rows:
    """Return the rows of all tunes, shortest first, padded to the longest: each array gets a first axis."""
    ordered = sorted(tunes, key=lambda tune: (len(tune.tones), tune.name))
    parts = [rows(tune, known) for tune in ordered]
    steps = max(len(part.inputs) for part in parts)
    columns = []
    for name, column in zip(Rows._fields, zip(*parts, strict=True), strict=True):
        empty = IGNORE if name in HEADS else 0
        whole = np.full((len(parts), steps, *column[0].shape[1:]), empty, column[0].dtype)
        for index, part in enumerate(column):
            whole[index, : len(part)] = part
        columns.append(whole)
    return Rows(*columns)
