"""Stress-Predict recordings as the device would have seen them: features once a second, with labels."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from device.evaluation import streams
from device.evaluation.windows import CALIBRATION_S, HOP_S, REST, STRESS, UNLABELLED, labels, on_grid
from device.features.extractor import WINDOW_S
from device.messages import Features
from device.stress.estimator import source_quality
from device.stress.fusion import USABLE_QUALITY
from device.stress.inputs import SOURCES, of_source, read_inputs
from drivers.sim.recording import Interval, Recording, open_recording

__all__ = ["CALIBRATION_S", "HOP_S", "NOT_TESTED", "REST", "STRESS", "UNLABELLED", "Subject", "features_of",
           "labels", "load_subject", "subject_folders", "subject_of"]

FloatArray = NDArray[np.float64]

NOT_TESTED = ("S01",)  # has no baseline before the first task


class Subject(NamedTuple):
    """One recording, or a part of it, second by second."""

    name: str
    features: tuple[Features, ...]  # what the device published
    inputs: FloatArray  # (seconds, inputs), NaN where absent
    quality: FloatArray  # (seconds, sources), 0 where absent
    label: NDArray[np.int64]  # 1 stress, 0 rest, -1 neither or not wholly inside one interval
    intervals: tuple[Interval, ...]  # of the whole recording

    def present(self) -> NDArray[np.bool_]:
        """Return which sources are usable, shape (seconds, sources)."""
        return np.asarray(self.quality >= USABLE_QUALITY)

    def usable_inputs(self) -> FloatArray:
        """Return the inputs with those of unusable sources taken out."""
        return np.where(self.present() @ of_source(), self.inputs, np.nan)

    def scored(self) -> NDArray[np.intp]:
        """Return the seconds at which a labelled window ends, every 10 s, after the calibration."""
        keep = (self.label != UNLABELLED) & on_grid(self.label.size)
        return np.flatnonzero(keep & self.speaks())

    def labelled(self) -> NDArray[np.intp]:
        """Return the seconds of all labelled windows, every 10 s, without a calibration time."""
        second = np.arange(self.label.size)
        return np.flatnonzero((self.label != UNLABELLED) & (second % HOP_S == 0) & self.speaks())

    def speaks(self) -> NDArray[np.bool_]:
        """Return the seconds at which skin conductance or pulse is usable; temperature alone says little."""
        return np.asarray(self.present()[:, :2].any(axis=1))


def subject_folders(data: Path) -> list[Path]:
    """Return the recordings of a data folder in order of their names."""
    return sorted(folder for folder in data.iterdir() if (folder / "intervals.csv").is_file())


def load_subject(folder: Path, cache: Path | None, seconds: int | None = None) -> Subject:
    """Run one recording through the device's feature code, or take the features from the cache.

    Args:
        folder: an Empatica E4 recording with `intervals.csv`.
        cache: folder for features, keyed by recording and code; None computes anew.
        seconds: only so much from the start, None for all.
    """
    kept = cache / f"{folder.name}-{_key(folder)}-{seconds}.msgpack" if cache else None
    body = open_recording(folder, 0.0)
    if kept is not None and kept.is_file():
        features = msgspec.msgpack.decode(kept.read_bytes(), type=tuple[Features, ...])
    else:
        features = tuple(features_of(body, seconds))
        if kept is not None:
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_bytes(msgspec.msgpack.encode(features))
    return subject_of(folder.name, features, body.intervals)


def subject_of(name: str, features: Sequence[Features], intervals: tuple[Interval, ...]) -> Subject:
    """Return one person's seconds with their labels; nothing is known at second 0."""
    nothing = Features(at_s=0.0, window_s=WINDOW_S, eda=None, ppg=None, temperature=None, eeg=None)
    whole = (nothing, *features)
    quality = [[source_quality(one).get(source, 0.0) for source in SOURCES] for one in whole]
    return Subject(name, whole, np.array([read_inputs(one) for one in whole]), np.array(quality),
                   labels(intervals, len(whole)), intervals)


def features_of(body: Recording, seconds: int | None = None) -> Iterator[Features]:
    """Run a recording through the device's feature code.

    Args:
        body: a recording that starts at 0 s.
        seconds: only so much from the start, None for all.

    Returns:
        What the device would publish at 1 s, 2 s and so on, one after the other.
    """
    return streams.features_of(streams.straight(body, streams.seconds_of(body, seconds)))


def _key(folder: Path) -> str:
    """Return a short hash of the recording's files and of the code that turns them into inputs."""
    root = Path(__file__).resolve().parents[3]
    features = sorted(path for path in (root / "device" / "features").glob("*.py")
                      if not path.name.startswith("eeg"))  # the recordings hold no EEG
    code = [*features, root / "drivers" / "sim" / "recording.py",
            root / "device" / "evaluation" / "streams.py", Path(__file__)]
    digest = hashlib.sha256()
    for path in [*sorted(path for path in folder.iterdir() if path.is_file()), *code]:
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
