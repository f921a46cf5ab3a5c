"""Synthetic pulse waves and a way to run them through the tracker."""

from __future__ import annotations

import csv
import gzip

import numpy as np

from device.features.ppg import PulseTracker


def wave(beat_s, rate=100.0, seconds=70.0, amplitude=0.5, second=0.3, width=1.0):
    """Beats at given times: a systolic and a smaller dicrotic hump around 1.65 V."""
    time = np.arange(round(seconds * rate)) / rate
    values = np.full(time.size, 1.65)
    for beat in beat_s:
        values += amplitude * np.exp(-0.5 * ((time - beat) / (0.08 * width)) ** 2)
        values += second * amplitude * np.exp(-0.5 * ((time - beat - 0.3 * width) / (0.09 * width)) ** 2)
    return values


def track(values, rate=100.0, block_s=1.0, smallest=0.002):
    """Push a whole signal block by block and return the tracker."""
    tracker = PulseTracker(rate, smallest)
    step = max(1, round(block_s * rate))
    for first in range(0, len(values), step):
        tracker.push(first / rate, list(values[first:first + step]))
    return tracker


def describe(values, rate=100.0, **options):
    """Return the features at the end of a signal."""
    return track(values, rate, **options).features(len(values) / rate)


def quality_over(values, rate=100.0, smallest=0.002):
    """Return the quality at every second, 0 where there are no features."""
    tracker = PulseTracker(rate, smallest)
    found = []
    for second in range(int(len(values) / rate)):
        tracker.push(float(second), list(values[round(second * rate):round((second + 1) * rate)]))
        features = tracker.features(second + 1.0)
        found.append(0.0 if features is None else features.quality)
    return np.array(found)


def column(path, index, header=True):
    """Return one column of a CSV as numbers."""
    with (gzip.open(path, "rt") if path.suffix == ".gz" else path.open()) as lines:
        rows = list(csv.reader(lines))
    return np.array([float(row[index]) for row in rows[int(header):]])
