"""The canvas: one scale of minutes, one look, texts only where they fit."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from matplotlib import image
from matplotlib.colors import to_rgb

from device.desk.canvas import (
    BLUE,
    DPI,
    INK,
    LABEL_SHADES,
    LEFT_IN,
    OLIVE,
    PAPER,
    PURPLE,
    RIGHT_IN,
    ROSE,
    SAND,
    TEAL,
    WIDTH_IN,
    Canvas,
    bar,
    key,
    name_panel,
    say_absent,
    shade,
    strip,
)
from device.desk.traces import Interval


def luminance(colour: str) -> float:
    """Return the relative luminance of WCAG 2.1."""
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in to_rgb(colour)]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


def test_canvas_panels_share_their_minutes() -> None:
    canvas = Canvas(90.0, (1.0, 0.5), press_s=[30.0])

    assert [panel.get_xlim() for panel in canvas.panels] == [(0.0, 1.5), (0.0, 1.5)]
    assert canvas.panels[1].get_xlabel() == "minutes since the run began"
    assert canvas.panels[0].get_xlabel() == ""
    assert canvas.panels[0].lines[0].get_xdata()[0] == 0.5


@pytest.mark.parametrize("heights_in", [(1.0,), (2.0, 0.5), (1.0, 1.5, 0.4)])
def test_canvas_panels_have_the_heights_that_were_asked_for(heights_in: tuple[float, ...]) -> None:
    canvas = Canvas(60.0, heights_in)

    picture = image.imread(BytesIO(canvas.png()))

    tall = picture.shape[0] / DPI
    drawn = [panel.get_position() for panel in canvas.panels]
    assert [box.height * tall for box in drawn] == pytest.approx(list(heights_in), rel=0.02)
    assert [box.width * WIDTH_IN for box in drawn] == pytest.approx(
        [WIDTH_IN - LEFT_IN - RIGHT_IN] * len(heights_in), rel=0.001)


def test_canvas_of_a_run_without_length_is_still_a_picture() -> None:
    canvas = Canvas(0.0, (1.0,))

    assert canvas.panels[0].get_xlim() == (0.0, 1 / 60)
    assert canvas.png().startswith(b"\x89PNG")


def test_canvas_picture_holds_no_time_of_its_making() -> None:
    assert Canvas(60.0, (1.0,)).png() == Canvas(60.0, (1.0,)).png()


def test_inks_can_be_read_on_paper() -> None:
    """At least 3 to 1, which WCAG 2.1 (1.4.11) asks of graphics; sand and olive are kept for wide bars."""
    paper = luminance(PAPER)
    for ink in (INK, BLUE, TEAL, ROSE, PURPLE):
        assert (paper + 0.05) / (luminance(ink) + 0.05) > 3.0, ink
    for ink in (SAND, OLIVE):
        assert (paper + 0.05) / (luminance(ink) + 0.05) > 2.4, ink


def test_panel_is_named_with_its_unit() -> None:
    panel = Canvas(60.0, (1.0,)).panels[0]

    name_panel(panel, "Heart rate", "beats per minute")

    assert panel.get_title(loc="left") == "Heart rate"
    assert panel.get_ylabel() == "beats per minute"


def test_key_is_drawn_only_when_something_is_labelled() -> None:
    panel = Canvas(60.0, (1.0,)).panels[0]
    panel.plot([0, 1], [0, 1])
    key(panel)
    assert panel.get_legend() is None

    panel.plot([0, 1], [1, 0], label="estimate")
    key(panel)
    legend = panel.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["estimate"]


def test_shade_tints_only_the_names_it_knows() -> None:
    panel = Canvas(600.0, (1.0,)).panels[0]

    labels = [Interval(60.0, 120.0, "stress"), Interval(120.0, 300.0, "walk"), Interval(300.0, 360.0, "rest")]
    shade(panel, labels, LABEL_SHADES)

    assert [(patch.get_x(), patch.get_width()) for patch in panel.patches] == [(1.0, 1.0), (5.0, 1.0)]
    assert [patch.get_facecolor()[:3] for patch in panel.patches] == [
        to_rgb(LABEL_SHADES["stress"]), to_rgb(LABEL_SHADES["rest"])]


def test_absent_data_is_said_in_words() -> None:
    panel = Canvas(60.0, (1.0,)).panels[0]

    say_absent(panel, "no headset")

    assert [text.get_text() for text in panel.texts] == ["no headset"]
    assert panel.get_yticks().size == 0


def test_strip_names_its_rows_from_the_top() -> None:
    panel = Canvas(60.0, (1.0,)).panels[0]

    strip(panel, ["first", "second"])

    assert [label.get_text() for label in panel.get_yticklabels()] == ["first", "second"]
    bottom, top = panel.get_ylim()
    assert bottom > top
    assert (top, bottom) == (-0.5, 1.5)


def test_bar_names_itself_only_where_the_name_fits() -> None:
    panel = Canvas(100.0, (1.0,)).panels[0]
    strip(panel, ["row"])

    bar(panel, 0, Interval(0.0, 50.0, ""), BLUE, "wide enough")
    bar(panel, 0, Interval(50.0, 52.0, ""), BLUE, "too narrow")
    bar(panel, 0, Interval(60.0, 60.0, ""), BLUE)

    assert [text.get_text() for text in panel.texts] == ["wide enough"]
    assert [patch.get_width() for patch in panel.patches] == pytest.approx([50 / 60, 2 / 60, 100 / 60 / 800])


def test_bar_lies_in_its_row() -> None:
    panel = Canvas(100.0, (1.0,)).panels[0]
    strip(panel, ["one", "two", "three"])

    bar(panel, 2, Interval(30.0, 60.0, ""), ROSE)

    (patch,) = panel.patches
    assert (patch.get_x(), patch.get_y() + patch.get_height() / 2) == (0.5, pytest.approx(2.0))
