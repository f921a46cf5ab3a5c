"""People of EEGMAT as rows for learning: personal deviations by the device's own code, labels, controls."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from device.evaluation.eegmat import WINDOW_S, Second, read_part, seconds, subject_names
from device.stress.eeg_inputs import BANDS, CHANNELS, FirstMinute, input_names, model_vector, read_powers

FloatArray = NDArray[np.float64]
Labels = NDArray[np.int64]
Rows = NDArray[np.float32]

THIRD_MINUTE_S = 120.0
GAIN_SPREAD = 0.2  # ln power: 10 % of amplitude


class Person(NamedTuple):
    """One person's scored windows.

    `deviations` (windows, 32) in ln units; `heart` ln ratio of the heart rate to the first minute, NaN
    where unknown; `label` 1 for arithmetic; `at_s` since contact.
    """

    name: str
    deviations: FloatArray
    heart: FloatArray
    label: Labels
    at_s: FloatArray


def load_people(folder: Path) -> list[Person]:
    """Return everybody of a folder in EEGMAT's layout."""
    return [person_of(name, list(seconds(read_part(folder, name, "rest"), read_part(folder, name, "task"))))
            for name in subject_names(folder)]


def person_of(name: str, course: Sequence[Second]) -> Person:
    """Return one person's scored windows whose EEG is known."""
    usual, usual_heart = FirstMinute(len(input_names())), FirstMinute(1)
    rows, heart, label, at_s = [], [], [], []
    for features, state, scored in course:
        powers = np.full(len(input_names()), math.nan) if features.eeg is None else read_powers(features.eeg)
        deviation = usual.update(features.at_s, powers)
        rate = math.nan if features.ppg is None else math.log(features.ppg.hr_bpm)
        ratio = usual_heart.update(features.at_s, np.array([rate]))[0]
        if scored and np.isfinite(deviation).any():
            rows.append(deviation)
            heart.append(ratio)
            label.append(state)
            at_s.append(features.at_s)
    return Person(name, np.array(rows), np.array(heart), np.array(label, dtype=np.int64), np.array(at_s))


def typical_spread(people: Sequence[Person]) -> FloatArray:
    """Return each input's spread: that of resting deviations over people and channels, one for each band."""
    rest = np.concatenate([one.deviations[one.label == 0] for one in people])
    by_band = np.sqrt(np.nanmean(rest.reshape(-1, len(CHANNELS), len(BANDS))**2, axis=(0, 1)))
    return np.tile(by_band, len(CHANNELS))


def vectors(one: Person, spread: FloatArray) -> Rows:
    """Return the model's inputs of every window; zeros where too few channels are clean."""
    found = (model_vector(row, spread) for row in one.deviations)
    return np.array([np.zeros(spread.size, np.float32) if row is None else row for row in found])


def mirrored(rows: Rows, label: Labels) -> tuple[Rows, Labels]:
    """Return the rows and, as rest, the opposite of every row of stress.

    Without them a model may learn that any change from the first minute is stress, which is true of
    these recordings (see the card's controls) and false at a bedside, where people relax.
    """
    opposite = -rows[label == 1]
    return np.concatenate((rows, opposite)), np.concatenate((label, np.zeros(len(opposite), np.int64)))


def regained(rows: Rows, spread: FloatArray, random: np.random.Generator) -> Rows:
    """Return the rows as an amplifier or electrodes of another gain would show them, one gain for each row.

    Files, contacts and bedsides differ in gain; no state of mind should follow from it.
    """
    gain = random.normal(0.0, GAIN_SPREAD, (len(rows), 1))
    return np.asarray(rows + gain / spread, dtype=np.float32)


def middle_and_last_minute(one: Person) -> Person | None:
    """Return rest alone, its last minute labelled as if it were stress; None for a short recording."""
    rest = one.label == 0
    last = rest & (one.at_s >= THIRD_MINUTE_S + WINDOW_S)
    middle = rest & (one.at_s <= THIRD_MINUTE_S)
    kept = last | middle
    if not last.any() or not middle.any():
        return None
    return one._replace(deviations=one.deviations[kept], heart=one.heart[kept], at_s=one.at_s[kept],
                        label=last[kept].astype(np.int64))
