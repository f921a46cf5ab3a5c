"""EEGMAT recordings through the device's own feature code: rest and mental arithmetic of each person.

Layout of a folder: `SubjectNN_rest.csv[.gz]` and `SubjectNN_task.csv[.gz]` with a header and eight columns
of microvolts at 250 Hz (more columns are ignored), and optional `SubjectNN_rest_rpeaks.csv` and
`SubjectNN_task_rpeaks.csv`, R peaks in seconds from the start of the file.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from device.errors import RecordingError
from device.features.eeg import EegWindow
from device.messages import EegBlock, Features
from device.stress.eeg_inputs import CHANNELS
from device.vitals import EegFeatures, PpgFeatures

FloatArray = NDArray[np.float64]

RATE_HZ = 250.0
WINDOW_S = 20  # scored windows end at least so long after the start of their file
HOP_S = 5  # between scored windows
CALIBRATION_S = 60  # of rest, not scored
PAUSE_S = 30  # between the two files: longer than a window, shorter than what makes the device forget
IBI_S = (0.3, 2.0)
MINIMUM_BEATS = 5


class Part(NamedTuple):
    """One file: samples (n, 8) in microvolts, R peaks in seconds or None."""

    microvolts: FloatArray
    r_peaks_s: FloatArray | None


class Second(NamedTuple):
    """One second of a person: features, label (1 arithmetic), whether its window is scored."""

    features: Features
    label: int
    scored: bool


def subject_names(folder: Path) -> list[str]:
    """Return the names of the people of whom both files are there, in order."""
    names = {path.name.split("_rest.csv")[0] for path in folder.glob("*_rest.csv*")}
    return sorted(name for name in names if any(folder.glob(f"{name}_task.csv*")))


def read_part(folder: Path, name: str, state: str) -> Part:
    """Return one file of a person.

    Raises:
        RecordingError: a file is absent or does not hold what it should.
    """
    plain = folder / f"{name}_{state}.csv"
    path = plain if plain.exists() else folder / f"{name}_{state}.csv.gz"
    table = _numbers(path, len(CHANNELS))
    if not table.size:
        raise RecordingError(f"{path}: is empty")
    peaks = folder / f"{name}_{state}_rpeaks.csv"
    r_peaks_s = _numbers(peaks, 1)[:, 0] if peaks.exists() else np.empty(0)
    return Part(table, r_peaks_s if r_peaks_s.size else None)


def _numbers(path: Path, columns: int) -> FloatArray:
    """Return the first columns of a table with one line of header; .gz is unpacked."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # an empty table is judged by the caller
            found = np.loadtxt(path, delimiter=",", skiprows=1, usecols=range(columns), ndmin=2)
    except (OSError, ValueError) as error:
        raise RecordingError(f"{path}: is no table of {columns} columns of numbers ({error})") from error
    return found.reshape(-1, columns)


def heart_rate(r_peaks_s: FloatArray, end_s: float, span_s: float = WINDOW_S) -> float | None:
    """Return the heart rate in beats a minute over the span that ends at a time, None with too few beats."""
    inside = r_peaks_s[(r_peaks_s > end_s - span_s) & (r_peaks_s <= end_s)]
    ibi = np.diff(inside)
    ibi = ibi[(ibi >= IBI_S[0]) & (ibi <= IBI_S[1])]
    return 60.0 / float(np.median(ibi)) if ibi.size >= MINIMUM_BEATS else None


def seconds(rest: Part, task: Part) -> Iterator[Second]:
    """Yield a person second by second, rest and then the task, through the shipped feature code."""
    window = EegWindow()
    start_s = 0.0
    for label, part in enumerate((rest, task)):
        whole = int(len(part.microvolts) / RATE_HZ)
        for second in range(1, whole + 1):
            at_s = start_s + second
            window.push(_block(part.microvolts, second - 1, at_s))
            scored = (second % HOP_S == 0 and second >= WINDOW_S
                      and (label == 1 or second >= CALIBRATION_S + WINDOW_S))
            yield Second(_features(at_s, window.features(at_s), part.r_peaks_s, second), label, scored)
        start_s += whole + PAUSE_S


def _block(microvolts: FloatArray, second: int, at_s: float) -> EegBlock:
    """Return one second of samples as the headset's process would publish it."""
    first = round(second * RATE_HZ)
    rows = microvolts[first:first + round(RATE_HZ)].tolist()
    return EegBlock(at_s=at_s, start_s=at_s - 1.0, rate_hz=RATE_HZ, microvolts=tuple(map(tuple, rows)),
                    lost_samples=0)


def _features(at_s: float, eeg: EegFeatures | None, r_peaks_s: FloatArray | None, second: int) -> Features:
    """Return the features of one second; the heart rate stands for a clean pulse."""
    rate = None if r_peaks_s is None else heart_rate(r_peaks_s, second)
    ppg = None if rate is None else PpgFeatures(hr_bpm=rate, rmssd_ms=None, sdnn_ms=None,
                                                pulse_amplitude_v=1.0, quality=1.0)
    return Features(at_s=at_s, window_s=float(WINDOW_S), eda=None, ppg=ppg, temperature=None, eeg=eeg)
