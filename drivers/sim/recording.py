"""A recording of a real person as a body: any Empatica E4 folder (`drivers.sim.e4`).

The signals may start and end at different times; where one has nothing its sensor touches nobody
(NaN). The protocol, if there is one, gives the truth's label, the beats that the device found its heart
rate. A recording cannot hear, and holds no EEG.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from drivers.errors import RecordingError
from drivers.sim.body import BodyTruth, Heard
from drivers.sim.e4 import Interval, Signal, read_beats, read_intervals, read_signal

__all__ = ["Interval", "Recording", "Signal", "open_recording"]

REST_V = 1.65  # half of a 3.3 V supply
SWING_V = 0.5  # what the median pulse of the recording spans at the sensor's output
RAILS_V = (0.05, 3.25)  # chosen: how near a rail-to-rail amplifier on 3.3 V comes to its rails
_SWING_WINDOW_S = 2.0  # holds at least one beat above 30 a minute
_HR_WINDOW_S = 10.0
_EEG_CHANNELS = 8

FloatArray = NDArray[np.float64]
Value = TypeVar("Value", float, FloatArray)


class Recording:
    """A body that lived through what was recorded, once, from `start_s` on; see `open_recording`.

    The blood volume pulse is in arbitrary units, so one fixed scale turns the whole recording into
    volts: the median over all two-second windows of the peak-to-peak value becomes 0.5 V, around
    1.65 V, and motion runs into the amplifier's rails as it would. Between the 64 Hz values run cubic
    (Catmull-Rom) curves, for the other signals straight lines.
    """

    def __init__(
        self, start_s: float, bvp: Signal, eda: Signal, temperature: Signal,
        intervals: Sequence[Interval] = (), beats: Sequence[tuple[float, float]] = (),
    ) -> None:
        self._start_s = start_s
        self._unix_s = min(bvp.start_s, eda.start_s, temperature.start_s)
        self._bvp, self._eda, self._temperature = bvp, eda, temperature
        self._volts_per_unit = SWING_V / _median_swing(bvp)
        self.beats = tuple(beats)  # (end of the beat since the start of the recording, interval), s
        self._beat_ends = [end_s for end_s, _ in beats]
        self._beat_intervals = [interval_s for _, interval_s in beats]
        self.intervals = tuple(intervals)
        self.duration_s = max(bvp.end_s, eda.end_s, temperature.end_s) - self._unix_s

    def skin_us(self, at_s: float) -> float:
        """Return skin conductance in microsiemens, NaN outside the recording."""
        return _linear(self._eda, self._unix(at_s))

    def pulse_v(self, at_s: float) -> float:
        """Return the pulse sensor's output in volts, 0.05 to 3.25, NaN outside the recording."""
        units = _cubic(self._bvp, self._unix(at_s))
        if math.isnan(units):
            return math.nan
        return min(RAILS_V[1], max(RAILS_V[0], REST_V + units * self._volts_per_unit))

    def skin_c(self, at_s: float) -> float:
        """Return skin temperature in degrees Celsius, NaN outside the recording."""
        return _linear(self._temperature, self._unix(at_s))

    def sampled(
        self, signal: Literal["eda", "ppg", "temperature"], start_s: float, count: int, rate_hz: float,
    ) -> FloatArray:
        """Return equally spaced values of one signal at once, as `skin_us`, `pulse_v` and `skin_c` give them.

        Args:
            signal: microsiemens, volts or degrees Celsius, NaN outside the recording.
            start_s: monotonic time of the first.
            count: how many.
            rate_hz: how many a second.
        """
        unix_s = start_s + np.arange(count) / rate_hz - self._start_s + self._unix_s
        if signal != "ppg":
            return _many(self._eda if signal == "eda" else self._temperature, unix_s, _line)
        volts = REST_V + _many(self._bvp, unix_s, _curve) * self._volts_per_unit
        return np.asarray(np.clip(volts, *RAILS_V))

    def eeg_uv(self, start_s: float, count: int, rate_hz: float) -> NDArray[np.float64]:
        """Return (count, 8) of NaN: an E4 records no EEG."""
        del start_s, rate_hz
        return np.full((count, _EEG_CHANNELS), np.nan)

    def hear(self, at_s: float, heard: Heard | None) -> None:
        """Do nothing: a recording cannot hear."""

    def truth(self, at_s: float) -> BodyTruth:
        """Return the recorded values, the protocol's label, and the rate of the last ten seconds' beats."""
        elapsed_s = at_s - self._start_s
        return BodyTruth(
            arousal=None,
            label=self.label(elapsed_s),
            skin_us=self.skin_us(at_s),
            hr_bpm=self._hr_bpm(elapsed_s),
            skin_c=None if math.isnan(celsius := self.skin_c(at_s)) else celsius,
        )

    def label(self, elapsed_s: float) -> str:
        """Return `stress`, `rest` or empty for a time in seconds since the start of the recording."""
        return next((span.label for span in self.intervals if span.start_s <= elapsed_s < span.end_s), "")

    def labels(self) -> tuple[Interval, ...]:
        """Return the intervals that are labelled `stress` or `rest`, in their order."""
        return tuple(span for span in self.intervals if span.label)

    def _unix(self, at_s: float) -> float:
        """Return the Unix time in the recording at a monotonic time."""
        return at_s - self._start_s + self._unix_s

    def _hr_bpm(self, elapsed_s: float) -> float | None:
        """Return the mean rate over beats that ended in the last ten seconds, or None."""
        first = bisect_left(self._beat_ends, elapsed_s - _HR_WINDOW_S)
        last = bisect_right(self._beat_ends, elapsed_s)
        return 60.0 * (last - first) / sum(self._beat_intervals[first:last]) if last > first else None


