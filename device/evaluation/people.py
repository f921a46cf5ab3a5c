"""What the shipped path says of recorded people, second by second."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from device.config import Settings
from device.errors import RecordingError
from device.evaluation.streams import features_of, seconds_of, straight, through_converter
from device.messages import Features
from device.stress.estimator import StressEstimator
from device.stress.model import StressModel
from drivers.sim.e4 import Interval, read_intervals
from drivers.sim.recording import Recording, open_recording

FloatArray = NDArray[np.float64]

DEFAULTS = Settings(unit_id="evaluation")
MODEL = Path(DEFAULTS.models_dir) / DEFAULTS.estimator.stress_model
WORKERS = 2  # chosen: a desk has two cores to spare; results do not depend on it


class Course(NamedTuple):
    """One person's recording as the device saw it; entry k of an array is second k since contact."""

    name: str
    level: FloatArray  # stress 0 to 1, NaN for unknown
    hr_bpm: FloatArray  # NaN where there was no pulse
    pulse_quality: FloatArray  # 0 to 1, 0 where there was no pulse
    intervals: tuple[Interval, ...]
    beats: tuple[tuple[float, float], ...]  # the watch's own: end of the beat, interval, s
    run_s: float  # processor time that the run took


def follow_all(
    people: Sequence[tuple[str, Path]], *, fast: bool, model: Path = MODEL, limit_s: int | None = None,
    done: Callable[[], None] = lambda: None,
) -> list[Course]:
    """Run several recordings, in two processes, and return what was said in the order of the people.

    Args:
        people: names and folders, as from `check_folders`.
        fast: skip the simulated converter.
        model: the .tflite file with its card beside it.
        limit_s: only so much from the start, None for all.
        done: called after each recording.

    Raises:
        ModelError: the model cannot be used.
    """
    StressModel(model)  # a bad model is refused once and here
    follow = partial(follow_one, fast=fast, model=model, limit_s=limit_s)
    if len(people) == 1:
        return _counted([follow(people[0])], done)
    with get_context("spawn").Pool(min(WORKERS, len(people))) as pool:
        return _counted(pool.imap(follow, people, chunksize=1), done)


def check_folders(folders: Sequence[Path]) -> list[tuple[str, Path]]:
    """Read every folder once, so that a bad one is told before the long run; return names and folders.

    The name is the folder's own; where two are the same, their whole paths.

    Args:
        folders: Empatica E4 recordings with `intervals.csv`.

    Raises:
        RecordingError: a signal or the protocol is missing or malformed, or a folder is named twice.
    """
    for folder in folders:
        if not folder.is_dir():
            raise RecordingError(f"{folder}: is no folder; name one with BVP, EDA, TEMP and intervals.csv")
        if not read_intervals(folder):
            raise RecordingError(f"{folder}: intervals.csv is missing or holds no interval; it says what was "
                                 "when, as task,start_s,end_s,source")
        open_recording(folder, 0.0)
    resolved = [folder.resolve() for folder in folders]
    twice = next((folder for folder in resolved if resolved.count(folder) > 1), None)
    if twice is not None:
        raise RecordingError(f"{twice}: is named twice; name every person once")
    names = [folder.name for folder in resolved]
    return [(name if names.count(name) == 1 else str(folder), folder)
            for name, folder in zip(names, resolved, strict=True)]


def follow_one(job: tuple[str, Path], *, fast: bool, model: Path, limit_s: int | None = None) -> Course:
    """Run one recording, given by name and folder, through the shipped path; see `follow_all`."""
    name, folder = job
    began_s = time.process_time()
    body = open_recording(folder, 0.0)
    course = follow_body(name, body, fast=fast, model=model, limit_s=limit_s)
    return course._replace(run_s=time.process_time() - began_s)


def follow_body(
    name: str, body: Recording, *, fast: bool, model: Path = MODEL, limit_s: int | None = None,
) -> Course:
    """Run a recording that starts at 0 s through the shipped path: blocks, features, stress."""
    seconds = seconds_of(body, limit_s)
    stream = straight(body, seconds) if fast else through_converter(body, seconds)
    rows = [(math.nan, math.nan, 0.0), *_said(features_of(stream), model)]
    level, hr_bpm, quality = np.array(rows).T
    return Course(name, level, hr_bpm, quality, body.intervals, body.beats, 0.0)


def _said(stream: Iterator[Features], model: Path) -> Iterator[tuple[float, float, float]]:
    """Give level (NaN for unknown), heart rate and quality of the pulse for each second."""
    estimator = StressEstimator(StressModel(model), DEFAULTS.estimator)
    for features in stream:
        level = estimator.update(features).level
        pulse = features.ppg
        hr_bpm, quality = (math.nan, 0.0) if pulse is None else (pulse.hr_bpm, pulse.quality)
        yield math.nan if level is None else level, hr_bpm, quality


def _counted(courses: Iterable[Course], done: Callable[[], None]) -> list[Course]:
    """Return all courses, telling of each as it comes."""
    found = []
    for course in courses:
        found.append(course)
        done()
    return found
