"""Plots of the unit: the light as the nurse sees it, the button, the session, the services' health."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes

from device.desk.canvas import (
    BLUE,
    FAINT,
    GRID,
    INK,
    ROSE,
    SAND,
    Canvas,
    bar,
    name_panel,
    say_absent,
    strip,
)
from device.desk.traces import Interval, Traces
from device.messages import Health, LightPattern, Panel, Session, SessionPhase, Severity, Target

# Tints of the colours that the patterns have on the panel (messages.LightPattern).
LIGHT_INKS = {
    LightPattern.OFF: GRID, LightPattern.READY: "#8cc79a", LightPattern.STARTING: "#58b9c9",
    LightPattern.PLAYING: "#a6dbe3", LightPattern.ENDING: "#cfe9ee", LightPattern.ATTENTION: "#e9b95c",
    LightPattern.PLAYING_ATTENTION: "#f3d596", LightPattern.FAULT: "#d9707c",
    LightPattern.RATING: "#7fa9d8",
}
PHASE_INKS = {
    SessionPhase.IDLE: GRID, SessionPhase.RUNNING: "#b9cde2", SessionPhase.ENDING: "#dccfe8",
    SessionPhase.MUTED: "#d9707c",
}
LOOP_INKS = {"closed": "#bfe0d8", "open": "#ecdcb8", "sham": "#dccfe8"}
SEVERITY_INKS = {Severity.INFO: BLUE, Severity.ATTENTION: SAND, Severity.ACT_NOW: ROSE}
SERVICES = ("sensors", "headset", "estimator", "conductor", "player", "telemetry")
COLUMNS = 900
GLIMPSE_S = 0.05  # one step of the light; the last of a run lasts that long


def draw_panel(traces: Traces) -> bytes:
    """Draw the light's pattern and its true colour, the button, the session's phase and its loop."""
    canvas = Canvas(traces.duration_s, (1.35,))
    panel = canvas.panels[0]
    name_panel(panel, "Light, button and session", "")
    if not traces.of(Panel) and not traces.of(Session):
        say_absent(panel, "neither the panel nor the session was recorded")
        return canvas.png()
    strip(panel, ["pattern", "colour", "button", "session", "loop"])
    for spell in traces.spells(Panel, lambda each: each.light.value):
        bar(panel, 0, spell, LIGHT_INKS[LightPattern(spell.name)], spell.name.replace("_", " "))
    _colours(panel, 1, traces)
    for spell in traces.spells(Panel, lambda each: "down" if each.button_down else ""):
        bar(panel, 2, spell, INK)
    for spell in traces.spells(Session, lambda each: each.phase.value):
        bar(panel, 3, spell, PHASE_INKS[SessionPhase(spell.name)], spell.name)
    for spell in traces.spells(Target, lambda each: each.loop):
        bar(panel, 4, spell, LOOP_INKS[spell.name], spell.name)
    return canvas.png()


def draw_health(traces: Traces) -> bytes:
    """Draw for every service when it spoke, when it (re)started, and its faults by severity."""
    faults = traces.fault_spells()
    codes = sorted({(spell.service, spell.code) for spell in faults})
    rows = [*SERVICES, *(code for _, code in codes)]
    canvas = Canvas(traces.duration_s, (0.22 * len(rows) + 0.1,))
    panel = canvas.panels[0]
    name_panel(panel, "Health of the services", "")
    if not traces.of(Health):
        say_absent(panel, "no service spoke of its health")
        return canvas.png()
    strip(panel, rows)
    for row, service in enumerate(SERVICES):
        beats = [beat for beat in traces.of(Health) if beat.service == service]
        alone = Traces(beats)
        shift_s = alone.origin_s - traces.origin_s
        for spell in alone.spells(Health, lambda _: "alive"):
            bar(panel, row, Interval(spell.start_s + shift_s, spell.end_s + shift_s, ""), "#cfe0d6")
        for before, after in pairwise(beats):
            if after.uptime_s < before.uptime_s:
                restart_min = (after.at_s - traces.origin_s) / 60
                panel.plot([restart_min], [row], marker="|", color=INK, markersize=9, markeredgewidth=1.6)
        if not beats:
            panel.text(0.01, row, "not heard of", transform=panel.get_yaxis_transform(), va="center",
                       fontsize=7.5, color=FAINT, style="italic")
    for fault in faults:
        row = len(SERVICES) + codes.index((fault.service, fault.code))
        bar(panel, row, Interval(fault.start_s, fault.end_s, ""), SEVERITY_INKS[fault.severity])
    return canvas.png()


def _colours(panel: Axes, row: int, traces: Traces) -> None:
    """Draw the light's own colour over time; a column shows the brightest of its while.

    A slow breath is faster than a column of a long run, and would alias into a rhythm that nobody saw.
    """
    times_s = traces.times(Panel)
    if not times_s.size:
        return
    rgb = np.clip([state.rgb for state in traces.of(Panel)], 0, 1)
    edges_s = np.linspace(0, traces.duration_s, COLUMNS + 1)
    first = np.searchsorted(times_s, edges_s[:-1], side="right") - 1
    last = np.maximum(np.searchsorted(times_s, edges_s[1:], side="left"), first + 1)
    seen = np.array([rgb[max(low, 0):high].max(axis=0, initial=0.0) if high > 0 else np.ones(3)
                     for low, high in zip(first, last, strict=True)])
    end_min = max(traces.duration_s, GLIMPSE_S) / 60
    panel.imshow(seen[None], extent=(0, end_min, row + 0.35, row - 0.35), aspect="auto",
                 interpolation="nearest", zorder=1)
