"""Segments begin every two bars of sounding music; their trend and measures are what one would say."""

from __future__ import annotations

import numpy as np
import pytest

from device.evaluation.abc import Tune
from device.music.tokens import Place, Tone
from models.melody.training.segments import DOWN, LEVEL, UP, ranks, segments, tension, trend


def line(*pitches: int, beats: float = 1.0, begins: float = 0.0) -> tuple[Tone, ...]:
    """Return tones of equal length."""
    return tuple(Tone(pitch, begins + index * beats, beats) for index, pitch in enumerate(pitches))


def tune(tones: tuple[Tone, ...], bar_beats: float = 4.0, tonic: int = 0) -> Tune:
    places = tuple(Place(tone.start_beat % bar_beats, int(tone.start_beat // bar_beats), 0) for tone in tones)
    return Tune("a", tones, places, places, tonic, False, bar_beats)


@pytest.mark.parametrize(("bar_beats", "edges"), [
    (4.0, [0, 8, 16]), (3.0, [0, 6, 12, 18]), (2.0, [0, 4, 8, 12, 16])])
def test_segments_are_two_bars(bar_beats: float, edges: list[int]) -> None:
    found = segments(tune(line(*[60] * 20), bar_beats))
    assert [part.first for part in found] == edges
    assert [part.end for part in found] == [*edges[1:], 20]


def test_segments_count_from_an_upbeat() -> None:
    assert [part.first for part in segments(tune(line(*[60] * 20, begins=3.0)))] == [0, 8, 16]


def test_segments_skip_where_nothing_begins() -> None:
    tones = (Tone(60, 0.0, 1.0), Tone(62, 40.0, 1.0))
    assert [(part.first, part.end) for part in segments(tune(tones))] == [(0, 1), (1, 2)]


@pytest.mark.parametrize(("pitches", "expected"), [
    ((60, 62, 64, 65), UP), ((65, 64, 62, 60), DOWN), ((60, 64, 64, 60), LEVEL), ((60, 67), UP),
    ((60,), LEVEL)])
def test_trend_compares_the_halves(pitches: tuple[int, ...], expected: int) -> None:
    assert trend(line(*pitches)) == expected


def test_density_and_register_are_measured() -> None:
    part = segments(tune(line(60, 62, 64, 66, beats=0.5)))[0]
    assert part.density == pytest.approx(4 / 8)
    assert part.register == pytest.approx(63.0)


def test_tension_of_the_tonic_held_is_nothing() -> None:
    assert tension(line(67, 67, 79 - 12), (), 7) == 0.0


def test_tension_rises_with_instability_and_with_leaps() -> None:
    calm, chromatic = tension(line(60, 64, 60), (), 0), tension(line(61, 66, 61), (), 0)
    leaping = tension(line(60, 72, 60), (), 0)
    assert calm < chromatic
    assert leaping == pytest.approx(0.5)  # an octave each time, all on the tonic
    assert tension(line(60), line(67), 0) > tension(line(60), (), 0)


def test_ranks_are_shares_of_the_corpus(tunes: list[Tune]) -> None:
    corpus = [part for one in tunes for part in segments(one)]
    found = ranks(corpus, corpus)
    assert found.mean(axis=0) == pytest.approx([0.5, 0.5, 0.5], abs=0.01)
    assert found.min() >= 0.0
    assert found.max() <= 1.0
    densest = int(np.argmax([part.density for part in corpus]))
    assert found[densest, 0] > 0.99


def test_trends_of_the_corpus_all_occur_often(tunes: list[Tune]) -> None:
    counts = np.bincount([part.trend for one in tunes for part in segments(one)])
    assert counts.sum() == 2146
    assert counts / counts.sum() == pytest.approx([0.44, 0.27, 0.29], abs=0.02)
