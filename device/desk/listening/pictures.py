"""Plots of the listening test, in the look of the report: features over time, the score's statistics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from device.desk.canvas import (
    BLUE,
    DPI,
    FAINT,
    INK,
    PAPER,
    PURPLE,
    REST_SHADE,
    ROSE,
    SAND,
    STYLE,
    TEAL,
    WIDTH_IN,
    Canvas,
    name_panel,
    say_absent,
)
from device.desk.listening.figures import SessionFigures, SoundFigures
from device.desk.listening.hearing import WINDOW_S
from device.desk.listening.line import Line
from device.desk.listening.separation import FEATURES, LARGE, Effect
from device.desk.listening.spectra import FEWEST, bands, exponent

HEARD = (
    ("loudness_lufs", "Short-term loudness", "LUFS", ROSE), ("centroid_hz", "Spectral centroid", "Hz", SAND),
    ("onsets_per_s", "Onsets heard", "per s", TEAL), ("roughness", "Roughness (Sethares)", "", PURPLE),
    ("pulse_clarity", "Pulse clarity", "0 to 1", BLUE),
)
WIDEST = 8.0  # pooled standard deviations that a plot shows


class Sheet:
    """Panels side by side for plots that are not over time.

    Args:
        widths: of the panels, relative to each other.
        height_in: of the picture in inches.
    """

    def __init__(self, widths: Sequence[float], height_in: float) -> None:
        with mpl.rc_context(STYLE):  # type: ignore[arg-type]  # the stubs want literal keys
            self._figure = Figure(figsize=(WIDTH_IN, height_in), dpi=DPI, facecolor=PAPER,
                                  layout="constrained")
            FigureCanvasAgg(self._figure)
            grid = self._figure.add_gridspec(1, len(widths), width_ratios=list(widths))
            self.panels: list[Axes] = [self._figure.add_subplot(grid[0, at]) for at in range(len(widths))]

    def png(self) -> bytes:
        """Return the picture; the same drawing gives the same bytes."""
        picture = BytesIO()
        with mpl.rc_context(STYLE):  # type: ignore[arg-type]  # the stubs want literal keys
            self._figure.savefig(picture, format="png", metadata={"Software": None})
        return picture.getvalue()


def draw_hearing(sound: SoundFigures, origin_s: float) -> bytes:
    """Draw what is heard in each window of 10 s; green is normal play, rose lines are clicks.

    Args:
        sound: the measured recording.
        origin_s: when its first sample was played, seconds since the run began.
    """
    canvas = Canvas(sound.duration_s + origin_s, (0.85,) * len(HEARD))
    minutes = (origin_s + sound.normal_s[0] + sound.hearing.start_s + WINDOW_S / 2) / 60
    for panel, (name, title, unit, ink) in zip(canvas.panels, HEARD, strict=True):
        name_panel(panel, title, unit)
        panel.axvspan(*((origin_s + at) / 60 for at in sound.normal_s), color=REST_SHADE, zorder=0)
        panel.plot(minutes, getattr(sound.hearing, name), color=ink, marker="o", markersize=3)
        for at_s in sound.clicks_s:
            panel.axvline((origin_s + at_s) / 60, color=ROSE, linewidth=0.8)
    return canvas.png()


def draw_line(figures: SessionFigures, line: Line) -> bytes:
    """Draw the melody's intervals, how long its notes are, and the spectra of its pitch and loudness."""
    sheet = Sheet((1.1, 0.9, 1.2), 2.7)
    intervals, lengths, spectra = sheet.panels
    name_panel(intervals, "Intervals", "notes")
    steps = figures.score.intervals
    intervals.bar(list(steps), list(steps.values()), color=[ROSE if abs(s) > 7 else BLUE for s in steps])  # noqa: PLR2004 - the bound
    intervals.set_xlabel("semitones to the next note")
    intervals.set_xlim(-12.5, 12.5)
    name_panel(lengths, "Lengths", "notes")
    lengths.hist(line.beats, bins=np.arange(0, max(6.0, line.beats.max()) + 0.26, 0.25).tolist(), color=TEAL)
    lengths.set_xlabel("beats")
    name_panel(spectra, "Spectra", "power, scaled")
    if len(line.pitches) < FEWEST:
        say_absent(spectra, f"fewer than {FEWEST} notes")
    for row, name, ink in ((line.pitches, "pitch", BLUE), (line.velocities, "loudness", SAND)):
        _spectrum(spectra, row, name, ink)
    return sheet.png()


