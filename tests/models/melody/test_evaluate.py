"""Bits are counted as the data's README counts them."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from device.music.melody import LstmMelody
from models.melody.training.abc_notation import Tune
from models.melody.training.evaluate import _surprise, score


@pytest.fixture(scope="module")
def lstm(models_dir: Path) -> LstmMelody:
    return LstmMelody(models_dir / "melody" / "melody.tflite")


def test_surprise_of_equal_logits_is_the_logarithm_of_their_number() -> None:
    assert _surprise(np.zeros(27), 5) == pytest.approx(math.log(27))


def test_surprise_of_a_sure_answer_is_nothing_and_of_the_other_large() -> None:
    logits = np.array([800.0, 0.0])
    assert _surprise(logits, 0) == pytest.approx(0.0)
    assert _surprise(logits, 1) == pytest.approx(800.0)


def test_surprise_does_not_move_with_a_common_offset() -> None:
    logits = np.random.default_rng(0).normal(size=9)
    assert _surprise(logits + 300.0, 4) == pytest.approx(_surprise(logits, 4))


def test_score_counts_every_note_but_the_first(lstm: LstmMelody, tunes: list[Tune]) -> None:
    found = score(lstm, tunes[:3])
    assert found.intervals == sum(len(tune.tones) - 1 for tune in tunes[:3])
    assert 0.5 < found.interval_bits < math.log2(27)
    assert 0.1 < found.duration_bits < math.log2(9)


def test_score_weighs_tunes_by_their_notes(lstm: LstmMelody, tunes: list[Tune]) -> None:
    one, other, both = (score(lstm, part) for part in (tunes[:1], tunes[1:2], tunes[:2]))
    mean = (one.interval_bits * one.intervals + other.interval_bits * other.intervals) / both.intervals
    assert both.interval_bits == pytest.approx(mean)


def test_score_starts_each_tune_afresh(lstm: LstmMelody, tunes: list[Tune]) -> None:
    assert score(lstm, [tunes[4], tunes[4]]).interval_bits == pytest.approx(
        score(lstm, [tunes[4]]).interval_bits)


def test_score_is_worse_on_a_melody_turned_upside_down(lstm: LstmMelody, tunes: list[Tune]) -> None:
    upright = tunes[:20]
    mirrored = [
        tune._replace(tones=tuple(tone._replace(pitch=134 - tone.pitch) for tone in tune.tones))
        for tune in upright]
    assert score(lstm, mirrored).interval_bits > score(lstm, upright).interval_bits + 0.5
