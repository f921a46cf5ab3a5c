"""What the last window of each signal says: skin, pulse, skin temperature, brain."""

from __future__ import annotations

import msgspec


class EdaFeatures(msgspec.Struct, frozen=True, kw_only=True):
    """Skin conductance over the window; `quality` 0 (useless) to 1 (clean).

    `late_slope_us_per_min` is the slope of the last 20 s, `phasic_sd_us` the standard deviation between
    0.045 and about 0.6 Hz, where stress shows (Posada-Quintero et al. 2016); `rise_us_per_min` counts
    only what goes up, `range_us` is from the lowest to the highest.
    """

    tonic_us: float
    tonic_slope_us_per_min: float
    scr_per_min: float
    scr_amplitude_us: float  # mean over the window, 0 without a response
    quality: float
    scr_rise_s: float = 0.0  # mean time from onset to peak, 0 without a response
    fast_change: float | None = None  # ln ratio of the last 2 s to the half minute before, None if unsure
    late_slope_us_per_min: float = 0.0
    phasic_sd_us: float = 0.0
    rise_us_per_min: float = 0.0
    range_us: float = 0.0


class PpgFeatures(msgspec.Struct, frozen=True, kw_only=True):
    """Pulse over the window; `quality` 0 (useless) to 1 (clean).

    Variability needs more clean signal than rate, so it may be None where the rate is known.
    `respiration_ms` is the respiratory modulation of the intervals; `coherence` the share of their
    power in the tallest peak of 0.04 to 0.26 Hz over 64 s.
    """

    hr_bpm: float
    rmssd_ms: float | None
    sdnn_ms: float | None
    pulse_amplitude_v: float
    quality: float
    respiration_per_min: float | None = None
    respiration_ms: float | None = None
    coherence: float | None = None
    corrected_share: float = 0.0  # of the intervals, by artefact correction


class TemperatureFeatures(msgspec.Struct, frozen=True, kw_only=True):
    """Skin temperature over the window."""

    celsius: float
    slope_c_per_min: float
    quality: float


class EegFeatures(msgspec.Struct, frozen=True, kw_only=True):
    """EEG over its own window of 20 s: shares of the 1 to 30 Hz power, median over good channels.

    `ln_power` holds for each channel ln uV^2 of delta, theta, alpha, low and high beta, None where the
    channel has too little clean signal; `contact` each channel's share of clean signal, 0 to 1;
    `clean_now` is the share of clean signal in the last 4 s over the good channels; `quality` the mean of
    `contact` over all channels, the unusable ones as 0, times `clean_now`; `muscle_share` for how much of
    the window most of the scalp was under muscle or movement.
    """

    theta: float
    alpha: float
    beta: float
    beta_alpha: float
    theta_beta: float
    good_channels: int
    quality: float
    delta: float | None = None
    ln_power: tuple[tuple[float, ...] | None, ...] = ()
    contact: tuple[float, ...] = ()
    clean_now: float = 1.0
    muscle_share: float = 0.0
