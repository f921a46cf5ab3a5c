"""What comes again: windows of eight bars, six-interval patterns, runs of the training corpus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from pathlib import Path

import numpy as np

from device.desk.listening.line import Bar
from device.music.memory import RUN_INTERVALS
from device.music.tokens import INTERVALS, interval_class

WINDOW_BARS = 8  # NUMBERS of the design: no identical 8-bar window within a session
PATTERN = 6  # intervals, as the corpus's own README compares tunes


def repeated_windows(bars: Sequence[Bar]) -> int:
    """Return how many windows of 8 bars were heard before; one without any note does not count."""
    windows = [tuple(bars[start:start + WINDOW_BARS]) for start in range(len(bars) - WINDOW_BARS + 1)]
    return _again([window for window in windows if any(window)])


def motif_reuse(intervals: Sequence[int]) -> float:
    """Return the share 0 to 1 of six-interval patterns that came before in the session; 0 of none."""
    patterns = [tuple(intervals[start:start + PATTERN]) for start in range(len(intervals) - PATTERN + 1)]
    return _again(patterns) / len(patterns) if patterns else 0.0


def chance_reuse(intervals: Sequence[int], seed: int = 1) -> float:
    """Return the motif reuse of the same intervals in a random order: what comes again by chance."""
    shuffled = np.random.default_rng(seed).permutation(np.asarray(intervals, int))
    return motif_reuse(shuffled.tolist())


class Corpus:
    """Every run of up to 11 intervals of the tunes the melody model learned from.

    Args:
        codes: of its runs of 11 intervals, as the model's `known_runs.npy` holds them; a tune of
            fewer than 12 notes is not in it.
    """

    def __init__(self, codes: Sequence[int]) -> None:
        self._runs: set[tuple[int, ...]] = set()
        for code in codes:
            run = _digits(int(code))
            self._runs.update(
                run[start:end] for start in range(len(run)) for end in range(start + 1, len(run) + 1))

    @classmethod
    def read(cls, path: Path) -> Corpus:
        """Read `known_runs.npy`.

        Raises:
            OSError: it is absent.
        """
        return cls(np.load(path, allow_pickle=False).tolist())

    def longest_match(self, intervals: Sequence[int]) -> int:
        """Return how many consecutive notes of a melody are in the corpus, any key; 12 stands for more."""
        classes = [interval_class(interval) for interval in intervals]
        longest, start = 0, 0
        for end in range(1, len(classes) + 1):
            start = max(start, end - RUN_INTERVALS)
            while start < end and tuple(classes[start:end]) not in self._runs:
                start += 1
            longest = max(longest, end - start)
        return longest + 1 if longest else 0


def _digits(code: int) -> tuple[int, ...]:
    """Return the interval classes of a run: the digits of its number in base 27."""
    digits = []
    for _ in range(RUN_INTERVALS):
        code, digit = divmod(code, INTERVALS)
        digits.append(digit)
    return tuple(reversed(digits))


def _again(things: Sequence[Hashable]) -> int:
    """Return how many of a row were in it before."""
    return sum(count - 1 for count in Counter(things).values())
