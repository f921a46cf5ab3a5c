"""Invented courses of the stress level whose figures are known."""

from __future__ import annotations

import numpy as np

from device.evaluation.people import Course
from drivers.sim.e4 import Interval

PROTOCOL = (
    Interval("baseline", 0.0, 600.0, "rest"), Interval("stroop", 600.0, 900.0, "stress"),
    Interval("rest", 900.0, 1200.0, "rest"), Interval("interview", 1200.0, 1500.0, "stress"),
    Interval("rest", 1500.0, 1800.0, "rest"), Interval("hyperventilation", 1800.0, 1920.0, "stress"),
)
SECONDS = 1921


def course_of(level, name="A01", intervals=PROTOCOL, hr_bpm=70.0, quality=0.9, beats=()):
    """A course with the given level and, unless said otherwise, a steady pulse."""
    size = len(level)
    return Course(name, np.asarray(level, dtype=float), np.broadcast_to(hr_bpm, size).astype(float),
                  np.broadcast_to(quality, size).astype(float), tuple(intervals), tuple(beats), 1.0)


def told(stress=0.8, rest=0.2, delay_s=20):
    """A level that follows the protocol after a delay."""
    level = np.full(SECONDS, rest)
    for span in PROTOCOL:
        if span.task in {"stroop", "interview"}:
            level[int(span.start_s) + delay_s:int(span.end_s) + delay_s] = stress
    return level
