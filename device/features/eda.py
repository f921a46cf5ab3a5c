"""Skin conductance: tonic level and slope, skin conductance responses (SCR), contact quality."""

from __future__ import annotations

import numpy as np

from device.features.window import FloatArray, Mask, bridge, moving_mean
from device.messages import EdaFeatures

# Kleckner et al. 2018 (IEEE Trans Biomed Eng 65:1460): valid range 0.05 to 60 uS, slope within
# 10 uS/s, and samples near invalid ones are invalid too (here 1 s, at a 60 s window).
LOWEST_US = 0.05
HIGHEST_US = 60.0
STEEPEST_US_PER_S = 10.0
GUARD_S = 1.0

# Boucsein 2012, Electrodermal Activity: amplitude criterion 0.01 uS when scored by machine, rise
# time 0.5 to 5 s, recovery slower than rise.
SCR_THRESHOLD_US = 0.01
SCR_RISE_S = (0.5, 5.0)
ONSET_SLOPE = 0.2  # of the steepest slope of the rise
SCR_NOISES = 4.0  # an amplitude must also stand this far out of the converter's own noise

SMOOTH_S = 1.0  # passes SCRs (rise 1 to 3 s), takes out converter noise
TONIC_S = 20.0  # a moving mean of 20 s has its -3 dB point near 0.022 Hz
MINIMUM_GOOD_S = 20.0


def eda_features(conductance_us: FloatArray, rate_hz: float) -> EdaFeatures | None:
    """Describe a window of skin conductance.

    Args:
        conductance_us: one window in microsiemens, oldest first, NaN where bad or missing.
        rate_hz: sample rate, 4 Hz or more.

    Returns:
        The features, or None with less than 20 s of good samples.
    """
    good = _good(conductance_us, rate_hz)
    good_s = float(np.count_nonzero(good)) / rate_hz
    if good_s < MINIMUM_GOOD_S:
        return None
    filled = bridge(np.where(good, conductance_us, np.nan))
    smooth = moving_mean(filled, round(SMOOTH_S * rate_hz))
    slow = _tonic(smooth, rate_hz)
    amplitudes = scr_amplitudes(smooth - slow, good, rate_hz, _threshold_us(conductance_us, good, rate_hz))
    minutes = np.arange(slow.size) / (rate_hz * 60.0)
    return EdaFeatures(
        tonic_us=float(np.median(slow[good])),
        tonic_slope_us_per_min=slope(minutes[good], smooth[good]),
        scr_per_min=60.0 * amplitudes.size / good_s,
        scr_amplitude_us=float(amplitudes.mean()) if amplitudes.size else 0.0,
        quality=good_s * rate_hz / conductance_us.size,
    )


def scr_amplitudes(
    phasic_us: FloatArray, good: Mask, rate_hz: float, threshold_us: float,
) -> FloatArray:
    """Return the onset-to-peak amplitudes, in microsiemens, of all SCRs in a phasic signal.

    A response is a rise that reaches `threshold_us`, takes 0.5 to 5 s from its onset to the next local
    maximum, and has only good samples (mask `good`). Its onset is where the rise last was slower than
    a fifth of its steepest slope, so that a slow rise before a response does not lengthen it.
    """
    step = np.diff(phasic_us)
    edge = np.diff(np.concatenate(([0], (step > 0).view(np.int8), [0])))
    shortest = SCR_RISE_S[0] * rate_hz
    found = []
    starts, peaks = np.flatnonzero(edge == 1).tolist(), np.flatnonzero(edge == -1).tolist()
    for start, peak in zip(starts, peaks, strict=True):
        if peak - start < shortest or phasic_us[peak] - phasic_us[start] < threshold_us or peak == step.size:
            continue
        rise = step[start:peak]
        steepest = int(rise.argmax())
        slow = np.flatnonzero(rise[:steepest] < ONSET_SLOPE * rise[steepest])
        onset = start + (int(slow[-1]) + 1 if slow.size else 0)
        amplitude = float(phasic_us[peak] - phasic_us[onset])
        timely = shortest <= peak - onset <= SCR_RISE_S[1] * rate_hz
        if timely and amplitude >= threshold_us and good[onset:peak + 1].all():
            found.append(amplitude)
    return np.array(found)


def slope(x: FloatArray, y: FloatArray) -> float:
    """Return the least-squares slope of y over x, 0 for fewer than two different x."""
    x = x - x.mean() if x.size else x
    spread = float(x @ x)
    return float(x @ (y - y.mean())) / spread if spread > 0 else 0.0


def _tonic(smooth_us: FloatArray, rate_hz: float) -> FloatArray:
    """Return the slow part; the signal is continued point-symmetrically, so that a drift stays straight."""
    half = min(round(TONIC_S * rate_hz) // 2, smooth_us.size - 1)
    longer = np.pad(smooth_us, half, mode="reflect", reflect_type="odd")
    return moving_mean(longer, 2 * half + 1)[half:-half]


def _good(conductance_us: FloatArray, rate_hz: float) -> Mask:
    """Return the mask of samples that pass Kleckner's rules."""
    with np.errstate(invalid="ignore"):
        bad = ~((conductance_us >= LOWEST_US) & (conductance_us <= HIGHEST_US))
        steep = np.abs(np.diff(conductance_us)) * rate_hz > STEEPEST_US_PER_S
    bad[1:] |= steep
    known = np.flatnonzero(np.isfinite(conductance_us))
    if known.size:  # what has not arrived yet spreads no doubt, what was lost in between does
        inner = np.zeros(bad.size)
        inner[known[0]:known[-1] + 1] = bad[known[0]:known[-1] + 1]
        bad |= moving_mean(inner, 2 * round(GUARD_S * rate_hz)) > 0.5 / bad.size
    return np.asarray(~bad)


def _threshold_us(conductance_us: FloatArray, good: Mask, rate_hz: float) -> float:
    """Return the amplitude criterion: 0.01 uS, more where the converter's noise or steps are larger.

    White noise of standard deviation s has differences of 1.41 s, and a mean over n samples has s/sqrt(n).
    """
    both = good[1:] & good[:-1]
    step = np.diff(conductance_us)[both]
    if step.size == 0:
        return SCR_THRESHOLD_US
    noise = 1.4826 * float(np.median(np.abs(step))) / np.sqrt(2.0)
    return max(SCR_THRESHOLD_US, SCR_NOISES * float(noise / np.sqrt(SMOOTH_S * rate_hz)))
