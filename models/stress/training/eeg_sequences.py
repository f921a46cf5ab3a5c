"""Windows as sequences of ten 2 s spectra, for models that read the course within a window."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from device.evaluation.eegmat import CALIBRATION_S, HOP_S, RATE_HZ, WINDOW_S, read_part
from device.features.eeg import SMALLEST_POWER_UV2, SegmentAnalyser
from device.stress.eeg_inputs import CLIP, FIRST_BAND

FloatArray = NDArray[np.float64]
STEP_S = 2


class Sequences(NamedTuple):
    """One person's scored windows: ln power against the first minute (windows, 10, 32), labels."""

    deviations: FloatArray
    label: NDArray[np.int64]

    def scaled(self, spread: FloatArray) -> NDArray[np.float32]:
        """Return the deviations in units of spread."""
        return np.clip(self.deviations / spread, -CLIP, CLIP).astype(np.float32)


def sequences_of(folder: Path, name: str) -> Sequences:
    """Return one person's scored windows, the same as those of `Person`."""
    rest, task = (_spectra(read_part(folder, name, state).microvolts) for state in ("rest", "task"))
    usual = rest[:CALIBRATION_S - STEP_S + 1].mean(axis=0)
    rows, label = [], []
    for state, part, first_s in ((0, rest, CALIBRATION_S + WINDOW_S), (1, task, WINDOW_S)):
        for end_s in range(first_s, len(part) + STEP_S, HOP_S):
            rows.append(part[end_s - WINDOW_S:end_s - STEP_S + 1:STEP_S] - usual)
            label.append(state)
    return Sequences(np.array(rows), np.array(label, dtype=np.int64))


def _spectra(microvolts: FloatArray) -> FloatArray:
    """Return ln power of each 2 s segment that begins on a whole second, (seconds, 32)."""
    analyser = SegmentAnalyser(RATE_HZ)
    starts = range(0, len(microvolts) - analyser.length + 1, analyser.hop)
    power = np.array([analyser.segment(0.0, microvolts[at:at + analyser.length]).power for at in starts])
    level = np.log(np.maximum(power[:, FIRST_BAND:], SMALLEST_POWER_UV2))
    return np.asarray(level.transpose(0, 2, 1).reshape(len(level), -1))
