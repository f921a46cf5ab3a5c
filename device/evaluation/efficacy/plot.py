"""One picture: what each arm does to mean arousal, minute by minute, and the check by the real chain."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from device.desk.canvas import BLUE, FAINT, INK, ROSE, SAND, TEAL, Canvas, key, name_panel
from device.evaluation.efficacy.arms import ARMS, Arm, FloatArray, Sessions
from device.evaluation.efficacy.chain import ChainCourse
from device.evaluation.efficacy.figures import CALM, NOTICED
from device.evaluation.efficacy.listeners import Kind, of_kind

INKS: dict[Arm, str] = {"closed": TEAL, "open": BLUE, "sham": SAND, "silence": FAINT}
TITLES: dict[Kind, str] = {"responder": "Responders", "irritated": "Irritated by music"}
CHAIN_INKS = (TEAL, ROSE, BLUE, SAND, INK, FAINT)
STANDARD_ERRORS = 1.96  # of a normal distribution, for the bands


def draw(sessions: Sessions, courses: Sequence[ChainCourse]) -> bytes:
    """Return the picture as PNG bytes.

    Args:
        sessions: the fast ones.
        courses: of the real chain, none leaves its panel out.
    """
    duration_s = float(sessions.arousal["silence"].shape[1] - 1)
    canvas = Canvas(duration_s, (1.6, 1.7, 1.7, *([1.7] if courses else [])))
    _draw_all(canvas.panels[0], sessions)
    for panel, kind in zip(canvas.panels[1:], TITLES, strict=False):
        _draw_against_silence(panel, sessions, kind)
    if courses:
        _draw_chain(canvas.panels[-1], courses)
    canvas.panels[-1].set_xlabel("minutes since the session began")
    return canvas.png()


def _draw_all(panel: Axes, sessions: Sessions) -> None:
    """Draw mean arousal of everybody in each arm."""
    name_panel(panel, f"Everybody ({len(sessions.listeners)} simulated listeners)", "mean arousal")
    for arm in ARMS:
        panel.plot(_minutes(sessions.arousal[arm][0]), sessions.arousal[arm].mean(axis=0), color=INKS[arm],
                   linewidth=1.3, label=arm)
    panel.axhline(CALM, color=INK, linewidth=0.7, linestyle=(0, (2, 2)))
    panel.annotate("calm", (0.0, CALM), xytext=(4, -10), textcoords="offset points", fontsize=7.5)
    key(panel)


def _draw_against_silence(panel: Axes, sessions: Sessions, kind: Kind) -> None:
    """Draw how far each arm is from silence, with a 95 % band over people."""
    among = of_kind(sessions.listeners, kind)
    name_panel(panel, f"{TITLES[kind]} ({len(among)}), against the same people in silence", "arousal")
    for arm in ARMS[:-1]:
        moved = (sessions.arousal[arm] - sessions.arousal["silence"])[among]
        mean, wide = moved.mean(axis=0), STANDARD_ERRORS * moved.std(axis=0) / np.sqrt(len(among))
        minutes = _minutes(mean)
        panel.fill_between(minutes, mean - wide, mean + wide, color=INKS[arm], alpha=0.15, linewidth=0)
        panel.plot(minutes, mean, color=INKS[arm], linewidth=1.3, label=arm)
    panel.axhline(0.0, color=FAINT, linewidth=0.9)
    if kind == "irritated":
        panel.axhline(NOTICED, color=ROSE, linewidth=0.7, linestyle=(0, (2, 2)))
        panel.annotate("counted as harm", (panel.get_xlim()[1], NOTICED), xytext=(-4, 3), ha="right",
                       textcoords="offset points", fontsize=7.5, color=ROSE)
    key(panel)


def _draw_chain(panel: Axes, courses: Sequence[ChainCourse]) -> None:
    """Draw the arousal of each person under the real chain and under the fast session."""
    name_panel(panel, "Closed less open: real (solid), fast (dotted)", "arousal")
    for course, ink in zip(courses, CHAIN_INKS, strict=False):
        minutes = _minutes(course.real)
        panel.plot(minutes, course.real - course.program, color=ink, linewidth=1.3,
                   label=course.listener.kind)
        panel.plot(minutes, course.fast - course.program, color=ink, linewidth=1.0, linestyle=(0, (1, 1.5)))
    panel.axhline(0.0, color=FAINT, linewidth=0.9)
    key(panel)


def _minutes(course: FloatArray) -> FloatArray:
    """Return the time of each value."""
    return np.arange(course.size) / 60.0
