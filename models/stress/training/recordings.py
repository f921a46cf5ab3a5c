"""Stress-Predict recordings as the device would have seen them: features once a second, with labels."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from device.evaluation import streams
from device.evaluation.windows import CALIBRATION_S, HOP_S, REST, STRESS, UNLABELLED, labels, on_grid
from device.messages import Features
from device.stress.estimator import USABLE_QUALITY, source_quality
from device.stress.inputs import INPUTS, SOURCES, read_inputs
from drivers.sim.recording import Recording, open_recording

__all__ = ["CALIBRATION_S", "HOP_S", "NOT_TESTED", "REST", "STRESS", "UNLABELLED", "Subject", "features_of",
           "labels", "load_subject", "subject_folders"]

FloatArray = NDArray[np.float64]

NOT_TESTED = ("S01",)  # has no baseline before the first task


class Subject(NamedTuple):
    """One recording: per second the inputs (NaN where absent), which sources are usable, and the label."""

    name: str
    inputs: FloatArray  # (seconds, inputs)
    present: NDArray[np.bool_]  # (seconds, sources)
    label: NDArray[np.int64]  # 1 stress, 0 rest, -1 neither or not wholly inside one interval

    def scored(self) -> NDArray[np.intp]:
        """Return the seconds at which a labelled window ends, every 10 s, after the calibration."""
        keep = (self.label != UNLABELLED) & on_grid(self.label.size)
        return np.flatnonzero(keep & self.present.any(axis=1))


def subject_folders(data: Path) -> list[Path]:
    """Return the recordings of a data folder in order of their names."""
    return sorted(folder for folder in data.iterdir() if (folder / "intervals.csv").is_file())


def load_subject(folder: Path, cache: Path | None, seconds: int | None = None) -> Subject:
    """Run one recording through the device's feature code, or take the result from the cache.

    Args:
        folder: an Empatica E4 recording with `intervals.csv`.
        cache: folder for results, keyed by recording and code; None computes anew.
        seconds: only so much from the start, None for all.
    """
    kept = cache / f"{folder.name}-{_key(folder)}-{seconds}.npz" if cache else None
    if kept is not None and kept.is_file():
        with np.load(kept) as stored:
            return Subject(folder.name, stored["inputs"], stored["present"], stored["label"])
    body = open_recording(folder, 0.0)
    inputs, present = _inputs(body, seconds)
    subject = Subject(folder.name, inputs, present, labels(body.intervals, len(inputs)))
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        np.savez(kept, inputs=subject.inputs, present=subject.present, label=subject.label)
    return subject


def features_of(body: Recording, seconds: int | None = None) -> Iterator[Features]:
    """Run a recording through the device's feature code.

    Args:
        body: a recording that starts at 0 s.
        seconds: only so much from the start, None for all.

    Returns:
        What the device would publish at 1 s, 2 s and so on, one after the other.
    """
    return streams.features_of(streams.straight(body, streams.seconds_of(body, seconds)))


def _inputs(body: Recording, seconds: int | None) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Return inputs and usable sources for each second of a recording; nothing at second 0."""
    inputs = [np.full(len(INPUTS), np.nan)]
    present = [[False] * len(SOURCES)]
    for features in features_of(body, seconds):
        quality = source_quality(features)
        present.append([quality.get(source, 0.0) >= USABLE_QUALITY for source in SOURCES])
        inputs.append(read_inputs(features))
    return np.array(inputs), np.array(present)


def _key(folder: Path) -> str:
    """Return a short hash of the recording's files and of the code that turns them into inputs."""
    root = Path(__file__).resolve().parents[3]
    code = [*sorted((root / "device" / "features").glob("*.py")), root / "device" / "stress" / "inputs.py",
            root / "drivers" / "sim" / "recording.py", root / "device" / "evaluation" / "streams.py",
            Path(__file__)]
    digest = hashlib.sha256()
    for path in [*sorted(path for path in folder.iterdir() if path.is_file()), *code]:
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
