"""What plain counting predicts: n-grams under interpolated Kneser-Ney smoothing.

A network has to beat these to be worth its weights. Source of the smoothing: Chen and Goodman, "An
empirical study of smoothing techniques for language modeling", 1999, section 2.7, one discount.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from device.evaluation.abc import Tune
from device.music.tokens import (
    DURATIONS_BEATS,
    HEIGHTS,
    INTERVALS,
    duration_class,
    height_class,
    interval_class,
)
from models.melody.training.corpus import intervals

_START = -1
_Context = tuple[Hashable, ...]


class KneserNey:
    """An n-gram model over classes 0 to `classes` - 1, trained on rows of classes."""

    def __init__(self, order: int, classes: int, rows: Sequence[Sequence[int]]) -> None:
        self._order, self._classes = order, classes
        self._counts: list[dict[_Context, Counter[int]]] = [defaultdict(Counter) for _ in range(order)]
        seen: list[set[tuple[Hashable, ...]]] = [set() for _ in range(order)]
        for row in rows:
            padded = (_START,) * (order - 1) + tuple(row)
            for index in range(order - 1, len(padded)):
                self._count(padded[index - order + 1 : index + 1], seen)
        self._discounts = [_discount(counts) for counts in self._counts]

    def _count(self, gram: tuple[int, ...], seen: list[set[tuple[Hashable, ...]]]) -> None:
        """Count the full gram; count a shorter one once for each distinct class before it."""
        for length in range(self._order - 1, -1, -1):
            context, symbol = gram[len(gram) - 1 - length : -1], gram[-1]
            self._counts[length][context][symbol] += 1
            if gram[len(gram) - 1 - length :] in seen[length]:
                return
            seen[length].add(gram[len(gram) - 1 - length :])

    def probabilities(self, history: Sequence[int]) -> NDArray[np.float64]:
        """Return the probability of each class after a history (oldest first)."""
        padded = (_START,) * (self._order - 1) + tuple(history)
        result = np.full(self._classes, 1.0 / self._classes)
        for length in range(self._order):
            counts = self._counts[length].get(padded[len(padded) - length :])
            if counts is None:
                break
            total, discount = sum(counts.values()), self._discounts[length]
            found = np.zeros(self._classes)
            for symbol, count in counts.items():
                found[symbol] = max(count - discount, 0.0) / total
            result = found + discount * len(counts) / total * result
        return result


def bits(chances: Sequence[float]) -> float:
    """Return the mean bits of the probabilities that were given to what came."""
    return float(-np.log2(np.maximum(chances, 1e-12)).mean())


def interval_chances(order: int, train: list[Tune], test: list[Tune]) -> list[float]:
    """Return the probability of each interval of the test tunes under an n-gram over interval classes."""
    model = KneserNey(order, INTERVALS, [intervals(tune) for tune in train])
    return [
        float(model.probabilities(row[:index])[row[index]])
        for row in map(intervals, test) for index in range(len(row))]


def height_chances(order: int, train: list[Tune], test: list[Tune]) -> list[float]:
    """Return the probability of each interval class under an n-gram over key-relative pitches."""
    model = KneserNey(order, HEIGHTS, [_heights(tune) for tune in train])
    found = []
    for tune in test:
        row = _heights(tune)
        for index, answer in enumerate(intervals(tune), start=1):
            chances = model.probabilities(row[:index])
            classes = [interval_class(height - row[index - 1]) for height in range(HEIGHTS)]
            fitting = [float(chances[height]) for height in range(HEIGHTS) if classes[height] == answer]
            found.append(sum(fitting))
    return found


def mixed(one: Sequence[float], other: Sequence[float]) -> list[float]:
    """Return the probabilities of two models mixed in equal parts."""
    return [(first + second) / 2 for first, second in zip(one, other, strict=True)]


def duration_chances(order: int, train: list[Tune], test: list[Tune]) -> list[float]:
    """Return the probability of each duration under an n-gram, the first duration of a tune given."""
    model = KneserNey(order, len(DURATIONS_BEATS), [_durations(tune) for tune in train])
    return [
        float(model.probabilities(row[:index])[row[index]])
        for row in map(_durations, test) for index in range(1, len(row))]


def _heights(tune: Tune) -> list[int]:
    """Return key-relative pitch classes 0 to 36 of a tune."""
    return [height_class(tone.pitch, tune.tonic) for tone in tune.tones]


def _durations(tune: Tune) -> list[int]:
    """Return the duration classes of a tune."""
    return [duration_class(tone.beats) for tone in tune.tones]


def _discount(counts: dict[_Context, Counter[int]]) -> float:
    """Return n1 / (n1 + 2 n2) of one order (Ney, Essen and Kneser 1994), 0.5 where nothing was counted."""
    once = sum(count == 1 for row in counts.values() for count in row.values())
    twice = sum(count == 2 for row in counts.values() for count in row.values())  # noqa: PLR2004 - twice
    return once / (once + 2 * twice) if once else 0.5
