"""A population of simulated listeners: whom music calms, whom it does not reach, whom it irritates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

Kind = Literal["responder", "non-responder", "irritated"]
KINDS: tuple[Kind, ...] = ("responder", "non-responder", "irritated")

# How many of a hundred; chosen, because no study known to us gives these shares for music at a bedside.
SHARES: dict[Kind, float] = {"responder": 0.60, "non-responder": 0.20, "irritated": 0.20}
RESPONSIVENESS = (0.4, 1.6)  # 0.4 is Adiasto's g = 0.15, 1 is de Witte's d = 0.38; the upper end is chosen
IRRITATION = (1.0, 3.0)  # chosen: up to three times as strong as the calmest music is calming
PACE_BPM = (72.0, 8.0)  # chosen: mean and spread of resting hearts
PACE_RANGE_BPM = (58.0, 90.0)


class Listener(NamedTuple):
    """One simulated patient; `seed` decides the course that nothing heard can change."""

    seed: int
    kind: Kind
    responsiveness: float
    irritation: float
    pace_bpm: float


def draw_listeners(count: int, seed: int) -> list[Listener]:
    """Return a population in which every kind has its share, in an order that mixes the kinds.

    Args:
        count: at least 5, so that every kind is there.
        seed: repeats the population.

    Raises:
        ValueError: too few listeners to have every kind among them.
    """
    if count < 5:  # noqa: PLR2004 - a fifth is the smallest share
        raise ValueError(f"{count} listeners are too few to have every kind among them; ask for 5 or more")
    draw = np.random.default_rng([seed, 1])
    found = []
    for number, kind in enumerate(_kinds(count, draw)):
        pace_bpm = float(np.clip(draw.normal(*PACE_BPM), *PACE_RANGE_BPM))
        calms, irritates = draw.uniform(*RESPONSIVENESS), draw.uniform(*IRRITATION)
        found.append(Listener(
            seed=1_000_000 * seed + number, kind=kind, responsiveness=calms if kind == "responder" else 0.0,
            irritation=irritates if kind == "irritated" else 0.0, pace_bpm=pace_bpm))
    return found


def donors(count: int, seed: int) -> list[int]:
    """Return for each listener whose music they hear in the sham arm: always another's, each once."""
    ring = np.random.default_rng([seed, 2]).permutation(count)
    chosen = [0] * count
    for place, number in enumerate(ring):
        chosen[int(number)] = int(ring[place - 1])
    return chosen


def of_kind(listeners: Sequence[Listener], kind: Kind) -> list[int]:
    """Return the places of one kind in the population."""
    return [place for place, one in enumerate(listeners) if one.kind == kind]


def _kinds(count: int, draw: np.random.Generator) -> list[Kind]:
    """Return the kinds in mixed order; responders take what rounding leaves."""
    others = [kind for kind in KINDS[1:] for _ in range(round(count * SHARES[kind]))]
    kinds: list[Kind] = [*others, *([KINDS[0]] * (count - len(others)))]
    return [kinds[place] for place in draw.permutation(count)]
