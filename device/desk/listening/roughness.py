"""Roughness: how much the partials of a sound beat with one another.

Plomp and Levelt (1965) measured it for pairs of tones; Sethares (1998, *Tuning, Timbre, Spectrum,
Scale*) fitted their curve and added it up over all pairs of a spectrum. Between partials closer than
about 11 Hz this measure sees one partial: that is slow beating, not roughness.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from device.desk.listening.sound import Samples

Floats = NDArray[np.float64]

FFT_SAMPLES = 16_384  # 0.37 s at 44.1 kHz; the lobe of a Hann window is 4 bins = 11 Hz wide
PARTIALS = 24
BELOW_DB = 50.0  # partials weaker than this below the strongest are masked
QUIET = 1e-6  # mean square of a frame that counts as silence, -60 dBFS
# Sethares (1998), appendix: rates of the two exponentials, and the widening of the critical band.
SLOW, FAST = 3.5, 5.75
MOST_AT = 0.24
WIDTH_PER_HZ, WIDTH_HZ = 0.021, 19.0
LOW_HZ, HIGH_HZ = 40.0, 10_000.0


def roughness(mono: Samples, rate_hz: int, hop_s: float = 0.25) -> Floats:
    """Return the roughness of frames `hop_s` apart, NaN for silent ones.

    It is relative to the sum of the partials' amplitudes, so it does not depend on the level: 0 for a
    sine, at most 0.5 x 0.18 for two equal ones at the worst distance.
    """
    hop = round(hop_s * rate_hz)
    window = np.hanning(FFT_SAMPLES)
    bins_hz = np.fft.rfftfreq(FFT_SAMPLES, 1.0 / rate_hz)
    found = []
    for begin in range(0, len(mono) - FFT_SAMPLES + 1, hop):
        piece = mono[begin:begin + FFT_SAMPLES].astype(np.float64)
        if np.mean(np.square(piece)) < QUIET:
            found.append(np.nan)
            continue
        found.append(pair_sum(*partials(np.abs(np.fft.rfft(piece * window)), bins_hz)))
    return np.array(found)


def partials(spectrum: Floats, bins_hz: Floats) -> tuple[Floats, Floats]:
    """Return frequencies (Hz) and amplitudes of the strongest peaks of a magnitude spectrum.

    A peak's place is refined by a parabola through the logarithms of three bins (Smith and Serra 1987).
    """
    inner = spectrum[1:-1]
    tops = np.flatnonzero((inner > spectrum[:-2]) & (inner >= spectrum[2:])) + 1
    tops = tops[(bins_hz[tops] >= LOW_HZ) & (bins_hz[tops] <= HIGH_HZ)]
    if not tops.size:
        return np.empty(0), np.empty(0)
    tops = tops[spectrum[tops] > spectrum[tops].max() * 10 ** (-BELOW_DB / 20)]
    tops = tops[np.argsort(spectrum[tops])[-PARTIALS:]]
    left, middle, right = (np.log(np.maximum(spectrum[tops + shift], 1e-12)) for shift in (-1, 0, 1))
    shift = 0.5 * (left - right) / (left - 2 * middle + right)
    return bins_hz[tops] + shift * (bins_hz[1] - bins_hz[0]), spectrum[tops]


def pair_sum(hz: Floats, amplitude: Floats) -> float:
    """Return Sethares' dissonance of partials over the sum of their amplitudes."""
    if hz.size < 2:  # noqa: PLR2004 - a pair
        return 0.0
    one, other = np.triu_indices(hz.size, 1)
    apart = np.abs(hz[one] - hz[other])
    scale = MOST_AT / (WIDTH_PER_HZ * np.minimum(hz[one], hz[other]) + WIDTH_HZ)
    beating = np.exp(-SLOW * scale * apart) - np.exp(-FAST * scale * apart)
    return float((np.minimum(amplitude[one], amplitude[other]) * beating).sum() / amplitude.sum())
