"""The self-similarity of a session that repeats itself, and of one that does not."""

from __future__ import annotations

import numpy as np
import pytest

from device.desk.listening.similarity import coherence, self_similarity


def melody(seed: int, octave: int = 60) -> list[int]:
    return (octave + np.random.default_rng(seed).integers(0, 12, 16)).tolist()


def test_similarity_of_each_bar_with_itself_is_whole(phrase_of):
    matrix = self_similarity([phrase_of(number, melody(number)) for number in range(4)])
    assert matrix.shape == (16, 16)
    assert np.diag(matrix) == pytest.approx(np.ones(16))
    assert matrix == pytest.approx(matrix.T)


def test_similarity_sees_what_returns(phrase_of):
    matrix = self_similarity([phrase_of(0, melody(1)), phrase_of(1, melody(2)), phrase_of(2, melody(1))])
    assert np.diag(matrix, 8)[:4] == pytest.approx(np.ones(4))
    assert np.diag(matrix, 4).max() < 0.99


def test_similarity_of_bars_without_notes_is_none(phrase_of):
    matrix = self_similarity([phrase_of(0, [60])])
    assert matrix[0, 0] == pytest.approx(1.0)
    assert not matrix[1:, 1:].any()
    assert self_similarity([]).shape == (0, 0)


def test_similarity_coherence_of_sections(phrase_of):
    sections = [phrase_of(number, melody(number // 8, 60 + number // 8)) for number in range(24)]
    mixed = [phrase_of(number, melody(number)) for number in range(24)]
    assert coherence(self_similarity(sections)) > 0.06
    assert abs(coherence(self_similarity(mixed))) < 0.03
    assert coherence(np.ones((8, 8))) == 0.0
