"""Every plot is a picture of a sensible size, the same each time, with data and without."""

from __future__ import annotations

import io

import matplotlib.image
import msgspec
import numpy as np
import pytest

from device.desk.listening import pictures
from device.desk.listening.line import line_of
from device.desk.listening.separation import separate
from device.desk.listening.similarity import self_similarity


def pixels(png: bytes) -> np.ndarray:
    return matplotlib.image.imread(io.BytesIO(png), format="png")


def line(phrase_of):
    rng = np.random.default_rng(1)
    return line_of([phrase_of(number, (60 + rng.integers(0, 12, 16)).tolist()) for number in range(8)])


def test_pictures_of_one_session(session, phrase_of):
    drawn = {
        "hearing": pictures.draw_hearing(msgspec.structs.replace(session.sound, clicks_s=[30.0]), 2.0),
        "line": pictures.draw_line(session, line(phrase_of)),
        "similarity": pictures.draw_similarity(self_similarity([phrase_of(0, [60, 62, 64])])),
        "no bars": pictures.draw_similarity(np.zeros((0, 0))),
    }
    for name, png in drawn.items():
        image = pixels(png)
        assert image.shape[1] > 1000, name
        assert image.min() < 0.5, name  # there is ink on it
    assert drawn["line"] == pictures.draw_line(session, line(phrase_of))


def test_pictures_of_separation_and_scores(session, change, hearing_of):
    effects = {style: separate(hearing_of(1), hearing_of(2, shift=shift))
               for style, shift in (("warm_pads", 0.0), ("nature", 3.0))}
    assert pixels(pictures.draw_separation(effects)).shape[1] > 1000
    known, unknown = session, change(session, "score", pitch_exponent=None)
    assert pixels(pictures.draw_scores([known, unknown])).shape[1] > 1000


def test_pictures_show_what_is_there(session, change, phrase_of):
    leaping = change(session, "score", intervals={-9: 40, 2: 100})
    assert pictures.draw_line(leaping, line(phrase_of)) != pictures.draw_line(session, line(phrase_of))
    assert pixels(pictures.draw_similarity(np.eye(4))).mean() > pixels(
        pictures.draw_similarity(np.ones((4, 4)))).mean()


@pytest.mark.parametrize("value", [None, float("nan")])
def test_pictures_of_scores_without_spectra(session, change, value):
    assert pixels(pictures.draw_scores([change(session, "score", pitch_exponent=value)])).size
