"""Slow rhythms of the pulse: coherence of the intervals, breathing in intervals and amplitudes.

The intervals of 64 s are resampled at 2 Hz, as the emWave does. Coherence is the share of their power that
lies within 0.03 Hz around the tallest peak of 0.04 to 0.26 Hz (McCraty & Zayas 2014, Front Psychol 5:1090,
whose ratio is share / (1 - share)). Breath makes intervals and amplitudes sway; both spectra together
tell its rate (Karlen et al. 2013, IEEE Trans Biomed Eng 60:1946).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from device.features.window import FloatArray

SPAN_S = 64.0
GRID_HZ = 2.0
COVERED = 0.75  # of the span by trusted intervals; chosen
COHERENT_HZ = (0.04, 0.26)
PEAK_HZ = 0.015  # on each side of the tallest line
TOTAL_HZ = (0.0033, 0.4)
BREATH_HZ = (0.08, 0.5)  # 5 to 30 breaths a minute
BREATH_SHARE = 0.30  # of both spectra within a peak, or there is no telling; chosen
BREATH_WIDTH_HZ = 0.04  # breath is less steady than paced breath

COUNT = round(SPAN_S * GRID_HZ)
FFT = 4 * COUNT  # finer lines, so that a peak is not torn between two
FREQUENCY = np.fft.rfftfreq(FFT, 1.0 / GRID_HZ)
TAPER = np.hanning(COUNT + 2)[1:-1]
RAMP = np.arange(COUNT) - (COUNT - 1) / 2.0
BEFORE = np.arange(1 - COUNT, 1) / GRID_HZ  # the grid, in seconds before its end


class Rhythm(NamedTuple):
    """What sways: coherence 0 to 1, breaths a minute, and the peak-to-trough sway of the intervals in ms."""

    coherence: float | None = None
    respiration_per_min: float | None = None
    respiration_ms: float | None = None


def rhythm(end_s: FloatArray, ibi_s: FloatArray, amplitude: FloatArray) -> Rhythm:
    """Describe the slow rhythms of 64 s that end with the last interval.

    Args:
        end_s: when each trusted interval ended, ascending.
        ibi_s: the intervals in seconds.
        amplitude: of the beat at the end of each interval, any unit.

    Returns:
        The rhythm; all None where trusted intervals cover less than three quarters of the span.
    """
    if float(ibi_s.sum()) < COVERED * SPAN_S:
        return Rhythm()
    grid_s = end_s[-1] + BEFORE
    swing = _level(np.interp(grid_s, end_s, ibi_s))
    power = _power(swing)
    loud = _power(_level(np.interp(grid_s, end_s, amplitude)))
    breath_hz = _breath_hz(power, loud)
    return Rhythm(
        coherence=_coherence(power),
        respiration_per_min=None if breath_hz is None else 60.0 * breath_hz,
        respiration_ms=None if breath_hz is None else _sway_ms(power, breath_hz),
    )


def _level(values: FloatArray) -> FloatArray:
    """Return values without mean and trend."""
    values = values - values.mean()
    return np.asarray(values - RAMP * float(RAMP @ values / (RAMP @ RAMP)), dtype=np.float64)


def _power(values: FloatArray) -> FloatArray:
    """Return the power of each line of `FREQUENCY`; their sum is the variance of the values."""
    power = np.abs(np.fft.rfft(values * TAPER, FFT)) ** 2
    return np.asarray(power * (2.0 / (FFT * float(TAPER @ TAPER))), dtype=np.float64)


def _within(low_hz: float, high_hz: float) -> slice:
    """Return the lines from one frequency to another."""
    low, high = FREQUENCY.searchsorted((low_hz, high_hz)).tolist()
    return slice(low, high)


def _coherence(power: FloatArray) -> float | None:
    """Return the share of the power around the tallest line."""
    total = float(power[_within(*TOTAL_HZ)].sum())
    if not total > 0.0:
        return None
    lines = _within(*COHERENT_HZ)
    tallest = float(FREQUENCY[lines][power[lines].argmax()])
    return min(1.0, float(power[_within(tallest - PEAK_HZ, tallest + PEAK_HZ)].sum()) / total)


def _breath_hz(power: FloatArray, loud: FloatArray) -> float | None:
    """Return the frequency at which intervals and amplitudes sway most, or None where none stands out."""
    lines = _within(*BREATH_HZ)
    both = np.zeros(FREQUENCY[lines].size)
    for one in (power[lines], loud[lines]):
        total = float(one.sum())
        if total > 0.0:
            both += one / total
    tallest = int(both.argmax())
    middle = float(FREQUENCY[lines][tallest])
    near = np.abs(FREQUENCY[lines] - middle) <= BREATH_WIDTH_HZ
    share = float(both[near].sum()) / max(float(both.sum()), 1e-300)
    if share < BREATH_SHARE or not 0 < tallest < both.size - 1:
        return None
    left, top, right = both[tallest - 1:tallest + 2].tolist()
    bend = left - 2.0 * top + right
    return middle + (0.5 * (left - right) / bend if bend < 0.0 else 0.0) * float(FREQUENCY[1])


def _sway_ms(power: FloatArray, breath_hz: float) -> float:
    """Return the peak-to-trough size of the sine with the intervals' power around the breath."""
    variance = float(power[_within(breath_hz - BREATH_WIDTH_HZ, breath_hz + BREATH_WIDTH_HZ)].sum())
    return 1000.0 * 2.0 * float(np.sqrt(2.0 * variance))
