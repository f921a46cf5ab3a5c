"""Heart rate against the beats that the watch itself found."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from device.evaluation.people import DEFAULTS, Course
from device.evaluation.windows import HOP_S
from device.features.extractor import WINDOW_S

COVERED = 0.5  # the watch's beats have to cover more of the window than this
MINIMUM_QUALITY = DEFAULTS.estimator.minimum_quality  # below it the device does not rely on the pulse


class HeartError(NamedTuple):
    """Mean absolute error in beats a minute, None without a comparable window, and their number."""

    mae_bpm: float | None
    windows: int


def heart_error(course: Course) -> HeartError:
    """Compare the device's heart rate with that of the watch's beats in the same 60 s windows.

    Every ten seconds, whatever the task, where the device's pulse quality is at least what its estimator
    asks for and the watch's intervals that lie in the window cover more than half of it. The watch's
    rate is 60 over the mean of those intervals.
    """
    ends_s, lengths_s = np.array(course.beats, dtype=np.float64).reshape(-1, 2).T
    errors = []
    for second in range(int(WINDOW_S), course.hr_bpm.size, HOP_S):
        inside = (ends_s - lengths_s >= second - WINDOW_S) & (ends_s <= second)
        sure = np.isfinite(course.hr_bpm[second]) and course.pulse_quality[second] >= MINIMUM_QUALITY
        if sure and lengths_s[inside].sum() > COVERED * WINDOW_S:
            errors.append(abs(course.hr_bpm[second] - 60.0 / lengths_s[inside].mean()))
    return HeartError(float(np.mean(errors)) if errors else None, len(errors))
