"""Details of the music's plots: band edges, the player's clock, levels over the whole recording."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from device.desk import music_plots
from device.desk.canvas import Canvas
from device.desk.waveform import measure_sound
from device.messages import MusicalTarget, Reason, Target


def test_edges_lie_between_the_bands_on_a_logarithmic_scale() -> None:
    np.testing.assert_allclose(music_plots._edges(np.array([100.0, 400.0, 1600.0])), [50, 200, 800, 3200])


def test_reason_is_in_force_only_when_the_target_names_it() -> None:
    values = MusicalTarget(
        pitch=0.5, tempo_bpm=60, timbre=0.5, intensity=0.5, density=0.5, percussiveness=0.5)
    target = Target(at_s=0.0, values=values, reasons=(Reason.ARC, Reason.BOUND), loop="open", elapsed_s=0.0)

    assert music_plots._in_force(Reason.BOUND, target) == "bound"
    assert music_plots._in_force(Reason.MEET, target) == ""


def test_every_reason_and_voice_has_an_ink() -> None:
    assert set(music_plots.REASON_INKS) == set(Reason)
    assert set(music_plots.VOICE_INKS) == {"pad", "bass", "melody", "texture"}


def test_spectrogram_and_level_lie_where_the_sound_was_played(run_folder: Path) -> None:
    sound = measure_sound(run_folder / "session.wav")
    spectrum, level = Canvas(240.0, (1.0, 1.0)).panels

    music_plots._spectrogram(spectrum, sound, origin_s=30.0)
    music_plots._recorded_level(level, sound, origin_s=30.0)

    mesh = spectrum.collections[0].get_coordinates()
    assert mesh[0, 0, 0] == pytest.approx(0.5)
    # The last window that fits ends up to one window, 0.37 s, before the recording does.
    assert mesh[0, -1, 0] == pytest.approx((30 + 180) / 60, abs=0.4 / 60)
    minutes, lufs = level.lines[0].get_xdata(), level.lines[0].get_ydata()
    assert minutes[-1] == pytest.approx(3.5)
    assert np.nanmax(lufs) == pytest.approx(-31.4, abs=0.3)


def test_spectrogram_is_marked_in_round_frequencies(run_folder: Path) -> None:
    panel = Canvas(180.0, (1.0,)).panels[0]

    music_plots._spectrogram(panel, measure_sound(run_folder / "session.wav"), 0.0)

    assert [label.get_text() for label in panel.get_yticklabels()] == [
        "50", "100", "200", "500", "1 k", "2 k", "5 k", "10 k"]