def open_recording(folder: Path, start_s: float) -> Recording:
    """Read an Empatica E4 folder; its first sample falls on monotonic `start_s`.

    Raises:
        RecordingError: a signal is missing, unreadable or malformed, or they never run together; one
            line that names the file and, where there is one, the line.
    """
    if not folder.is_dir():
        raise RecordingError(f"{folder}: is no folder; name one with BVP.csv, EDA.csv and TEMP.csv "
                             "(or .csv.gz)")
    bvp, eda, temperature = (read_signal(folder, name) for name in ("BVP", "EDA", "TEMP"))
    if max(bvp.start_s, eda.start_s, temperature.start_s) > min(bvp.end_s, eda.end_s, temperature.end_s):
        raise RecordingError(f"{folder}: BVP, EDA and TEMP never run at the same time; their first lines "
                             "must be Unix start times of one recording")
    if not np.ptp(bvp.values) > 0:
        raise RecordingError(f"{folder}: BVP holds one value only, so there is no pulse in it; "
                             "use another recording")
    unix_s = min(bvp.start_s, eda.start_s, temperature.start_s)
    return Recording(start_s, bvp, eda, temperature, read_intervals(folder), read_beats(folder, unix_s))


def _median_swing(signal: Signal) -> float:
    """Return the median peak-to-peak value over two-second windows, in the signal's unit.

    The median keeps motion, which is many times larger, from setting the scale. If more than half of the
    recording is flat, the windows that move decide.
    """
    width = min(len(signal.values), max(2, round(_SWING_WINDOW_S * signal.rate_hz)))
    whole = len(signal.values) // width * width
    swings = np.ptp(signal.values[:whole].reshape(-1, width), axis=1)
    moving = swings[swings > 0]
    return float(np.median(moving)) if len(moving) else float(np.ptp(signal.values))


def _linear(signal: Signal, unix_s: float) -> float:
    """Return the value on the straight line between two samples, NaN outside."""
    place = (unix_s - signal.start_s) * signal.rate_hz
    if not 0 <= place <= len(signal.values) - 1:
        return math.nan
    below = min(int(place), len(signal.values) - 2)
    low, high = float(signal.values[below]), float(signal.values[below + 1])
    return _line(low, low, high, high, place - below)


def _cubic(signal: Signal, unix_s: float) -> float:
    """Return the value on a Catmull-Rom curve through the samples, NaN outside."""
    values = signal.values
    place = (unix_s - signal.start_s) * signal.rate_hz
    if not 0 <= place <= len(values) - 1:
        return math.nan
    below = min(int(place), len(values) - 2)
    before, low, high, after = (
        float(values[index])
        for index in (max(0, below - 1), below, below + 1, min(len(values) - 1, below + 2)))
    return _curve(before, low, high, after, place - below)


def _many(signal: Signal, unix_s: FloatArray, shape: Callable[..., FloatArray]) -> FloatArray:
    """Return the values on a line or curve between the samples at many times, NaN outside."""
    values, last = signal.values, len(signal.values) - 1
    place = (unix_s - signal.start_s) * signal.rate_hz
    inside = (place >= 0) & (place <= last)
    below = np.clip(place.astype(np.intp), 0, last - 1)
    four = (values[np.clip(below + step, 0, last)] for step in (-1, 0, 1, 2))
    return np.where(inside, shape(*four, place - below), np.nan)


def _line(_before: Value, low: Value, high: Value, _after: Value, share: Value) -> Value:
    """Return the value a share of the way from one sample to the next, in a straight line."""
    return low + share * (high - low)


def _curve(before: Value, low: Value, high: Value, after: Value, share: Value) -> Value:
    """Return the value a share of the way from one sample to the next, on the Catmull-Rom curve."""
    slope = high - before
    bend = 2 * before - 5 * low + 4 * high - after
    twist = 3 * (low - high) + after - before
    value: Value = low + 0.5 * share * (slope + share * (bend + share * twist))
    return value
