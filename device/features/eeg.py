"""EEG band powers by Welch's method, fed in blocks, over the channels that carry clean signal."""

from __future__ import annotations

from collections import deque
from itertools import chain
from typing import NamedTuple

import numpy as np

from device.features.eeg_artefacts import ArtefactJudge, Cause, Causes, muscle_share
from device.features.window import FloatArray, Mask
from device.messages import EegBlock
from device.vitals import EegFeatures

# 20 s hold some 160 alpha waves, enough for a steady spectrum, and follow a change within half a minute.
EEG_WINDOW_S = 20.0
SEGMENT_S = 2.0  # resolves 0.5 Hz
HOP_S = 1.0
# Delta, theta, alpha, low beta, high beta; the borders of the 10-20 literature. Above 30 Hz muscle rules.
BANDS_HZ = ((1.0, 4.0), (4.0, 8.0), (8.0, 13.0), (13.0, 20.0), (20.0, 30.0))
MINIMUM_CLEAN_S = 10.0
RECENT_S = 2.0  # an artefact now lowers the quality at once, however clean the window was before
TAPERED = 0.1  # of a segment at both ends, so that the mains does not leak into the amplitudes
GAP_SAMPLES = 2.0  # the headset's time line is corrected by less than this while nothing is lost
SMALLEST_POWER_UV2 = 1e-6  # keeps logarithms finite


class Segment(NamedTuple):
    """One segment: `start_s`, band powers in uV^2 (bands, channels), what spoils each channel."""

    start_s: float
    power: FloatArray
    causes: Causes


class SegmentAnalyser:
    """Turns segments of one rate into band powers and causes of rejection."""

    def __init__(self, rate_hz: float) -> None:
        self.length = round(SEGMENT_S * rate_hz)
        self.hop = round(HOP_S * rate_hz)
        self._judge = ArtefactJudge(self.length, rate_hz)
        ramp = np.arange(self.length) - (self.length - 1) / 2.0
        self._ramp = ramp / np.sqrt(ramp @ ramp)
        frequency = np.fft.rfftfreq(self.length, 1.0 / rate_hz)
        self._bands = np.array([(frequency >= low) & (frequency < high) for low, high in BANDS_HZ],
                               dtype=np.float64)
        turn = np.arange(self.length) / self.length
        self._hann = 0.5 - 0.5 * np.cos(2.0 * np.pi * turn)
        edge = np.clip(np.minimum(turn, 1.0 - turn) / TAPERED, 0.0, 1.0)
        self._taper = 0.5 - 0.5 * np.cos(np.pi * edge)
        self._scale = 2.0 / (self.length * 0.375 * self.length)  # 3/8: mean square of a Hann window

    def segment(self, start_s: float, microvolts: FloatArray) -> Segment:
        """Describe one segment, (length, channels)."""
        raw = np.ascontiguousarray(microvolts.T)
        level = np.where(np.isfinite(raw), raw, 0.0)
        level -= level.mean(axis=1, keepdims=True)
        level -= np.outer(level @ self._ramp, self._ramp)
        hann = np.fft.rfft(level * self._hann)
        power = self._scale * (hann.real**2 + hann.imag**2)
        spectrum = np.fft.rfft(level * self._taper)
        return Segment(start_s, self._bands @ power.T, self._judge.judge(raw, spectrum, power))


class EegWindow:
    """Segments of the last seconds of EEG.

    Args:
        span_s: seconds kept, 20 by default.
    """

    def __init__(self, span_s: float = EEG_WINDOW_S) -> None:
        self._span_s = span_s
        self._segments: deque[Segment] = deque()
        self._pending: FloatArray = np.empty((0, 0))
        self._pending_s = 0.0
        self._rate_hz = 0.0
        self._analyser: SegmentAnalyser | None = None

    def push(self, block: EegBlock) -> None:
        """Take in a block; lost samples or a jump of two samples or more start a new segment."""
        if not block.microvolts:
            return
        channels = len(block.microvolts[0])
        fresh = np.fromiter(chain.from_iterable(block.microvolts), np.float64).reshape(-1, channels)
        if self._analyser is None or block.rate_hz != self._rate_hz:
            self._analyser, self._rate_hz = SegmentAnalyser(block.rate_hz), block.rate_hz
            self._pending = np.empty((0, 0))
        if self._segments and self._segments[-1].power.shape[1] != fresh.shape[1]:
            self._segments.clear()
        expected_s = self._pending_s + self._pending.shape[0] / self._rate_hz
        joined = (self._pending.shape[1] == fresh.shape[1] and block.lost_samples == 0
                  and abs(block.start_s - expected_s) * block.rate_hz < GAP_SAMPLES)
        if joined:
            self._pending = np.concatenate((self._pending, fresh))
        else:
            self._pending, self._pending_s = fresh, block.start_s
        self._cut(self._analyser)

    def features(self, at_s: float) -> EegFeatures | None:
        """Describe the span that ends at `at_s`, or None without a channel of 10 s clean signal."""
        while self._segments and self._segments[0].start_s < at_s - self._span_s:
            self._segments.popleft()
        if len(self._segments) * HOP_S < MINIMUM_CLEAN_S:
            return None
        causes = np.array([segment.causes for segment in self._segments])
        clean = causes == int(Cause.CLEAN)
        counts = clean.sum(axis=0)
        good = np.asarray(counts * HOP_S >= MINIMUM_CLEAN_S)
        if not good.any():
            return None
        power = np.array([segment.power for segment in self._segments])
        mean = np.asarray((power * clean[:, None, :]).sum(axis=0) / np.maximum(counts, 1))
        expected = (self._span_s - SEGMENT_S) / HOP_S + 1.0
        recent = [segment.start_s >= at_s - SEGMENT_S - RECENT_S for segment in self._segments]
        now = float(clean[recent][:, good].mean()) if any(recent) else 0.0
        return _describe(mean, good, np.minimum(counts / expected, 1.0), now, muscle_share(causes))

    def _cut(self, analyser: SegmentAnalyser) -> None:
        """Turn every full segment of what is pending into band powers."""
        while self._pending.shape[0] >= analyser.length:
            segment = analyser.segment(self._pending_s, self._pending[:analyser.length])
            self._segments.append(segment)
            self._pending = self._pending[analyser.hop:]
            self._pending_s += analyser.hop / self._rate_hz


def _describe(power: FloatArray, good: Mask, contact: FloatArray, now: float, muscle: float) -> EegFeatures:
    """Return the features of mean powers (bands, channels), of which only the good channels count.

    `now` is the share of clean signal in the last seconds, `muscle` that of the window under muscle.
    """
    used = power[:, good]
    shares = np.median(used / used.sum(axis=0), axis=1)
    theta, alpha, beta = float(shares[1]), float(shares[2]), float(shares[3] + shares[4])
    logarithm = np.log(np.maximum(power, SMALLEST_POWER_UV2)).T.tolist()
    return EegFeatures(
        delta=float(shares[0]), theta=theta, alpha=alpha, beta=beta,
        beta_alpha=beta / alpha, theta_beta=theta / beta,
        good_channels=int(np.count_nonzero(good)),
        quality=now * float(np.where(good, contact, 0.0).mean()),
        ln_power=tuple(tuple(row) if one else None for row, one in zip(logarithm, good, strict=True)),
        contact=tuple(contact.tolist()),
        clean_now=now,
        muscle_share=muscle,
    )
