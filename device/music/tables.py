"""Wave tables, computed when the patch is built, with the standard library: numpy would cost 16 MiB.

A table of one cycle can only hold harmonics. A table of many cycles loops just as cleanly and also holds
partials off the harmonics, and noise around a pitch: a stiff string, a bar or a breath in a single
oscillator. Every partial makes a whole number of turns per loop, so no loop ever clicks.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any, NamedTuple

SMALLEST = 8192  # points of a loop; with one cycle in it, interpolation is inaudible
PHASE_SEED = 17
NOISE_POINTS = 2**17  # 3 s at 44.1 kHz


class Partial(NamedTuple):
    """One partial: frequency relative to the fundamental, amplitude."""

    ratio: float
    amplitude: float


class Spectrum(NamedTuple):
    """What a table holds.

    `partials`; `cycles` of the fundamental in the loop (a power of two) and `points` per cycle;
    `spread`: half width of every partial as a share of its frequency (0 is a line, more is noise).
    """

    partials: tuple[Partial, ...]
    cycles: int = 1
    points: int = 256
    spread: float = 0.0


class Wave(NamedTuple):
    """A pyo table and how many cycles of the fundamental it holds."""

    table: Any
    cycles: int


def harmonic(amplitudes: Sequence[float]) -> tuple[Partial, ...]:
    """Return the harmonics 1, 2, 3 ... with these amplitudes."""
    return tuple(Partial(number, level) for number, level in enumerate(amplitudes, start=1))


def stretched(amplitudes: Sequence[float], stiffness: float, first: int = 1) -> tuple[Partial, ...]:
    """Return partials of a stiff string, n sqrt(1 + B n^2) (Fletcher 1964), relative to its first one.

    Args:
        amplitudes: of partial number `first` and of those above.
        stiffness: the coefficient B of inharmonicity.
        first: number of the first partial listed.
    """
    base = math.sqrt(1.0 + stiffness)
    return tuple(Partial(n * math.sqrt(1.0 + stiffness * n * n) / base, level)
                 for n, level in enumerate(amplitudes, start=first))


def loop(spectrum: Spectrum, seed: int = PHASE_SEED) -> list[float]:
    """Return one loop of a spectrum, peak 1, phases drawn from the seed, beginning at a zero crossing."""
    size = max(SMALLEST, spectrum.cycles * spectrum.points)
    dice = random.Random(seed)
    sine = [math.sin(2.0 * math.pi * i / size) for i in range(size)]
    total = [0.0] * size
    for turns, level in _turns(spectrum):
        line = _line(sine, turns, dice.randrange(size))
        total = [value + level * point for value, point in zip(total, line, strict=True)]
    return _prepared(total)


def _turns(spectrum: Spectrum) -> list[tuple[int, float]]:
    """Return turns per loop and amplitude of every line."""
    lines = []
    for partial in spectrum.partials:
        middle = round(spectrum.cycles * partial.ratio)
        reach = int(spectrum.spread * middle)
        lines += [(middle + off, partial.amplitude * math.cos(0.5 * math.pi * off / (reach + 1)))
                  for off in range(-reach, reach + 1)]
    return lines


def _line(sine: list[float], turns: int, start: int) -> list[float]:
    """Return `turns` cycles of a sine over the same length: its points, `turns` apart, round and round."""
    size = len(sine)
    points: list[float] = []
    while len(points) < size:
        passed = sine[start::turns]
        points += passed
        start = (start + len(passed) * turns) % size
    return points[:size]


def band_noise(low_hz: float, high_hz: float, rate_hz: float, size: int = NOISE_POINTS // 8,
               seed: int = PHASE_SEED) -> list[float]:
    """Return a loop of noise between two one-pole corners, peak 1.

    The filters run over the noise twice, so the end leads into the beginning.
    """
    dice = random.Random(seed)
    white = [dice.uniform(-1.0, 1.0) for _ in range(size)]
    open_share = 1.0 - math.exp(-2.0 * math.pi * high_hz / rate_hz)
    rumble_share = 1.0 - math.exp(-2.0 * math.pi * low_hz / rate_hz)
    smooth = smoother = rumble = 0.0
    points: list[float] = []
    for value in white + white:
        smooth += open_share * (value - smooth)
        smoother += open_share * (smooth - smoother)
        rumble += rumble_share * (smoother - rumble)
        points.append(smoother - rumble)
    return _prepared(points[size:])


def white_noise(size: int = NOISE_POINTS, seed: int = PHASE_SEED) -> list[float]:
    """Return a loop of white noise: a twentieth of the cost of a noise generator."""
    dice = random.Random(seed)
    return [dice.uniform(-1.0, 1.0) for _ in range(size)]


def _prepared(points: list[float]) -> list[float]:
    """Return a loop with its peak at 1, turned to where it is nearest to 0."""
    peak = max(map(abs, points))
    start = points.index(min(points, key=abs))
    return [value / peak for value in points[start:] + points[:start]]


def filled(pyo: Any, points: list[float], cycles: int = 1) -> Wave:  # noqa: ANN401 - pyo has no types
    """Return a pyo table of these points that holds so many cycles."""
    return Wave(pyo.DataTable(len(points), init=points), cycles)
