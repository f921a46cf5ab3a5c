"""Whoever holds both streams of a ward tries to say which unit an outcome is of.

The adversary is given more than the streams tell: the exact end of every session of every unit, and whether
it can have had levels at all (from contact and length). What it does not get is what it looks for.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BOUND = 0.03  # of outcomes named beyond chance, in a ward of 40 units and 30 days
BOUND_ALIKE = 0.05  # of the outcomes of a typical unit, beyond one in forty

BALANCED = 20  # rounds of scaling rows and columns; more change nothing
LEARNED, BALANCED_WITHIN = 12, 2  # rounds of learning, and of scaling in each


class Evidence(NamedTuple):
    """What is known of a ward: sessions in rows, outcomes in columns.

    `unit`, `stay` and `end_s` (simulated seconds) are of the sessions, `stay` numbers the stretches of use
    that a pause of a day divides; `arrived_s` and `category` are of the outcomes; `possible` says which
    session can have which outcome by content.
    """

    unit: Ints
    stay: Ints
    end_s: Floats
    arrived_s: Floats
    category: Ints
    possible: NDArray[np.bool_]


class Result(NamedTuple):
    """How often an attack named the right unit, and how often the best blind guess does."""

    hits: float
    chance: float
    low: float  # 95 % interval of the advantage
    high: float
    outcomes: int
    alike: float  # mean over units of how often their own outcomes are found, beyond one in so many units

    @property
    def advantage(self) -> float:
        """Share of outcomes named beyond chance."""
        return self.hits - self.chance


def by_time(evidence: Evidence, least_s: float, most_s: float) -> Floats:
    """Return the likelihood of every pair from the wait alone, which is drawn uniformly between two bounds.

    After the wait an outcome leaves with the next hourly batch, up to 70 minutes later; the simulation
    looks every five minutes.
    """
    wait_s = evidence.arrived_s[None, :] - evidence.end_s[:, None]
    late_s = 4_800.0
    rising = np.clip((wait_s - least_s + 300.0) / late_s, 0.0, 1.0)
    falling = np.clip((most_s + late_s - wait_s) / late_s, 0.0, 1.0)
    weights: Floats = np.minimum(rising, falling) * evidence.possible
    return weights


def balance(weights: Floats, rounds: int = BALANCED) -> Floats:
    """Return weights scaled so that each session has one outcome and the reverse (Sinkhorn)."""
    rows = np.ones(weights.shape[0])
    columns = np.ones(weights.shape[1])
    for _ in range(rounds):
        rows = 1.0 / np.maximum(weights @ columns, 1e-300)
        columns = 1.0 / np.maximum(rows @ weights, 1e-300)
    balanced: Floats = rows[:, None] * weights * columns[None, :]
    return balanced


def learn(evidence: Evidence, weights: Floats, seed: int) -> Floats:
    """Return the pairing after learning what outcomes each stay tends to have (expectation, maximisation).

    Outcomes of one patient resemble one another; an adversary may find the patient in the crowd of them.
    """
    rng = np.random.default_rng(seed)
    kinds = int(evidence.category.max()) + 1
    stays = int(evidence.stay.max()) + 1
    likely = rng.dirichlet(np.full(kinds, 5.0), size=stays)
    pairing = weights
    for _ in range(LEARNED):
        pairing = balance(weights * likely[evidence.stay][:, evidence.category], BALANCED_WITHIN)
        counts = np.full((stays, kinds), 0.1)
        for kind in range(kinds):
            np.add.at(counts[:, kind], evidence.stay, pairing[:, evidence.category == kind].sum(axis=1))
        likely = counts / counts.sum(axis=1, keepdims=True)
    return pairing


def judge(evidence: Evidence, pairing: Floats, truth: Ints, only: NDArray[np.bool_] | None = None) -> Result:
    """Compare the likeliest unit of each outcome with the truth.

    Chance is the best guess of somebody who sees the fleet stream and not the outcome: always the unit with
    the most sessions. The interval resamples units (one unit's outcomes hang together) 2,000 times.
    `alike` is of an adversary to whom all units matter alike and who takes no account of how busy they are.
    """
    chosen = np.ones(truth.size, dtype=bool) if only is None else only
    units = int(evidence.unit.max()) + 1
    by_unit = np.zeros((units, truth.size))
    np.add.at(by_unit, evidence.unit, pairing)
    owner = evidence.unit[truth]
    hit = (by_unit.argmax(axis=0) == owner).astype(float)[chosen]
    sums = np.bincount(owner[chosen], hit, minlength=units)
    sizes = np.bincount(owner[chosen], minlength=units).astype(float)
    draws = np.random.default_rng(1).integers(units, size=(2_000, units))
    all_of = np.maximum(sizes[draws].sum(axis=1), 1.0)
    low, high = np.quantile((sums[draws].sum(axis=1) - sizes[draws].max(axis=1)) / all_of, (0.025, 0.975))
    played = np.maximum(np.bincount(evidence.unit, minlength=units), 1)
    found = ((by_unit / played[:, None]).argmax(axis=0) == owner).astype(float)[chosen]
    recall = np.bincount(owner[chosen], found, minlength=units)[sizes > 0] / sizes[sizes > 0]
    return Result(float(hit.mean()), float(sizes.max() / sizes.sum()), float(low), float(high),
                  int(chosen.sum()), float(recall.mean() - 1.0 / units))


def bold(evidence: Evidence, pairing: Floats, share: float) -> float:
    """Return the share of outcomes for which one unit is believed with more than this probability."""
    by_unit = np.zeros((int(evidence.unit.max()) + 1, pairing.shape[1]))
    np.add.at(by_unit, evidence.unit, pairing)
    belief = by_unit.max(axis=0) / np.maximum(by_unit.sum(axis=0), 1e-300)
    return float((belief > share).mean())


def crowd(evidence: Evidence, weights: Floats) -> float:
    """Return among how many units a typical outcome hides: two to the mean entropy over units, in bits."""
    by_unit = np.zeros((int(evidence.unit.max()) + 1, weights.shape[1]))
    np.add.at(by_unit, evidence.unit, weights)
    share = by_unit / np.maximum(by_unit.sum(axis=0, keepdims=True), 1e-300)
    entropy = -(share * np.log2(np.maximum(share, 1e-300))).sum(axis=0)
    return math.pow(2.0, float(entropy.mean()))