def draw_similarity(matrix: NDArray[np.float64]) -> bytes:
    """Draw the self-similarity of the bars: dark is alike."""
    sheet = Sheet((1.0,), 4.6)
    panel = sheet.panels[0]
    name_panel(panel, "Self-similarity of the bars", "bar")
    panel.grid(visible=False)
    if not matrix.size:
        say_absent(panel, "no bars")
        return sheet.png()
    panel.imshow(matrix, cmap="bone_r", vmin=0.2, vmax=1.0, interpolation="nearest", origin="lower",
                 extent=(0.0, float(len(matrix)), 0.0, float(len(matrix))))
    panel.set_xlabel("bar")
    return sheet.png()


def draw_separation(effects: Mapping[str, Sequence[Effect]]) -> bytes:
    """Draw the effect of every feature in every style; between the dashed lines it is not large."""
    sheet = Sheet((1.0,), 0.9 + 0.42 * len(FEATURES))
    panel = sheet.panels[0]
    name_panel(panel, "Tense minus calm", "")
    inks = (SAND, BLUE, TEAL, PURPLE, ROSE, FAINT)
    for index, (style, found) in enumerate(effects.items()):
        shift = (index - (len(effects) - 1) / 2) * 0.13
        rows = [FEATURES.index(effect.feature) + shift for effect in found]
        shown = np.clip([effect.effect for effect in found], -WIDEST, WIDEST)
        panel.scatter(shown, rows, s=26, color=inks[index % len(inks)],
                      label=style.replace("_", " "),
                      edgecolors=[INK if effect.independent else "none" for effect in found])
    for at in (-LARGE, LARGE):
        panel.axvline(at, color=INK, linestyle=(0, (3, 2)), linewidth=0.8)
    panel.axvline(0.0, color=FAINT, linewidth=0.8)
    panel.set_yticks(range(len(FEATURES)), [name.replace("_", " ") for name in FEATURES])
    panel.set_ylim(len(FEATURES) - 0.5, -0.5)
    panel.set_xlabel(f"pooled standard deviations over windows of 10 s, cut at {WIDEST:g}; "
                     "outlined: counted as independent")
    panel.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=max(1, len(effects)), frameon=False,
                 fontsize=8, handletextpad=0.2, columnspacing=1.0)
    return sheet.png()


def draw_scores(sessions: Sequence[SessionFigures]) -> bytes:
    """Draw what the sessions without sound are held to, one dot a session, the allowed range shaded."""
    sheet = Sheet((1, 1, 1, 1, 1), 2.6)
    shown: tuple[tuple[str, Sequence[float], tuple[float, float] | None], ...] = (
        ("Longest match", [each.score.longest_match for each in sessions], (0, 11)),
        ("Largest leap", [each.score.leap for each in sessions], (0, 7)),
        ("Exponent, pitch", [_or_nan(each.score.pitch_exponent) for each in sessions], (0.5, 1.5)),
        ("Exponent, loudness", [_or_nan(each.score.loudness_exponent) for each in sessions], (0.5, 1.5)),
        ("Motif reuse", [each.score.motif_reuse for each in sessions], None),
    )
    for panel, (title, values, allowed) in zip(sheet.panels, shown, strict=True):
        panel.set_title(title, loc="left", fontsize=9, fontweight="bold", color=INK)
        if allowed:
            panel.axhspan(*allowed, color=REST_SHADE, zorder=0)
        panel.plot(range(1, len(sessions) + 1), values, linestyle="", marker="o", markersize=4, color=BLUE)
        panel.set_ylim(0, 1.1 * max(allowed[1] if allowed else 0.05, float(np.nanmax([0.0, *values]))))
        panel.set_xlabel("session")
    return sheet.png()


def _spectrum(panel: Axes, row: ArrayLike, name: str, ink: str) -> None:
    """Draw a row's banded spectrum and the 1/f line through its middle."""
    frequency, power = bands(row)
    if not frequency.size:
        return
    scaled = power / np.exp(np.log(power).mean())
    slope = exponent(row)
    panel.loglog(frequency, scaled, color=ink, marker="o", markersize=3, label=f"{name}: 1/f^{slope:.2f}")
    if name == "pitch":
        middle = np.exp(np.log(frequency).mean())
        panel.loglog(frequency, middle / frequency, color=FAINT, linestyle=(0, (3, 2)), label="1/f")
    panel.set_xlabel("cycles per note")
    panel.legend(frameon=False, fontsize=8)


def _or_nan(value: float | None) -> float:
    """Return NaN for what is not known, which no plot shows."""
    return float("nan") if value is None else value
