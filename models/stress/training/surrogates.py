"""Recordings that a model must learn nothing from, or must not suffer from: noise and rearranged people.

All of them are ordinary `Recording`s, so they go through the device's own feature code.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from drivers.sim.e4 import Interval, Signal, read_intervals, read_signal
from drivers.sim.recording import Recording

FloatArray = NDArray[np.float64]

BLOCK_S = (30, 60)  # length of shuffled blocks, drawn evenly
BVP_HZ, SLOW_HZ = 64.0, 4.0  # of an Empatica E4
UNIX_S = 1.6e9  # any

# What people differ in, chosen within the ranges of resting adults; each draws one value and keeps it.
TONIC_US = (0.5, 8.0)
RESPONSES_PER_MIN = (0.5, 8.0)
RESPONSE_US = (0.03, 0.3)
HR_BPM = (58.0, 92.0)
IBI_SD_S = (0.02, 0.06)
SKIN_C = (29.0, 34.0)
NOISE_US, NOISE_C, NOISE_PULSE = 0.003, 0.02, 0.1
# A skin conductance response: a difference of two exponentials (Benedek & Kaernbach 2010, J Neurosci
# Methods 190:80).
RISE_S, FALL_S = 0.75, 2.0
# Standard deviation of the drift within an hour, where there is one.
DRIFT_LN, DRIFT_BPM, DRIFT_C = 0.7, 8.0, 1.5


class Person(NamedTuple):
    """One recording's signals, which start together, and its protocol in seconds since their start."""

    name: str
    bvp: Signal
    eda: Signal
    temperature: Signal
    intervals: tuple[Interval, ...]

    @property
    def seconds(self) -> int:
        """Whole seconds of which every signal has all samples."""
        return int(min(signal.values.size / signal.rate_hz for signal in self.signals()))

    def signals(self) -> tuple[Signal, Signal, Signal]:
        """Return pulse, skin conductance and temperature."""
        return self.bvp, self.eda, self.temperature

    def body(self) -> Recording:
        """Return the recording, starting at 0 s."""
        return Recording(0.0, *self.signals(), self.intervals)


def read_person(folder: Path) -> Person:
    """Read an Empatica E4 folder; signals are cut to the second at which the last of them starts.

    Raises:
        RecordingError: something is missing or malformed.
    """
    signals = [read_signal(folder, name) for name in ("BVP", "EDA", "TEMP")]
    first_s, start_s = (pick(signal.start_s for signal in signals) for pick in (min, max))
    cut = [Signal(start_s, one.rate_hz, one.values[round((start_s - one.start_s) * one.rate_hz):])
           for one in signals]
    spans = tuple(span._replace(start_s=max(0.0, span.start_s - (start_s - first_s)),
                                end_s=span.end_s - (start_s - first_s)) for span in read_intervals(folder))
    return Person(folder.name, cut[0], cut[1], cut[2], spans)


def noise(person: Person, random: np.random.Generator, *, drift: bool) -> Person:
    """Return somebody who feels nothing of the same protocol: shaped noise instead of every signal.

    Skin conductance has responses at random moments, the pulse random intervals, all around values that
    the person keeps throughout; or, with `drift`, around slow random walks.
    """
    seconds = person.seconds
    count = round(seconds * SLOW_HZ)

    def walk(scale: float) -> FloatArray:
        """Return a random walk, four values a second, or zeros without drift."""
        steps = random.normal(0.0, scale / np.sqrt(3600.0 * SLOW_HZ), count)
        return np.cumsum(steps) if drift else np.zeros(count)

    tonic = random.uniform(*TONIC_US) * np.exp(walk(DRIFT_LN))
    rate = random.uniform(*RESPONSES_PER_MIN) * np.exp(walk(DRIFT_LN))
    size = random.uniform(*RESPONSE_US) * np.exp(walk(DRIFT_LN))
    responses = _responses(rate, size, random)
    eda = tonic + responses + random.normal(0.0, NOISE_US, count)
    hr_bpm = np.clip(random.uniform(*HR_BPM) + walk(DRIFT_BPM), 45.0, 150.0)
    bvp = _pulse(hr_bpm, np.exp(walk(DRIFT_LN)), random)
    celsius = random.uniform(*SKIN_C) + walk(DRIFT_C) + random.normal(0.0, NOISE_C, count)
    return person._replace(
        bvp=Signal(UNIX_S, BVP_HZ, bvp), eda=Signal(UNIX_S, SLOW_HZ, np.maximum(eda, 0.05)),
        temperature=Signal(UNIX_S, SLOW_HZ, celsius))


