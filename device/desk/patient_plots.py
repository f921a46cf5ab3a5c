"""Plots of the patient: stress, heart, skin, brain waves; what is true beside what was estimated."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from matplotlib.axes import Axes

from device.desk.canvas import (
    BLUE,
    FAINT,
    LABEL_SHADES,
    OLIVE,
    PURPLE,
    ROSE,
    SAND,
    TEAL,
    UNKNOWN_SHADE,
    Canvas,
    key,
    name_panel,
    say_absent,
    shade,
)
from device.desk.figures import USABLE_QUALITY
from device.desk.traces import STALE_S, Floats, Traces
from device.messages import Features, Stress, StressBand, Truth

LONGEST_LINE = 6000  # points; a plot has fewer than 1000 columns of pixels
BANDS = (("alpha", TEAL), ("theta", PURPLE), ("beta", SAND))


def draw_stress(traces: Traces) -> bytes:
    """Draw the estimate, a standard deviation either way, over the truth: simulated arousal or labels."""
    canvas = Canvas(traces.duration_s, (2.5,), traces.presses())
    panel = canvas.panels[0]
    name_panel(panel, "Stress", "level, 0 calm to 1 stressed")
    panel.set_ylim(0, 1)
    shade(panel, traces.labels(), LABEL_SHADES)
    unknown = traces.spells(Stress, lambda each: "unknown" if each.band is StressBand.UNKNOWN else "")
    shade(panel, unknown, {"unknown": UNKNOWN_SHADE})
    minutes, level = _gapped(traces.times(Stress), traces.column(Stress, lambda each: each.level))
    _, variance = _gapped(traces.times(Stress), traces.column(Stress, lambda each: each.variance))
    doubt = np.sqrt(variance)
    panel.fill_between(minutes, np.clip(level - doubt, 0, 1), np.clip(level + doubt, 0, 1), color=BLUE,
                       alpha=0.16, linewidth=0)
    _line(panel, traces.times(Truth), traces.column(Truth, lambda each: each.arousal), ROSE, "true arousal")
    panel.plot(minutes, level, color=BLUE, label="estimate")
    if not traces.of(Stress):
        say_absent(panel, "no stress estimate was recorded")
    key(panel)
    return canvas.png()


def draw_heart(traces: Traces) -> bytes:
    """Draw heart rate against the truth, and RMSSD; windows of low quality are left out."""
    canvas = Canvas(traces.duration_s, (2.0, 1.3), traces.presses())
    rate, variability = canvas.panels
    for panel in canvas.panels:
        shade(panel, traces.labels(), LABEL_SHADES)
    name_panel(rate, "Heart rate", "beats per minute")
    name_panel(variability, "Heart-rate variability, RMSSD", "ms")
    times_s = traces.times(Features)
    usable = traces.column(Features, lambda each: each.ppg.quality if each.ppg else None) >= USABLE_QUALITY
    bpm = traces.column(Features, lambda each: each.ppg.hr_bpm if each.ppg else None)
    rmssd = traces.column(Features, lambda each: each.ppg.rmssd_ms if each.ppg else None)
    shown = [
        _line(rate, traces.times(Truth), traces.column(Truth, lambda each: each.hr_bpm), ROSE, "true"),
        _line(rate, times_s, np.where(usable, bpm, np.nan), BLUE, "estimate"),
    ]
    if not any(shown):
        say_absent(rate, "no heart rate was recorded")
    key(rate)
    if not _line(variability, times_s, np.where(usable, rmssd, np.nan), TEAL, ""):
        say_absent(variability, "no window with a usable pulse")
    return canvas.png()


def draw_skin(traces: Traces) -> bytes:
    """Draw skin conductance with its tonic level, and the rate of skin-conductance responses."""
    canvas = Canvas(traces.duration_s, (2.0, 1.2), traces.presses())
    skin, responses = canvas.panels
    for panel in canvas.panels:
        shade(panel, traces.labels(), LABEL_SHADES)
    name_panel(skin, "Skin conductance", "microsiemens")
    name_panel(responses, "Skin-conductance responses", "per minute")
    times_s = traces.times(Features)
    tonic = traces.column(Features, lambda each: each.eda.tonic_us if each.eda else None)
    rate = traces.column(Features, lambda each: each.eda.scr_per_min if each.eda else None)
    quality = traces.column(Features, lambda each: each.eda.quality if each.eda else None)
    usable = quality >= USABLE_QUALITY
    shown = [
        _line(skin, *traces.samples("eda"), FAINT, "measured"),
        _line(skin, traces.times(Truth), traces.column(Truth, lambda each: each.skin_us), ROSE, "true"),
        _line(skin, times_s, np.where(usable, tonic, np.nan), BLUE, "tonic"),
    ]
    if not any(shown):
        say_absent(skin, "no skin conductance was recorded")
    key(skin)
    if _line(responses, times_s, np.where(usable, rate, np.nan), BLUE, ""):
        responses.set_ylim(bottom=0)
    else:
        say_absent(responses, "no window with usable skin conductance")
    return canvas.png()


def draw_brain(traces: Traces) -> bytes:
    """Draw the relative band powers of the EEG and its number of good channels."""
    canvas = Canvas(traces.duration_s, (1.9, 0.7), traces.presses())
    power, channels = canvas.panels
    name_panel(power, "EEG band power", "share of 1 to 30 Hz")
    name_panel(channels, "Good channels", "count")
    times_s = traces.times(Features)
    shown = [
        _line(power, times_s, traces.column(Features, partial(_share, band)), ink, band)
        for band, ink in BANDS
    ]
    good = traces.column(Features, lambda each: each.eeg.good_channels if each.eeg else None)
    if any(shown):
        power.set_ylim(bottom=0)
        channels.set_ylim(0, max(8.0, float(np.nanmax(good))))
        channels.step(times_s / 60, good, where="post", color=OLIVE)
    else:
        say_absent(power, "no headset: no EEG was recorded")
        say_absent(channels, "")
    key(power)
    return canvas.png()


def draw_temperature(traces: Traces) -> bytes:
    """Draw skin temperature against the truth."""
    canvas = Canvas(traces.duration_s, (1.3,), traces.presses())
    panel = canvas.panels[0]
    name_panel(panel, "Skin temperature", "degrees Celsius")
    shade(panel, traces.labels(), LABEL_SHADES)
    warmth = traces.column(Features, lambda each: each.temperature.celsius if each.temperature else None)
    shown = [
        _line(panel, traces.times(Truth), traces.column(Truth, lambda each: each.skin_c), ROSE, "true"),
        _line(panel, traces.times(Features), warmth, BLUE, "measured"),
    ]
    if not any(shown):
        say_absent(panel, "no skin temperature was recorded")
    key(panel)
    return canvas.png()


def _share(band: str, features: Features) -> float | None:
    """Return the relative power of one EEG band."""
    if features.eeg is None:
        return None
    shares: dict[str, float] = {
        "alpha": features.eeg.alpha, "theta": features.eeg.theta, "beta": features.eeg.beta}
    return shares[band]


def _line(panel: Axes, times_s: Floats, values: Floats, ink: str, label: str) -> bool:
    """Draw one line, broken where it is unknown; tell whether there was anything to draw."""
    if not np.isfinite(values).any():
        return False
    minutes, numbers = _gapped(*_thinned(times_s, values))
    lone = _lone_points(numbers)
    panel.plot(minutes, numbers, color=ink, label=label or None, linewidth=0.9 if ink == FAINT else 1.3)
    panel.plot(minutes[lone], numbers[lone], ".", color=ink, markersize=2)
    return True


def _lone_points(values: Floats) -> Sequence[int]:
    """Return where a known value has unknown neighbours on both sides, which no line would show."""
    known = np.concatenate([[False], np.isfinite(values), [False]])
    lone: list[int] = np.flatnonzero(known[1:-1] & ~known[:-2] & ~known[2:]).tolist()
    return lone


def _thinned(times_s: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Return every n-th point of a long line."""
    every = max(1, len(values) // LONGEST_LINE)
    return times_s[::every], values[::every]


def _gapped(times_s: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Return minutes and values with a NaN in every gap, so that no line bridges silence."""
    gaps = np.flatnonzero(np.diff(times_s) > STALE_S) + 1
    minutes = np.insert(times_s, gaps, times_s[gaps - 1] if gaps.size else []) / 60
    return minutes, np.insert(values, gaps, np.nan)
