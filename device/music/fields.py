"""What the melody network is told at each step: the tone, its place, what may come back, the target."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from device.music.recall import bars_ago, echo
from device.music.tokens import (
    ABSOLUTE_LOW,
    ABSOLUTES,
    BARS,
    CENTRAL_C,
    DURATIONS_BEATS,
    HEIGHTS,
    INTERVALS,
    METRES,
    POSITIONS,
    START_INTERVAL,
    Place,
    Tone,
    duration_class,
    height_class,
    interval_class,
    position_class,
)

ECHO_INTERVALS = 8  # chosen: longer echoes are as good as certain
ECHO_DURATIONS = 12
BARS_AGO = (4, 8, 2)

_NO_INTERVAL = INTERVALS
_NO_DURATION = len(DURATIONS_BEATS)
_REST_BEATS = 1e-3

_FIELDS = {  # classes of each input; where there may be nothing, the last class says so
    "interval": INTERVALS + 1, "height": HEIGHTS + 1, "degree": 12 + 1, "absolute": ABSOLUTES + 1,
    "duration": _NO_DURATION + 1, "position": POSITIONS, "bar": BARS, "metre": METRES,
    "echo_interval": INTERVALS + 1, "echo_length": ECHO_INTERVALS + 1, "echo_duration": _NO_DURATION + 1,
    "rhythm_duration": _NO_DURATION + 1, "rhythm_length": ECHO_DURATIONS + 1,
    **{f"bars{bars}_{what}": size for bars in BARS_AGO
       for what, size in (("interval", INTERVALS + 1), ("duration", _NO_DURATION + 1))},
    "rested": 2, "began": POSITIONS, "interval_before": INTERVALS + 1,
}  # fmt: skip
FIELD_NAMES = tuple(_FIELDS)
FIELD_SIZES = tuple(_FIELDS.values())

TARGET_NAMES = ("density", "register", "tension")
TARGETS = 2 * len(TARGET_NAMES)


def fields(
    tones: Sequence[Tone], starts: Sequence[Place], tonic: int, following: Place,
) -> tuple[int, ...]:
    """Return the network's input after the last of some tones, in the order of `FIELD_NAMES`.

    Args:
        tones: the melody so far; empty before its first tone.
        starts: where each of them begins.
        tonic: pitch class 0 to 11 of the major key signature.
        following: where the next tone starts.
    """
    now = position_class(following.beat_in_bar), following.bar % BARS, following.metre
    if not tones:
        return (
            START_INTERVAL, HEIGHTS, 12, ABSOLUTES, _NO_DURATION, *now, _NO_INTERVAL, 0, _NO_DURATION,
            _NO_DURATION, 0, *(_NO_INTERVAL, _NO_DURATION) * len(BARS_AGO), 0, POSITIONS - 1, _NO_INTERVAL)
    last = tones[-1]
    pitches = [tone.pitch for tone in tones]
    intervals = [interval_class(after - before) for before, after in itertools.pairwise(pitches)]
    durations = [duration_class(tone.beats) for tone in tones]
    return (
        intervals[-1] if intervals else START_INTERVAL,
        height_class(last.pitch, tonic),
        (last.pitch - CENTRAL_C - tonic) % 12,
        max(0, min(ABSOLUTES - 1, last.pitch - ABSOLUTE_LOW)),
        durations[-1],
        *now,
        *_echoes(intervals, durations),
        *_earlier(pitches, durations, starts, following),
        int(len(tones) > 1 and last.start_beat - tones[-2].end_beat > _REST_BEATS),
        position_class(starts[-1].beat_in_bar),
        intervals[-2] if len(intervals) > 1 else _NO_INTERVAL,
    )


def target_input(
    density: float | None, register: float | None, tension: float | None,
) -> NDArray[np.float32]:
    """Return the network's target, (1, 6): -1 to 1 and a 1 for each share 0 to 1, two zeros for None."""
    row: list[float] = []
    for share in (density, register, tension):
        row += [0.0, 0.0] if share is None else [2.0 * min(1.0, max(0.0, share)) - 1.0, 1.0]
    return np.array([row], np.float32)


def _echoes(intervals: Sequence[int], durations: Sequence[int]) -> tuple[int, ...]:
    """Return what followed the longest echo of the intervals, its length, and the same of the rhythm."""
    pitch, rhythm = echo(intervals, ECHO_INTERVALS), echo(durations, ECHO_DURATIONS)
    return (
        intervals[pitch.follower] if pitch.length else _NO_INTERVAL,
        pitch.length,
        durations[pitch.follower + 1] if pitch.length else _NO_DURATION,
        durations[rhythm.follower] if rhythm.length else _NO_DURATION,
        rhythm.length,
    )


def _earlier(
    pitches: Sequence[int], durations: Sequence[int], starts: Sequence[Place], following: Place,
) -> list[int]:
    """Return, for each distance in bars, the interval to the tone there and its duration."""
    found = []
    for bars in BARS_AGO:
        index = bars_ago(starts, following, bars)
        if index is None:
            found += [_NO_INTERVAL, _NO_DURATION]
        else:
            found += [interval_class(pitches[index] - pitches[-1]), durations[index]]
    return found