def shuffled(person: Person, random: np.random.Generator) -> Person:
    """Return the person with blocks of 30 to 60 s in random order, under the protocol as it was."""
    borders = [0]
    while borders[-1] < person.seconds:
        borders.append(min(person.seconds, borders[-1] + int(random.integers(BLOCK_S[0], BLOCK_S[1] + 1))))
    pieces = list(pairwise(borders))
    return _rearranged(person, [pieces[place] for place in random.permutation(len(pieces))])


def reordered(person: Person, random: np.random.Generator) -> Person:
    """Return the person with whole intervals of the protocol in random order, labels and all.

    What lies between intervals goes along as pieces of their own.
    """
    pieces: list[tuple[str, int, int]] = []
    at = 0
    for span in person.intervals:
        first, last = (min(person.seconds, round(one)) for one in (span.start_s, span.end_s))
        pieces += [("transition", at, first), (span.task, first, last)]
        at = last
    pieces = [one for one in (*pieces, ("transition", at, person.seconds)) if one[1] < one[2]]
    order = [pieces[place] for place in random.permutation(len(pieces))]
    ends = np.cumsum([last - first for _, first, last in order])
    labels = {span.task: span.label for span in person.intervals}
    spans = tuple(Interval(task, float(end - (last - first)), float(end), labels.get(task, ""))
                  for (task, first, last), end in zip(order, ends, strict=True))
    return _rearranged(person, [(first, last) for _, first, last in order])._replace(intervals=spans)


def _rearranged(person: Person, pieces: Sequence[tuple[int, int]]) -> Person:
    """Return the person with all signals made of these pieces (from, to; seconds), one after the other."""
    bvp, eda, temperature = (
        one._replace(values=np.concatenate(
            [one.values[round(first * one.rate_hz):round(last * one.rate_hz)] for first, last in pieces]))
        for one in person.signals())
    return person._replace(bvp=bvp, eda=eda, temperature=temperature)


def _responses(rate_per_min: FloatArray, size_us: FloatArray, random: np.random.Generator) -> FloatArray:
    """Return skin conductance responses at random moments, microsiemens, four values a second."""
    hits = (random.random(rate_per_min.size) < rate_per_min / 60.0 / SLOW_HZ) * size_us
    hits *= random.lognormal(0.0, 0.5, hits.size)
    times = np.arange(0.0, 8.0 * FALL_S, 1.0 / SLOW_HZ)
    kernel = np.exp(-times / FALL_S) - np.exp(-times / RISE_S)
    return np.convolve(hits, kernel / kernel.max())[:hits.size]


def _pulse(hr_bpm: FloatArray, amplitude: FloatArray, random: np.random.Generator) -> FloatArray:
    """Return a pulse wave, 64 values a second, whose intervals scatter independently of each other."""
    seconds = hr_bpm.size / SLOW_HZ
    spread_s = random.uniform(*IBI_SD_S)
    ends_s = [0.0]
    while ends_s[-1] < seconds:
        mean_s = 60.0 / hr_bpm[min(hr_bpm.size - 1, int(ends_s[-1] * SLOW_HZ))]
        ends_s.append(ends_s[-1] + max(0.35, random.normal(mean_s, spread_s)))
    times = np.arange(round(seconds * BVP_HZ)) / BVP_HZ
    phase = 2.0 * np.pi * np.interp(times, ends_s, np.arange(len(ends_s)))
    wave = np.sin(phase) + 0.4 * np.sin(2.0 * phase + 0.7)
    scale = np.interp(times, np.arange(amplitude.size) / SLOW_HZ, amplitude)
    return np.asarray(100.0 * (scale * wave + random.normal(0.0, NOISE_PULSE, times.size)))
