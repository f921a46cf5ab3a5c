"""One look for every plot of the report: paper, inks, a shared axis of minutes, PNG bytes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from io import BytesIO

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from device.desk.traces import Interval

# Eight inks that stay apart for colour-blind readers, after Paul Tol's "muted" scheme (SRON/EPS/TN/09-002).
INK, FAINT, GRID, PAPER = "#2b3440", "#7b8794", "#e4e8ec", "#ffffff"
BLUE, TEAL, ROSE, SAND, PURPLE, OLIVE = "#33679a", "#3f9b8f", "#c2596b", "#c79a3b", "#7d5ba6", "#84923f"
STRESS_SHADE, REST_SHADE, UNKNOWN_SHADE = "#f6dfe0", "#e2efec", "#e9ebee"
LABEL_SHADES = {"stress": STRESS_SHADE, "rest": REST_SHADE}

WIDTH_IN, DPI = 9.2, 120
LEFT_IN, RIGHT_IN, TOP_IN, BOTTOM_IN, GAP_IN = 1.25, 0.25, 0.36, 0.48, 0.36
STYLE = {
    "font.family": "DejaVu Sans", "font.size": 9.0, "text.color": INK, "axes.labelcolor": INK,
    "axes.edgecolor": FAINT, "axes.linewidth": 0.7, "axes.labelsize": 8.5, "axes.spines.top": False,
    "axes.spines.right": False, "axes.grid": True, "axes.axisbelow": True, "grid.color": GRID,
    "grid.linewidth": 0.7, "xtick.color": FAINT, "ytick.color": FAINT, "xtick.labelcolor": INK,
    "ytick.labelcolor": INK, "xtick.labelsize": 8.0, "ytick.labelsize": 8.0,
}


class Canvas:
    """Panels above one another over the minutes of a run.

    Args:
        duration_s: length of the run; every panel spans it.
        heights_in: height of each panel in inches.
        press_s: moments to mark with a hair line, such as the button press.
    """

    def __init__(self, duration_s: float, heights_in: Sequence[float], press_s: Iterable[float] = ()) -> None:
        gaps = GAP_IN * (len(heights_in) - 1)
        tall = TOP_IN + sum(heights_in) + gaps + BOTTOM_IN
        with mpl.rc_context(STYLE):  # type: ignore[arg-type]  # the stubs want literal keys
            self._figure = Figure(figsize=(WIDTH_IN, tall), dpi=DPI, facecolor=PAPER)
            FigureCanvasAgg(self._figure)
            grid = self._figure.add_gridspec(
                len(heights_in), 1, height_ratios=heights_in, left=LEFT_IN / WIDTH_IN,
                right=1 - RIGHT_IN / WIDTH_IN, top=1 - TOP_IN / tall, bottom=BOTTOM_IN / tall,
                hspace=GAP_IN * len(heights_in) / sum(heights_in),
            )
            rows = range(len(heights_in))
            self.panels: list[Axes] = [self._figure.add_subplot(grid[row, 0]) for row in rows]
        end_min = max(duration_s, 1.0) / 60
        for panel in self.panels:
            panel.set_xlim(0, end_min)
            panel.xaxis.set_major_locator(MaxNLocator(nbins=10, steps=[1, 2, 5, 10]))
            panel.yaxis.set_major_locator(MaxNLocator(nbins=5))
            panel.tick_params(length=2.5, labelbottom=panel is self.panels[-1])
            for moment_s in press_s:
                panel.axvline(moment_s / 60, color=INK, linewidth=0.7, linestyle=(0, (2, 2)), zorder=3)
        self.panels[-1].set_xlabel("minutes since the run began")

    def png(self) -> bytes:
        """Return the picture; the same drawing gives the same bytes."""
        picture = BytesIO()
        with mpl.rc_context(STYLE):  # type: ignore[arg-type]  # the stubs want literal keys
            self._figure.savefig(picture, format="png", metadata={"Software": None})
        return picture.getvalue()


def name_panel(panel: Axes, title: str, unit: str) -> None:
    """Write what a panel shows and in which unit."""
    panel.set_title(title, loc="left", fontsize=10, fontweight="bold", color=INK, pad=6)
    panel.set_ylabel(unit, color=INK)


def key(panel: Axes) -> None:
    """Put the key to the lines above the panel's right end, on the line of its title."""
    handles, labels = panel.get_legend_handles_labels()
    if handles:
        panel.legend(
            handles, labels, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=len(handles),
            borderaxespad=0.1, handlelength=1.4, columnspacing=1.2, handletextpad=0.5, frameon=False,
            fontsize=8, labelcolor=INK,
        )


def shade(panel: Axes, intervals: Iterable[Interval], colours: dict[str, str]) -> None:
    """Tint stretches of the background by their name; unnamed colours are left white."""
    for interval in intervals:
        if colour := colours.get(interval.name):
            panel.axvspan(interval.start_s / 60, interval.end_s / 60, color=colour, linewidth=0, zorder=0)


def say_absent(panel: Axes, what: str) -> None:
    """Say in an empty panel what was not recorded."""
    panel.text(0.5, 0.5, what, transform=panel.transAxes, ha="center", va="center", color=FAINT,
               fontsize=9, style="italic")
    panel.set_yticks([])
    panel.grid(visible=False)


def strip(panel: Axes, rows: Sequence[str]) -> None:
    """Turn a panel into rows for bars: the first row on top, one unit each, named at the left."""
    panel.set_ylim(len(rows) - 0.5, -0.5)
    panel.set_yticks(range(len(rows)), rows)
    panel.tick_params(axis="y", length=0)
    panel.grid(visible=False, axis="y")


def bar(panel: Axes, row: int, interval: Interval, colour: str, text: str = "") -> None:
    """Draw a stretch in one row of a strip; its text is written where it fits."""
    run_min = panel.get_xlim()[1]
    width_min = max((interval.end_s - interval.start_s) / 60, run_min / 800)
    panel.barh(row, width_min, left=interval.start_s / 60, height=0.7, color=colour, linewidth=0)
    fits = width_min / run_min * (WIDTH_IN - LEFT_IN - RIGHT_IN) > 0.075 * len(text) + 0.05
    if text and fits:
        panel.text(interval.start_s / 60 + width_min / 2, row, text, ha="center", va="center", fontsize=7.5,
                   color=INK, clip_on=True)
