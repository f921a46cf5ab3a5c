"""The pulse wave as a stream: gaps, band-pass, systolic peaks. Every peak is found once, about 1.5 s late."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from device.features.window import FloatArray, Indices, Mask

LOW_PASS_HZ = 8.0  # Elgendi 2016 (Biosensors 6:55): pulse waves live in 0.5 to 8 Hz
LOW_PASS_S = 0.15  # half length of the low-pass; Hamming window
# The slow part is a mean over 2 s in a Hann window: half of 0.5 Hz, nothing of 1 Hz and above is in it,
# and unlike a sharp filter it forgets a step after one second.
SLOW_S = 1.0  # half length
# Elgendi et al. 2013 (PLoS ONE 8:e76585): two moving means and an offset find systolic peaks.
PEAK_S = 0.111
BEAT_S = 0.667
OFFSET = 0.02
HOP_S = 1.0  # signal is worked on in whole hops, so that the size of blocks does not matter
KEPT_S = 4.0  # filtered signal kept: a beat's plateau and both moving means fit in
POWER_HOPS = 8  # the offset follows the median power of so many hops, so that one burst does not deafen it
SHAPE_S = 0.3  # of a pulse, on each side of its peak
SHAPE_POINTS = 25
BRIDGED_S = 0.03  # a sample or two missed by a late read does not spoil a beat
NEW_LEVEL_S = 1.0  # after a longer hole the signal may go on at another level
LEVELS = 6  # fewer different samples in two seconds are the converter's dither, not a pulse; chosen
FLAT_S = 0.1  # a top this flat was cut off
FLAT_STEPS = 12  # unless the pulse is so small that the converter's steps flatten it


class Peaks(NamedTuple):
    """Systolic peaks: a row each; `rise` and `amplitude` in the signal's unit."""

    at_s: FloatArray
    rise: FloatArray  # from the lowest point of the 0.3 s before
    amplitude: FloatArray  # highest to lowest within 0.3 s on each side
    whole: Mask  # no hole and no cut-off top
    shape: FloatArray  # (peaks, 25): the filtered pulse, mean 0 and norm 1


