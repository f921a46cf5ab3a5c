"""Pulse wave: beats, inter-beat intervals (IBI), heart rate and its variability, quality."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from device.features.window import FloatArray, Indices, Mask, bridge, moving_mean
from device.messages import PpgFeatures

BAND_HZ = (0.5, 8.0)  # Elgendi 2016 (Biosensors 6:55): pulse waves live here
# Elgendi et al. 2013 (PLoS ONE 8:e76585): two moving means and an offset find systolic peaks.
PEAK_S = 0.111
BEAT_S = 0.667
OFFSET = 0.02
IBI_S = (0.3, 2.0)  # 30 to 200 beats a minute
IBI_DEVIATION = 0.20  # from the median of its neighbours; Malik 1996 (Circulation 93:1043) uses 20 %
IBI_NEIGHBOURS = 3  # on each side
TEMPLATE_S = 0.3  # on each side of a peak
# Orphanidou et al. 2015 (IEEE J Biomed Health Inform 19:832) accept a whole PPG segment from a mean
# template correlation of 0.86; single beats of a good segment scatter below it.
TEMPLATE_CORRELATION = 0.7
BRIDGED_S = 0.03  # a sample or two missed by a late read does not spoil a beat
MINIMUM_GOOD_S = 15.0
MINIMUM_PAIRS = 5


class Beats(NamedTuple):
    """Beats of one window: peak times in seconds from its start, and which of them may be trusted."""

    peak_s: FloatArray
    good: Mask
    amplitude: FloatArray  # trough to peak, in the signal's unit


class Intervals(NamedTuple):
    """Inter-beat intervals that passed, and the differences between those that follow each other."""

    ibi_s: FloatArray
    successive_s: FloatArray


def ppg_features(signal_v: FloatArray, rate_hz: float) -> PpgFeatures | None:
    """Describe a window of the pulse wave.

    Args:
        signal_v: one window in volts, peaks upward, oldest first, NaN where bad or missing.
        rate_hz: sample rate, 25 Hz or more (100 Hz for RMSSD).

    Returns:
        The features, or None with less than 15 s of trusted intervals or 5 successive pairs.
        `quality` is the share of the window that trusted intervals cover.
    """
    beats = find_beats(signal_v, rate_hz)
    intervals = trusted_intervals(beats)
    covered_s = float(intervals.ibi_s.sum())
    if covered_s < MINIMUM_GOOD_S or intervals.successive_s.size < MINIMUM_PAIRS:
        return None
    return PpgFeatures(
        hr_bpm=60.0 / float(np.median(intervals.ibi_s)),  # a few wrong intervals do not move it
        rmssd_ms=1000.0 * float(np.sqrt(np.mean(intervals.successive_s**2))),
        sdnn_ms=1000.0 * float(intervals.ibi_s.std(ddof=1)),
        pulse_amplitude_v=float(np.median(beats.amplitude[beats.good])),
        quality=min(1.0, covered_s * rate_hz / signal_v.size),
    )


def band_pass(signal: FloatArray, rate_hz: float) -> FloatArray:
    """Return the signal within 0.5 to 8 Hz, without delay, by its Fourier transform.

    Both flanks fall over a third of an octave as raised cosines, so that ringing stays short.
    """
    frequency = np.fft.rfftfreq(signal.size, 1.0 / rate_hz)
    with np.errstate(divide="ignore"):
        octaves_in = np.minimum(np.log2(frequency / BAND_HZ[0]), np.log2(BAND_HZ[1] / frequency)) * 3.0
    gain = 0.5 - 0.5 * np.cos(np.pi * np.clip(octaves_in + 1.0, 0.0, 1.0))
    return np.fft.irfft(np.fft.rfft(signal) * gain, signal.size)


def find_beats(signal_v: FloatArray, rate_hz: float) -> Beats:
    """Find systolic peaks and judge each by its likeness to the window's mean pulse."""
    known = np.isfinite(signal_v)
    empty = Beats(np.empty(0), np.empty(0, dtype=bool), np.empty(0))
    if np.count_nonzero(known) < MINIMUM_GOOD_S * rate_hz:
        return empty
    filled = bridge(signal_v)
    clean = band_pass(filled - filled.mean(), rate_hz)
    peaks = _systolic_peaks(clean, rate_hz)
    half = round(TEMPLATE_S * rate_hz)
    peaks = peaks[(peaks >= half) & (peaks < clean.size - half)]
    if peaks.size == 0:
        return empty
    pulses = clean[peaks[:, None] + np.arange(-half, half + 1)]
    holes = np.concatenate(([0], np.cumsum(_lasting_holes(known, rate_hz))))
    whole = holes[peaks + half + 1] == holes[peaks - half]
    amplitude = pulses.max(axis=1) - pulses.min(axis=1)
    return Beats(_refine(clean, peaks) / rate_hz, whole & _alike(pulses), amplitude)


