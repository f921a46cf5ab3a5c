"""What comes again is counted; what is in the corpus is found, whatever its key."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from device.desk.listening.novelty import Corpus, chance_reuse, motif_reuse, repeated_windows
from device.music.memory import KnownRuns, run_codes

TUNE = [60, 62, 64, 65, 67, 69, 67, 65, 64, 62, 60, 64, 67, 72]
OTHER = [72, 70, 67, 63, 60, 61, 60, 58, 60, 55, 59, 66, 61]


def steps(pitches: list[int]) -> list[int]:
    return [after - before for before, after in pairwise(pitches)]


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return Corpus(run_codes(steps(TUNE)))


def bars_with(count: int, seed: int = 1) -> list[tuple[tuple[int, float], ...]]:
    rng = np.random.default_rng(seed)
    return [tuple((int(pitch), float(at)) for at, pitch in enumerate(rng.integers(55, 80, 3)))
            for _ in range(count)]


def test_novelty_no_window_returns_in_new_music():
    assert repeated_windows(bars_with(100)) == 0


def test_novelty_eight_bars_that_return_are_counted():
    bars = bars_with(40)
    assert repeated_windows(bars + bars[10:18]) == 1
    assert repeated_windows(bars + bars[10:20]) == 3
    assert repeated_windows(bars + bars[10:17]) == 0


def test_novelty_silence_is_no_repetition():
    assert repeated_windows([()] * 40) == 0
    assert repeated_windows([*bars_with(1), *[()] * 7] * 2) == 1


def test_novelty_a_bar_shifted_by_an_octave_or_a_beat_is_another():
    bars = bars_with(8)
    up = [tuple((pitch + 12, beat) for pitch, beat in bar) for bar in bars]
    late = [tuple((pitch, beat + 0.5) for pitch, beat in bar) for bar in bars]
    assert repeated_windows(bars + bars_with(1, 2) + up + bars_with(1, 3) + late) == 0


@pytest.mark.parametrize("notes", [2, 5, 8, 11, 12])
def test_novelty_longest_match_is_counted_in_notes(corpus, notes):
    melody = [50, 99, *(pitch + 3 for pitch in TUNE[1:1 + notes]), 99, 50]
    assert corpus.longest_match(steps(melody)) == notes


def test_novelty_a_longer_match_counts_as_twelve(corpus):
    assert corpus.longest_match(steps(TUNE)) == 12
    assert corpus.longest_match([]) == 0
    assert corpus.longest_match([11, -11]) == 0


def test_novelty_agrees_with_the_device_s_own_memory(models_dir):
    path = models_dir / "melody" / "known_runs.npy"
    corpus, known = Corpus.read(path), KnownRuns.read(path, path.read_bytes())
    rng = np.random.default_rng(3)
    for _ in range(300):
        melody = rng.choice([-4, -2, -2, -1, 0, 1, 2, 2, 4], 60).tolist()
        assert (corpus.longest_match(melody) == 12) == known.contain(melody)


def test_novelty_reads_what_training_wrote(tmp_path: Path):
    np.save(tmp_path / "runs.npy", np.array(run_codes(steps(OTHER)), np.int64))
    assert Corpus.read(tmp_path / "runs.npy").longest_match(steps(OTHER)) == 12


def test_novelty_motif_reuse_is_a_share():
    motif = [2, 2, -1, -2, 3, -4]
    assert motif_reuse(motif) == 0.0
    assert motif_reuse(motif * 10) == pytest.approx(49 / 55)
    assert motif_reuse([1, 2]) == 0.0


def test_novelty_reuse_beyond_chance_is_form():
    rng = np.random.default_rng(5)
    motif = rng.integers(-5, 6, 7).tolist()
    melody = [step for turn in range(30) for step in [*motif, *rng.integers(-5, 6, 7).tolist()]]
    assert motif_reuse(melody) > 0.1
    assert chance_reuse(melody) < 0.02