class PulseWave:
    """Filters blocks of samples and finds their systolic peaks.

    A jump between the end of one block and the start of the next counts as missing samples; overlap is
    dropped; a step back beyond `KEPT_S` or a gap beyond 60 s starts anew.

    Args:
        rate_hz: sample rate, 25 Hz or more.
    """

    def __init__(self, rate_hz: float) -> None:
        self.rate_hz = rate_hz
        self._taps = band_pass_taps(rate_hz)
        self._hop = max(1, round(HOP_S * rate_hz))
        self._size = round(KEPT_S * rate_hz)
        half = round(SHAPE_S * rate_hz)
        self._around = np.round(np.linspace(-half, half, SHAPE_POINTS)).astype(np.intp)
        self._span = np.arange(-half, half + 1)
        self._started: bool
        self._origin_s: float
        self._count: int
        self._restart(0.0)

    def push(self, start_s: float, values: Sequence[float]) -> list[Peaks]:
        """Take in samples from `start_s` on, NaN where bad; return the peaks that are now sure."""
        if not self._started:
            self._restart(start_s)
            self._started = True
        missing = round((start_s - self._origin_s) * self.rate_hz) - self._count - len(self._pending)
        if missing > 60 * self.rate_hz or missing < -self._size:
            self._restart(start_s)
            self._started = True
        elif missing > 0:
            self._pending.extend([math.nan] * missing)
        self._pending.extend(values[max(0, -missing):] if missing < 0 else values)
        found = []
        while len(self._pending) >= self._hop:
            found.append(self._work(np.array(self._pending[:self._hop], dtype=np.float64)))
            del self._pending[:self._hop]
        return found

    def _restart(self, start_s: float) -> None:
        """Forget everything; the next sample is taken at `start_s`."""
        self._started = False
        self._origin_s = start_s
        self._count = 0  # samples worked on since then
        self._pending: list[float] = []
        self._level: float | None = None  # the last known sample, after the shift
        self._shift = 0.0  # added to the signal, so that it stays whole over a hole
        self._lost = 0  # samples since the last known one
        delay = self._taps.size // 2
        self._raw = np.zeros(self._size + delay)
        self._bad = np.ones(self._size + delay, dtype=bool)
        self._clean = np.zeros(self._size)
        self._powers: list[float] = []
        self._done = 0  # sample after the last plateau
        self._levels = (0, 0)  # different values in the hops before

    def _work(self, fresh: FloatArray) -> Peaks:
        """Filter one hop and return the peaks that can be told after it."""
        holes = ~np.isfinite(fresh)
        filled, bad = self._fill(fresh, holes) if holes.any() else self._plain(fresh, holes)
        self._levels = (self._levels[1], len(set(filled.tolist())))
        self._raw = np.concatenate((self._raw[self._hop:], filled))
        self._bad = np.concatenate((self._bad[self._hop:], bad))
        stretch = self._raw[-(self._hop + self._taps.size - 1):]
        clean = np.convolve(stretch, self._taps, mode="valid")
        self._clean = np.concatenate((self._clean[self._hop:], clean))
        self._count += self._hop
        return self._peaks()

    def _plain(self, fresh: FloatArray, holes: Mask) -> tuple[FloatArray, Mask]:
        """Return a hop without holes as it is, and where it is bad: nowhere."""
        if self._level is None or self._lost > NEW_LEVEL_S * self.rate_hz:
            self._new_level(float(fresh[0]))
        filled = fresh + self._shift
        self._level, self._lost = float(filled[-1]), 0
        return filled, holes

    def _fill(self, fresh: FloatArray, holes: Mask) -> tuple[FloatArray, Mask]:
        """Return a hop with its holes filled, and which of them are too long to be bridged."""
        bad = holes.copy()
        edge = np.flatnonzero(np.diff(np.concatenate(([0], holes.view(np.int8), [0]))))
        filled = fresh.copy()
        done = 0
        for start, end in edge.reshape(-1, 2).tolist():
            self._take(filled, done, start)
            before = self._lost
            self._lost += end - start
            left = self._level if self._level is not None else 0.0
            if end < fresh.size and self._lost <= NEW_LEVEL_S * self.rate_hz and self._level is not None:
                right = float(fresh[end]) + self._shift
                filled[start:end] = np.linspace(left, right, end - start + 2)[1:-1]
            else:
                filled[start:end] = left
            if before + end - start <= BRIDGED_S * self.rate_hz:
                bad[start:end] = False
            done = end
        self._take(filled, done, fresh.size)
        return filled, bad

    def _take(self, filled: FloatArray, start: int, end: int) -> None:
        """Shift known samples of a hop in place."""
        if start == end:
            return
        if self._level is None or self._lost > NEW_LEVEL_S * self.rate_hz:
            self._new_level(float(filled[start]))
        filled[start:end] += self._shift
        self._level, self._lost = float(filled[end - 1]), 0

    def _new_level(self, value: float) -> None:
        """Let the signal go on from where it was before the hole; at first, from the value itself."""
        if self._level is None:
            self._raw[:] = 0.0
            self._level = 0.0
        self._shift = self._level - value

    def _peaks(self) -> Peaks:
        """Return the peaks of the plateaus that ended since the last hop."""
        clean = self._clean
        squared = np.square(np.maximum(clean, 0.0))
        total = np.concatenate(([0.0], np.cumsum(squared)))
        wide, narrow = round(BEAT_S * self.rate_hz) // 2, max(1, round(PEAK_S * self.rate_hz) // 2)
        self._powers = [*self._powers[1 - POWER_HOPS:], float(total[-1] - total[-1 - self._hop]) / self._hop]
        threshold = (total[2 * wide + 1:] - total[:-2 * wide - 1]) / (2 * wide + 1)
        threshold += OFFSET * statistics.median(self._powers)
        inner = total[wide - narrow:total.size - wide + narrow]
        inside = (inner[2 * narrow + 1:] - inner[:-2 * narrow - 1]) / (2 * narrow + 1) > threshold
        edge = np.flatnonzero(inside[1:] != inside[:-1]) + 1 + wide
        if inside[0]:
            edge = edge[1:]
        edge = edge[:edge.size // 2 * 2].reshape(-1, 2)
        first = self._count - self._taps.size // 2 - clean.size
        due = (edge[:, 0] >= self._done - first) & (edge[:, 1] - edge[:, 0] >= PEAK_S * self.rate_hz)
        found = []
        for start, end in edge[due].tolist():
            self._done = first + end
            peak = start + int(clean[start:end].argmax())
            if peak >= -self._span[0] and max(self._levels) >= LEVELS:
                found.append(peak)
        return self._describe(np.array(found, dtype=np.intp), first)

    def _describe(self, peaks: Indices, first: int) -> Peaks:
        """Return what is to be known of the peaks at these places of the filtered signal.

        `first` is the number of its first sample since the start.
        """
        clean, half = self._clean, -int(self._span[0])
        pulses = clean[peaks[:, None] + self._span]
        lowest = pulses[:, :half + 1].min(axis=1, initial=np.inf)
        height = clean[peaks]
        rise = height - lowest
        amplitude = pulses.max(axis=1, initial=-np.inf) - pulses.min(axis=1, initial=np.inf)
        shape = clean[peaks[:, None] + self._around]
        shape = shape - shape.mean(axis=1, keepdims=True)
        norm = np.sqrt((shape * shape).sum(axis=1, keepdims=True))
        norm[norm == 0.0] = np.inf
        whole = ~self._bad[peaks[:, None] + self._span].any(axis=1) & ~self._cut_off(peaks)
        at_s = self._origin_s + (first + refine(clean, peaks)) / self.rate_hz
        return Peaks(at_s, rise, amplitude, whole, shape / norm)

    def _cut_off(self, peaks: Indices) -> Mask:
        """Tell which peaks have a flat top: the converter, or the amplifier before it, ran out of range."""
        raw = self._raw
        near = raw[peaks[:, None] + self._span]
        top = near.max(axis=1, initial=-np.inf)
        flat = np.count_nonzero(near == top[:, None], axis=1) >= max(3.0, FLAT_S * self.rate_hz)
        for row in np.flatnonzero(flat).tolist():  # rare
            steps = np.abs(np.diff(near[row]))
            step = steps[steps > 0].min(initial=np.inf)
            flat[row] = np.ptp(near[row]) > FLAT_STEPS * step
        return np.asarray(flat)


def band_pass_taps(rate_hz: float) -> FloatArray:
    """Return a symmetric band-pass of 0.5 to 8 Hz: a short low-pass less a slow Hann mean.

    Its length is odd, its delay half of that: about 1.15 s.
    """
    half = round(LOW_PASS_S * rate_hz)
    index = np.arange(-half, half + 1)
    cut = min(LOW_PASS_HZ / rate_hz, 0.45)
    low = 2.0 * cut * np.sinc(2.0 * cut * index) * np.hamming(2 * half + 1)
    slow = np.hanning(2 * round(SLOW_S * rate_hz) + 3)[1:-1]
    both = -np.convolve(slow / slow.sum(), low / low.sum())
    middle = both.size // 2
    both[middle - half:middle + half + 1] += low / low.sum()
    return both


def refine(clean: FloatArray, peaks: Indices) -> FloatArray:
    """Return peak positions in fractions of a sample: the vertex of the parabola through three points."""
    left, middle, right = clean[peaks - 1], clean[peaks], clean[peaks + 1]
    bend = left - 2.0 * middle + right
    shift = np.where(bend < 0, 0.5 * (left - right) / np.where(bend < 0, bend, -1.0), 0.0)
    return np.asarray(peaks + np.clip(shift, -0.5, 0.5), dtype=np.float64)
