"""The melodies as rows of network inputs and answers, split so that no melody is on both sides."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from device.music.tokens import FIELD_NAMES, duration_class, fields, interval_class
from models.melody.training.abc_notation import Tune

PATTERN = 6  # intervals; tunes sharing more than half of such patterns are one melody (the data's README)
SHARED = 0.5
IGNORE = -1  # an answer that does not count: padding


class Split(NamedTuple):
    """Three parts of the corpus without a common melody."""

    train: list[Tune]
    validation: list[Tune]
    test: list[Tune]


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


def rows(tune: Tune) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """Return inputs (n-1, fields), next interval classes (n-1,), next duration classes (n-1,) of a tune."""
    tones = tune.tones
    before = [None, *(tone.pitch for tone in tones)]
    inputs = [
        fields(before[index], tone, tune.tonic, tune.ends[index]) for index, tone in enumerate(tones[:-1])]
    return (
        np.array(inputs, np.int32),
        np.array(intervals(tune), np.int32),
        np.array([duration_class(tone.beats) for tone in tones[1:]], np.int32),
    )


def padded(tunes: list[Tune]) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """Return the rows of all tunes, padded to the longest: (tunes, steps, fields), (tunes, steps) twice."""
    parts = [rows(tune) for tune in tunes]
    steps = max(len(inputs) for inputs, _, _ in parts)
    inputs = np.zeros((len(parts), steps, len(FIELD_NAMES)), np.int32)
    pitches = np.full((len(parts), steps), IGNORE, np.int32)
    durations = np.full((len(parts), steps), IGNORE, np.int32)
    for index, (row, pitch, duration) in enumerate(parts):
        inputs[index, : len(row)] = row
        pitches[index, : len(row)] = pitch
        durations[index, : len(row)] = duration
    return inputs, pitches, durations
