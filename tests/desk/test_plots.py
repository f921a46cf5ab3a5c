"""Plots: each is a picture with something in it, and says so when there is nothing to show."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from matplotlib import image
from matplotlib.colors import to_rgb

from device.desk.canvas import (
    BLUE,
    DPI,
    INK,
    ROSE,
    SAND,
    STRESS_SHADE,
    TEAL,
    UNKNOWN_SHADE,
    WIDTH_IN,
)
from device.desk.music_plots import VOICE_INKS, draw_notes, draw_parameters, draw_sound
from device.desk.patient_plots import draw_brain, draw_heart, draw_skin, draw_stress, draw_temperature
from device.desk.plots import draw_all
from device.desk.traces import Traces
from device.desk.unit_plots import LIGHT_INKS, SEVERITY_INKS, draw_health, draw_panel
from device.desk.waveform import Sound, measure_sound
from device.messages import Health, LightPattern, Message, Panel, Severity, Stress, StressBand, Truth

NAMES = ["panel", "stress", "heart", "skin", "temperature", "brain", "parameters", "notes", "sound", "health"]


def pixels(png: bytes) -> np.ndarray:
    assert png.startswith(b"\x89PNG\r\n")
    return image.imread(BytesIO(png))[..., :3]


def amount(png: bytes, colour: str) -> int:
    """Return how many pixels have a colour."""
    return int((np.abs(pixels(png) - np.array(to_rgb(colour))).max(axis=2) < 0.012).sum())


def darkness(png: bytes) -> float:
    """Return the share of pixels that are not paper."""
    return float((pixels(png).min(axis=2) < 0.9).mean())


@pytest.fixture(scope="module")
def traces(messages: list[Message]) -> Traces:
    return Traces(messages)


@pytest.fixture(scope="module")
def sound(run_folder: Path) -> Sound:
    return measure_sound(run_folder / "session.wav")


def test_every_plot_is_a_picture_with_something_in_it(traces: Traces, sound: Sound) -> None:
    plots, empty = draw_all(traces, sound, -35.0), draw_all(Traces([]), None, None)

    assert [plot.name for plot in plots] == NAMES
    for plot, bare in zip(plots, empty, strict=True):
        height, width, _ = pixels(plot.png).shape
        assert width == pytest.approx(WIDTH_IN * DPI, abs=1)
        assert 150 < height < 1200
        assert plot.caption
        assert darkness(plot.png) > darkness(bare.png) > 0.001, plot.name


def test_plots_are_the_same_bytes_every_time(traces: Traces) -> None:
    assert draw_stress(traces) == draw_stress(traces)
    assert draw_notes(traces) == draw_notes(traces)


def test_stress_plot_shows_truth_estimate_and_unknown(traces: Traces) -> None:
    png = draw_stress(traces)

    assert amount(png, BLUE) > 300
    assert amount(png, ROSE) > 300
    # 18 of 180 seconds are grey, over the whole height of a panel of 2.5 inches and 7.7 inches width.
    whole = 2.5 * 7.7 * DPI**2
    assert amount(png, UNKNOWN_SHADE) / whole == pytest.approx(0.1, abs=0.02)


def test_stress_plot_shades_labelled_intervals() -> None:
    messages: list[Message] = []
    for second in range(100):
        label = "stress" if 40 <= second < 60 else ""
        messages += [
            Truth(at_s=float(second), arousal=None, label=label, skin_us=1.0, hr_bpm=None, skin_c=None),
            Stress(at_s=float(second), level=0.5, confidence=1.0, band=StressBand.MEDIUM, sources=(),
                   reason=""),
        ]

    png = draw_stress(Traces(messages))

    assert amount(png, STRESS_SHADE) / (2.5 * 7.7 * DPI**2) == pytest.approx(0.2, abs=0.03)
    assert amount(png, ROSE) == 0
    assert "rose for stress" in draw_all(Traces(messages), None, None)[1].caption


def test_heart_and_skin_plots_show_truth_and_estimate(traces: Traces) -> None:
    for png in (draw_heart(traces), draw_skin(traces), draw_temperature(traces)):
        assert amount(png, BLUE) > 200
        assert amount(png, ROSE) > 200


def test_heart_plot_leaves_unusable_windows_out(traces: Traces) -> None:
    """The estimate begins at 20 s of 180, the truth at 0."""
    picture = pixels(draw_heart(traces))

    def first_column(ink: str) -> int:
        panel = picture[45:290]  # without the key above it
        return int(np.flatnonzero((np.abs(panel - np.array(to_rgb(ink))).max(axis=2) < 0.012).any(axis=0))[0])

    assert first_column(ROSE) < 1.25 * DPI + 5
    assert first_column(BLUE) == pytest.approx(1.25 * DPI + 7.7 * DPI * 20 / 180, abs=6)


def test_brain_plot_says_when_no_headset_was_worn(traces: Traces) -> None:
    assert amount(draw_brain(traces), TEAL) > 300
    assert amount(draw_brain(Traces([])), TEAL) == 0


def test_parameter_plot_shows_each_reason_in_force(traces: Traces) -> None:
    png = draw_parameters(traces)

    assert amount(png, TEAL) > 3000  # the bar of stress_down
    assert amount(png, SAND) > 500  # the bar of stress_unknown
    assert pixels(png).shape[0] > pixels(draw_parameters(Traces([]))).shape[0]


def test_piano_roll_shows_the_voices_that_play(traces: Traces) -> None:
    picture = pixels(draw_notes(traces))
    for voice in ("pad", "bass", "melody"):
        ink = np.array(to_rgb(VOICE_INKS[voice]))
        # Notes are translucent: look along the line from paper to ink.
        share = (1 - picture) @ (1 - ink) / ((1 - ink) @ (1 - ink))
        residue = np.abs(picture - (1 - share[..., None] * (1 - ink))).max(axis=2)
        assert int(((share > 0.4) & (residue < 0.02)).sum()) > 300, voice


def test_sound_plot_draws_the_ceiling_only_when_it_is_known(traces: Traces, sound: Sound) -> None:
    assert darkness(draw_sound(traces, sound, -35.0)) > darkness(draw_sound(traces, sound, None))


def test_sound_plot_without_a_recording_still_shows_what_the_player_told(traces: Traces) -> None:
    assert amount(draw_sound(traces, None, None), ROSE) > 200


def test_panel_plot_shows_patterns_in_their_colours(traces: Traces) -> None:
    png = draw_panel(traces)

    playing = amount(png, LIGHT_INKS[LightPattern.PLAYING])
    attention = amount(png, LIGHT_INKS[LightPattern.PLAYING_ATTENTION])
    assert attention > 500
    assert playing / attention == pytest.approx((165 - 10 - 18) / 18, rel=0.15)
    assert amount(png, LIGHT_INKS[LightPattern.FAULT]) == 0


def test_panel_plot_shows_the_brightest_of_a_breath_instead_of_its_alias() -> None:
    """An hour of a light that is dark nine times out of ten is drawn lit throughout."""
    messages = [
        Panel(at_s=tick / 2, light=LightPattern.PLAYING, button_down=False,
              rgb=(1.0, 0.0, 1.0) if tick % 5 == 0 else (0.0, 0.0, 0.0))
        for tick in range(7200)
    ]

    png = draw_panel(Traces(messages))

    assert amount(png, "#ff00ff") > 0.9 * 7.7 * DPI * 0.7 * 1.35 * DPI / 5
    assert amount(png, "#000000") < 200


def test_health_plot_shows_faults_by_severity_and_restarts(traces: Traces) -> None:
    png = draw_health(traces)
    assert amount(png, SEVERITY_INKS[Severity.ATTENTION]) > 500
    assert amount(png, SEVERITY_INKS[Severity.ACT_NOW]) == 0

    def beats(uptime_of: list[float]) -> bytes:
        return draw_health(Traces([
            Health(at_s=float(second), service="player", uptime_s=uptime_s, late_steps=0, faults=())
            for second, uptime_s in enumerate(uptime_of)]))

    steady = beats([float(second) for second in range(60)])
    restarted = beats([float(second % 30) for second in range(60)])
    assert amount(restarted, INK) > amount(steady, INK) + 10
