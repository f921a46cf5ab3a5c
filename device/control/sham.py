"""Yoked courses of stress for the control group of a study: somebody else's levels, second by second.

A course is a text file of another session, or drawn from the session's own seed. The drawn one is a level
that is known after a minute, falls from a tense to a calm mean and wanders about it (an
Ornstein-Uhlenbeck process, smoothed as an estimate is), with a jump of skin conductance every few
minutes. Its figures are chosen such that the music moves about as much as it does in the closed loop.
"""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Final, NamedTuple

from device.control.arc import ENTRY_DEFAULT_BPM, ENTRY_MAX_BPM, ENTRY_MIN_BPM
from device.errors import ConfigError

MAX_S: Final = 5400  # the longest program

_STREAM = "sham"  # keeps these draws apart from others of the same seed
_FIRST, _LAST, _FALL_S = 0.62, 0.40, 420.0  # the mean's beginning, end and time constant
_WANDER, _WANDER_S = 0.20, 120.0  # standard deviation and time constant of the wandering
_SMOOTH_S = 20.0
_KNOWN_FROM_S = 60  # a patient's level is known no sooner after first contact
_JUMP_EVERY_S, _JUMP_LASTS_S = 360, 6
_HR_SPREAD_BPM = 8.0


class Moment(NamedTuple):
    """A second of a course: level 0 to 1 or None when unknown, reaction -1 to 1."""

    level: float | None
    reaction: float = 0.0


UNKNOWN: Final = Moment(None)


class YokedCourse:
    """A course of stress by the second of a session.

    Args:
        moments: one for each second; after the last everything is unknown.
        hr_bpm: the heart rate at the beginning.
    """

    def __init__(self, moments: tuple[Moment, ...], hr_bpm: float = ENTRY_DEFAULT_BPM) -> None:
        self._moments = moments
        self.hr_bpm = hr_bpm

    def at(self, elapsed_s: float) -> Moment:
        """Return the moment of a second since the session began."""
        second = int(max(elapsed_s, 0.0))
        return self._moments[second] if second < len(self._moments) else UNKNOWN


def drawn_course(seed: int, seconds: int = MAX_S) -> YokedCourse:
    """Return the course that belongs to a session's seed, so long."""
    chances = random.Random(f"{_STREAM}/{seed}")
    keep = math.exp(-1.0 / _WANDER_S)
    smooth = -math.expm1(-1.0 / _SMOOTH_S)
    wander, level = _WANDER * chances.gauss(0.0, 1.0), math.nan
    jump_left_s, jump = 0, 0.0
    moments = []
    for second in range(seconds):
        mean = _LAST + (_FIRST - _LAST) * math.exp(-second / _FALL_S)
        wander = keep * wander + _WANDER * math.sqrt(1.0 - keep * keep) * chances.gauss(0.0, 1.0)
        raw = min(max(mean + wander, 0.0), 1.0)
        level = raw if second == 0 else level + smooth * (raw - level)
        if jump_left_s == 0 and chances.random() < 1.0 / _JUMP_EVERY_S:
            jump_left_s, jump = _JUMP_LASTS_S, chances.uniform(0.3, 1.0)
        moments.append(Moment(level if second >= _KNOWN_FROM_S else None, jump if jump_left_s else 0.0))
        jump_left_s = max(0, jump_left_s - 1)
    return YokedCourse(tuple(moments), drawn_heart_rate(seed))


def drawn_heart_rate(seed: int) -> float:
    """Return a heart rate at which a session of this seed begins, 60 to 90 bpm."""
    hr_bpm = random.Random(f"{_STREAM}/heart/{seed}").gauss(ENTRY_DEFAULT_BPM, _HR_SPREAD_BPM)
    return min(max(hr_bpm, ENTRY_MIN_BPM), ENTRY_MAX_BPM)


def read_moments(path: Path) -> tuple[Moment, ...]:
    """Return the course that a file holds.

    Each line is a second: a level of 0 to 1, or nothing when unknown, then optionally a reaction of -1 to 1;
    what follows a `#` is a comment, and a line of comment alone is no second.

    Raises:
        ConfigError: the file cannot be read, is too long, or a line is none of this; names the line.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"program.sham_levels: {path} cannot be read ({error}); it is a text file "
                          "of one level a line") from error
    moments = [_moment(path, number, line.partition("#")[0]) for number, line in enumerate(lines, 1)
               if not line.startswith("#")]
    if not any(moment.level is not None for moment in moments) or len(moments) > MAX_S:
        raise ConfigError(f"program.sham_levels: {path} holds {len(moments)} seconds; expected 1 to {MAX_S}, "
                          "at least one of them known")
    return tuple(moments)


def _moment(path: Path, number: int, line: str) -> Moment:
    """Return the second that a line holds."""
    try:
        values = [float(word) for word in line.split()]
    except ValueError:
        values = [math.nan]
    level = values[0] if values else None
    reaction = values[1] if len(values) == 2 else 0.0  # noqa: PLR2004 - a line of two numbers
    if len(values) > 2 or not 0.0 <= (level or 0.0) <= 1.0 or not -1.0 <= reaction <= 1.0:  # noqa: PLR2004
        raise ConfigError(f"program.sham_levels: {path} line {number} is {line.strip()!r}; expected a level "
                          "of 0 to 1, then perhaps a reaction of -1 to 1, or nothing")
    return Moment(level, reaction)
