"""The figures of a score and of a recording that are known."""

from __future__ import annotations

import numpy as np
import pytest

from device.desk.listening import figures
from device.desk.listening.calibration import RATE_HZ, stereo
from device.desk.listening.figures import measure_score, measure_sound
from device.desk.listening.novelty import Corpus

NOBODY = Corpus([])


def test_figures_of_a_score(phrase_of):
    score = measure_score([phrase_of(0, [60, 62, 64, 71]), phrase_of(1, [64, 60], bpm=60.0)], NOBODY)
    assert (score.phrases, score.melody_notes, score.leap) == (2, 6, 7)
    assert score.intervals == {-7: 1, -4: 1, 2: 2, 7: 1}
    assert score.melody_notes_per_s == pytest.approx(6 / 32)
    assert (score.shortest_beats, score.longest_beats, score.longest_s) == (0.5, 0.5, 0.5)
    assert (score.longest_match, score.repeated_windows, score.gap_s) == (0, 0, 0.0)
    assert (score.first_tempo_bpm, score.slowest_bpm) == (60.0, 60.0)
    assert score.pitch_exponent is None


def test_figures_a_gap_between_phrases_is_seen(phrase_of):
    score = measure_score([phrase_of(0, [60, 62]), phrase_of(2, [64, 60])], NOBODY)
    assert score.gap_s == pytest.approx(16.0)


def test_figures_a_repeated_session_is_seen(phrase_of):
    first = [phrase_of(number, list(range(60 + number, 70 + number))) for number in range(4)]
    again = [phrase_of(4 + number, list(range(60 + number, 70 + number))) for number in range(4)]
    assert measure_score(first, NOBODY).repeated_melody_windows == 0
    assert measure_score([*first, *again], NOBODY).repeated_melody_windows == 9


def test_figures_need_a_melody(phrase_of):
    with pytest.raises(ValueError, match="no melody"):
        measure_score([phrase_of(0, [60, 62], voice="pad")], NOBODY)


def test_figures_of_a_recording(monkeypatch, hearing_of):
    monkeypatch.setattr(figures, "hear", lambda *_: hearing_of(1))  # librosa is not part of the tests
    times = np.arange(40 * RATE_HZ) / RATE_HZ
    drift = 1.0 + 0.3 * np.sin(2 * np.pi * times / 20.0)
    sound = stereo(0.1 * drift * np.sin(2 * np.pi * 440.0 * times))
    found = measure_sound(sound, (2.0, 38.0), -21.0)
    assert found.duration_s == pytest.approx(40.0)
    assert found.clicks_s == []
    assert found.levels.integrated_lufs == pytest.approx(-20.5, abs=0.8)
    assert found.loudness_exponent > 1.0  # a slow swell: all of its power at the lowest frequencies
