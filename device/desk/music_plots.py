"""Plots of the music: the six parameters and why they moved, the notes, the sound itself."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap

from device.desk.canvas import (
    BLUE,
    FAINT,
    INK,
    OLIVE,
    PAPER,
    PURPLE,
    ROSE,
    SAND,
    TEAL,
    Canvas,
    bar,
    key,
    name_panel,
    say_absent,
    strip,
)
from device.desk.score import VOICES, notes_of
from device.desk.traces import Floats, Traces
from device.desk.waveform import FRAME_S, STEP_S, Sound
from device.messages import MusicalTarget, Phrase, PlayerState, Reason, Target

VOICE_INKS = {"pad": SAND, "bass": PURPLE, "melody": BLUE, "texture": TEAL}
SHARES: tuple[tuple[str, Callable[[MusicalTarget], float], str], ...] = (
    ("pitch", lambda each: each.pitch, BLUE),
    ("timbre", lambda each: each.timbre, SAND),
    ("intensity", lambda each: each.intensity, ROSE),
    ("density", lambda each: each.density, TEAL),
    ("percussiveness", lambda each: each.percussiveness, PURPLE),
)
REASON_INKS = {
    Reason.ARC: FAINT, Reason.MEET: BLUE, Reason.STRESS_UP: ROSE, Reason.STRESS_DOWN: TEAL,
    Reason.STRESS_UNKNOWN: SAND, Reason.SENSORS_BACK: OLIVE, Reason.SLEW_LIMIT: PURPLE,
    Reason.SKIN_ROSE: ROSE, Reason.SKIN_FELL: TEAL, Reason.GIVE_WAY: TEAL,
    Reason.BOUND: PURPLE, Reason.ENDING: INK, Reason.RESUMED: SAND, Reason.MOOD: BLUE,
    Reason.STYLE: OLIVE, Reason.EXPLORE: OLIVE, Reason.SHAM: SAND,
}
LEVEL_RANGE_DB = (-75.0, 0.0)
SPECTRUM_DB = 70.0  # between black and white
MELODIC_HZ = (50, 100, 200, 500, 1000, 2000, 5000, 10_000)


def draw_parameters(traces: Traces) -> bytes:
    """Draw the five relative parameters, the tempo, and the reason codes in force at each moment."""
    present = [reason for reason in Reason if any(reason in each.reasons for each in traces.of(Target))]
    canvas = Canvas(traces.duration_s, (1.9, 1.0, max(0.35, 0.17 * len(present))), traces.presses())
    shares, tempo, reasons = canvas.panels
    name_panel(shares, "Musical target", "0 to 1")
    name_panel(tempo, "Tempo", "beats per minute")
    name_panel(reasons, "Why it moved: reason codes", "")
    times_s = traces.times(Target)
    if not times_s.size:
        for panel in canvas.panels:
            say_absent(panel, "no musical target was recorded: no session ran")
        return canvas.png()
    for name, value, ink in SHARES:
        numbers = np.array([value(each.values) for each in traces.of(Target)])
        shares.plot(times_s / 60, numbers, color=ink, label=name)
    shares.set_ylim(0, 1)
    key(shares)
    tempo.plot(times_s / 60, traces.column(Target, lambda each: each.values.tempo_bpm), color=INK)
    strip(reasons, [reason.value for reason in present])
    for row, reason in enumerate(present):
        for spell in traces.spells(Target, partial(_in_force, reason)):
            bar(reasons, row, spell, REASON_INKS[reason])
    return canvas.png()


def draw_notes(traces: Traces) -> bytes:
    """Draw the notes as a piano roll, coloured by voice, stronger where they are played harder."""
    canvas = Canvas(traces.duration_s, (3.0,), traces.presses())
    panel = canvas.panels[0]
    name_panel(panel, "Notes", "pitch")
    notes = notes_of(traces.of(Phrase))
    if not notes:
        say_absent(panel, "no phrase was recorded: no music was composed")
        return canvas.png()
    width_pt = float(np.clip(160 / (max(n.pitch for n in notes) - min(n.pitch for n in notes) + 1), 1.4, 4))
    for voice in VOICES:
        mine = [note for note in notes if note.voice == voice]
        lines = [[((note.start_s - traces.origin_s) / 60, note.pitch),
                  ((note.end_s - traces.origin_s) / 60, note.pitch)] for note in mine]
        strength = [0.35 + 0.6 * min(1.0, max(0.0, note.velocity)) for note in mine]
        panel.add_collection(LineCollection(lines, colors=VOICE_INKS[voice], linewidths=width_pt,
                                            alpha=strength or None, capstyle="butt"))
        if mine:
            panel.plot([], [], color=VOICE_INKS[voice], linewidth=4, label=f"{voice} ({len(mine)})")
    lowest, highest = min(note.pitch for note in notes), max(note.pitch for note in notes)
    octaves = range(lowest // 12 * 12, highest + 13, 12)
    panel.set_yticks(list(octaves), [f"C{octave // 12 - 1}" for octave in octaves])
    panel.set_ylim(lowest - 2, highest + 2)
    key(panel)
    return canvas.png()


def draw_sound(traces: Traces, sound: Sound | None, ceiling_lufs: float | None) -> bytes:
    """Draw the spectrogram of the recording, its level and loudness, and the ceiling.

    Args:
        traces: the messages of the run, for the player's own loudness and for the time of the recording.
        sound: the measured recording, None when there is none.
        ceiling_lufs: the configured ceiling, None when it is not known.
    """
    canvas = Canvas(traces.duration_s, (2.3, 1.6), traces.presses())
    spectrum, level = canvas.panels
    name_panel(spectrum, "Spectrogram of the recording", "Hz")
    name_panel(level, "Level", "dBFS, LUFS")
    level.set_ylim(*LEVEL_RANGE_DB)
    if sound is None:
        say_absent(spectrum, "no recording: session.wav is missing")
    else:
        origin_s = traces.sound_origin_s(sound.duration_s) or 0.0
        _spectrogram(spectrum, sound, origin_s)
        _recorded_level(level, sound, origin_s)
    told = traces.column(PlayerState, lambda each: each.loudness_lufs)
    if np.isfinite(told).any():
        level.plot(traces.times(PlayerState) / 60, told, color=ROSE, linestyle=(0, (3, 1.5)),
                   label="player's own meter, 3 s")
    elif sound is None:
        say_absent(level, "the player told no loudness")
    if ceiling_lufs is not None:
        level.axhline(ceiling_lufs, color=INK, linewidth=1.0,
                      label=f"ceiling \N{MINUS SIGN}{-ceiling_lufs:.0f} LUFS")
    key(level)
    return canvas.png()


def _in_force(reason: Reason, target: Target) -> str:
    """Return the reason if it moved the target, or nothing."""
    return reason.value if reason in target.reasons else ""


def _spectrogram(panel: Axes, sound: Sound, origin_s: float) -> None:
    """Draw band powers over time; the loudest is dark, everything `SPECTRUM_DB` below it paper."""
    columns = sound.spectrum_db.shape[1]
    edges_min = (origin_s + np.arange(columns + 1) * sound.column_s) / 60
    top = float(sound.spectrum_db.max())
    panel.pcolormesh(edges_min, _edges(sound.bands_hz), sound.spectrum_db, cmap=_ink_map(), rasterized=True,
                     vmin=top - SPECTRUM_DB, vmax=top)
    panel.set_yscale("log")
    panel.set_ylim(sound.bands_hz[0], sound.bands_hz[-1])
    ticks = [hz for hz in MELODIC_HZ if sound.bands_hz[0] <= hz <= sound.bands_hz[-1]]
    panel.set_yticks(ticks, [f"{hz // 1000} k" if hz >= 1000 else str(hz) for hz in ticks])  # noqa: PLR2004 - kilo
    panel.minorticks_off()
    panel.grid(visible=False)


def _ink_map() -> LinearSegmentedColormap:
    """Return paper to ink through blue: prints well, and lightness falls evenly."""
    return LinearSegmentedColormap.from_list("ink", [PAPER, "#d5e3ee", "#8fb3d1", BLUE, "#16253d"])


def _edges(centres: Floats) -> Floats:
    """Return the edges of bands whose centres are evenly spaced on a logarithmic scale."""
    step = np.sqrt(centres[1] / centres[0])
    edges: Floats = np.append(centres / step, centres[-1] * step)
    return edges


def _recorded_level(panel: Axes, sound: Sound, origin_s: float) -> None:
    """Draw the range of the 50 ms levels as a band and the measured short-term loudness as a line."""
    group = max(1, sound.frame_db.size // 1500)
    whole = sound.frame_db[:sound.frame_db.size // group * group].reshape(-1, group)
    minutes = (origin_s + (np.arange(len(whole)) + 0.5) * group * FRAME_S) / 60
    panel.fill_between(minutes, LEVEL_RANGE_DB[0], whole.max(axis=1), color=BLUE, alpha=0.18, linewidth=0,
                       label="50 ms RMS", step="mid")
    steps_min = (origin_s + (np.arange(sound.short_term_lufs.size) + 1) * STEP_S) / 60
    panel.plot(steps_min, sound.short_term_lufs, color=BLUE, label="measured, 3 s")