def _lasting_holes(known: Mask, rate_hz: float) -> Mask:
    """Return the mask of samples in holes that a straight line cannot bridge."""
    edge = np.diff(np.concatenate(([0], (~known).view(np.int8), [0])))
    starts, ends = np.flatnonzero(edge == 1), np.flatnonzero(edge == -1)
    holes = ~known
    for start, end in zip(starts, ends, strict=True):
        if (end - start) / rate_hz <= BRIDGED_S:
            holes[start:end] = False
    return holes


def trusted_intervals(beats: Beats) -> Intervals:
    """Keep the intervals between trusted beats that last 0.3 to 2 s and fit their neighbours."""
    ibi = np.diff(beats.peak_s)
    if ibi.size == 0:
        return Intervals(ibi, ibi)
    good = beats.good[1:] & beats.good[:-1] & (ibi >= IBI_S[0]) & (ibi <= IBI_S[1])
    padded = np.pad(np.where(good, ibi, np.nan), IBI_NEIGHBOURS, constant_values=np.nan)
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * IBI_NEIGHBOURS + 1)
    kept = np.flatnonzero(good)
    middle = _row_medians(around[kept])
    good[kept] = np.abs(ibi[kept] - middle) <= IBI_DEVIATION * middle
    both = good[1:] & good[:-1]
    return Intervals(ibi[good], np.diff(ibi)[both])


def _row_medians(rows: FloatArray) -> FloatArray:
    """Return each row's median over its finite values; far quicker than numpy.nanmedian."""
    ordered = np.sort(rows, axis=1)  # NaN goes last
    count = np.count_nonzero(np.isfinite(rows), axis=1)
    index = np.arange(rows.shape[0])
    return np.asarray(0.5 * (ordered[index, (count - 1) // 2] + ordered[index, count // 2]), dtype=np.float64)


def _systolic_peaks(clean: FloatArray, rate_hz: float) -> Indices:
    """Return sample numbers of systolic peaks by Elgendi's two moving means."""
    squared = np.square(np.maximum(clean, 0.0))
    threshold = moving_mean(squared, round(BEAT_S * rate_hz)) + OFFSET * squared.mean()
    inside = moving_mean(squared, round(PEAK_S * rate_hz)) > threshold
    edge = np.diff(np.concatenate(([0], inside.view(np.int8), [0])))
    starts, ends = np.flatnonzero(edge == 1), np.flatnonzero(edge == -1)
    wide = (ends - starts) >= PEAK_S * rate_hz
    found = [start + int(clean[start:end].argmax())
             for start, end in zip(starts[wide].tolist(), ends[wide].tolist(), strict=True)]
    return np.asarray(found, dtype=np.intp)


def _refine(clean: FloatArray, peaks: Indices) -> FloatArray:
    """Return peak positions in fractions of a sample: the vertex of the parabola through three points."""
    left, middle, right = clean[peaks - 1], clean[peaks], clean[peaks + 1]
    bend = left - 2.0 * middle + right
    shift = np.where(bend < 0, 0.5 * (left - right) / np.where(bend < 0, bend, -1.0), 0.0)
    return np.asarray(peaks + np.clip(shift, -0.5, 0.5), dtype=np.float64)


def _alike(pulses: FloatArray) -> Mask:
    """Tell for each pulse (row) whether it correlates with the median pulse of the window."""
    centred = pulses - pulses.mean(axis=1, keepdims=True)
    norm = np.sqrt((centred * centred).sum(axis=1))
    norm[norm == 0.0] = np.inf
    template = np.median(centred / norm[:, None], axis=0)
    size = float(np.sqrt(template @ template))
    if size == 0.0:
        return np.zeros(pulses.shape[0], dtype=bool)
    return np.asarray(centred @ template / (norm * size) >= TEMPLATE_CORRELATION)
