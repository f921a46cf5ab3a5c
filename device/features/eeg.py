"""EEG band powers by Welch's method, fed in blocks, over the channels that carry clean signal."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from device.features.window import FloatArray
from device.messages import EegBlock, EegFeatures

SEGMENT_S = 2.0  # resolves 0.5 Hz
HOP_S = 1.0
TOTAL_HZ = (1.0, 30.0)
BANDS_HZ = ((4.0, 8.0), (8.0, 13.0), (13.0, 30.0))  # theta, alpha, beta
ARTEFACT_HZ = (1.0, 40.0)  # where amplitude is judged: without electrode drift and mains
LARGEST_UV = 200.0  # peak to peak within a segment; eye blinks and movement exceed it (convention 150-200)
SMALLEST_UV = 1.0  # a flat channel is not connected
MINIMUM_GOOD_S = 20.0
GAP_SAMPLES = 2.0  # the headset's time line is corrected by less than this while nothing is lost


class _Segment:
    """Band powers of one segment: `start_s`, powers (bands + total, channels), good channels."""

    __slots__ = ("good", "power", "start_s")

    def __init__(self, start_s: float, power: FloatArray, good: NDArray[np.bool_]) -> None:
        self.start_s = start_s
        self.power = power
        self.good = good


class EegWindow:
    """Segments of the last seconds of EEG.

    Args:
        span_s: seconds kept.
    """

    def __init__(self, span_s: float) -> None:
        self._span_s = span_s
        self._segments: deque[_Segment] = deque()
        self._pending: FloatArray = np.empty((0, 0))
        self._pending_s = 0.0
        self._rate_hz = 0.0

    def push(self, block: EegBlock) -> None:
        """Take in a block; a gap of two samples or more before it starts a new segment."""
        fresh = np.asarray(block.microvolts, dtype=np.float64)
        if fresh.size == 0:
            return
        expected_s = self._pending_s + self._pending.shape[0] / (self._rate_hz or 1.0)
        joined = (block.rate_hz == self._rate_hz and self._pending.shape[1] == fresh.shape[1]
                  and abs(block.start_s - expected_s) * block.rate_hz < GAP_SAMPLES)
        if joined:
            self._pending = np.concatenate((self._pending, fresh))
        else:
            self._pending, self._pending_s, self._rate_hz = fresh, block.start_s, block.rate_hz
        self._cut()

    def features(self, at_s: float) -> EegFeatures | None:
        """Return the shares of the span that ends at `at_s`, or None with less than 20 s of clean signal."""
        while self._segments and self._segments[0].start_s < at_s - self._span_s:
            self._segments.popleft()
        if len(self._segments) * HOP_S < MINIMUM_GOOD_S:
            return None
        good = np.array([segment.good for segment in self._segments])
        counts = good.sum(axis=0)
        channels = np.flatnonzero(counts * HOP_S >= MINIMUM_GOOD_S)
        if channels.size == 0:
            return None
        power = np.array([segment.power for segment in self._segments])
        mean = (power * good[:, None, :]).sum(axis=0)[:, channels] / counts[channels]
        theta, alpha, beta = (float(np.median(mean[band] / mean[-1])) for band in range(3))
        expected = (self._span_s - SEGMENT_S) / HOP_S
        return EegFeatures(
            theta=theta, alpha=alpha, beta=beta, beta_alpha=beta / alpha, theta_beta=theta / beta,
            good_channels=int(channels.size),
            quality=min(1.0, float(counts[channels].mean()) / expected),
        )

    def _cut(self) -> None:
        """Turn every full segment of what is pending into band powers."""
        length, hop = round(SEGMENT_S * self._rate_hz), round(HOP_S * self._rate_hz)
        while self._pending.shape[0] >= length:
            power, good = band_powers(self._pending[:length], self._rate_hz)
            self._segments.append(_Segment(self._pending_s, power, good))
            self._pending = self._pending[hop:]
            self._pending_s += hop / self._rate_hz


def band_powers(microvolts: FloatArray, rate_hz: float) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Return one segment's powers and which channels are clean.

    Args:
        microvolts: array (samples, channels).
        rate_hz: sample rate.

    Returns:
        Powers (theta, alpha, beta, 1 to 30 Hz; channels) in proportional units, and the channels whose
        amplitude within 1 to 40 Hz is neither flat nor an artefact.
    """
    length = microvolts.shape[0]
    finite = np.isfinite(microvolts).all(axis=0)
    ramp = np.arange(length) - (length - 1) / 2.0
    level = np.where(finite, microvolts, 0.0)
    level = level - level.mean(axis=0)
    level = level - np.outer(ramp, ramp @ level / (ramp @ ramp))
    frequency = np.fft.rfftfreq(length, 1.0 / rate_hz)
    spectrum = np.fft.rfft(level, axis=0)
    spectrum[(frequency < ARTEFACT_HZ[0]) | (frequency > ARTEFACT_HZ[1])] = 0.0
    swing = np.ptp(np.fft.irfft(spectrum, length, axis=0), axis=0)
    density = np.abs(np.fft.rfft(level * np.hanning(length)[:, None], axis=0)) ** 2
    power = np.array([density[(frequency >= low) & (frequency < high)].sum(axis=0)
                      for low, high in (*BANDS_HZ, TOTAL_HZ)])
    return power, finite & (swing >= SMALLEST_UV) & (swing <= LARGEST_UV)
