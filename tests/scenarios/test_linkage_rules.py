"""What each rule against linkage is worth: the attack on outcomes that follow other rules than the device's.

Arrivals are drawn by the rules here, not by the device's code, which knows only its own rules; that is
attacked in test_linkage.py. `make bench-linkage` does this for 40 units and 30 days as well.
"""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import numpy as np
import pytest
from support.linkage import Evidence, balance, by_time, judge, learn
from support.ward import DAY_S, Played, schedule

UNITS, DAYS = (int(number) for number in os.environ.get("LINKAGE_WARD", "16x8").split("x"))
HOUR_S = 3600.0
LEVELS = {"low": 0, "medium": 1, "high": 2}
RULES = {  # least and most wait, and whether an outcome holds minutes and how the session ended
    "1 to 6 hours, minutes and end": (HOUR_S, 6 * HOUR_S, True),
    "1 to 6 hours": (HOUR_S, 6 * HOUR_S, False),
    "1 to 7 days, minutes and end": (DAY_S, 7 * DAY_S, True),
    "1 to 7 days": (DAY_S, 7 * DAY_S, False),
    "1 to 14 days": (DAY_S, 14 * DAY_S, False),
    "1 to 28 days": (DAY_S, 28 * DAY_S, False),
}

pytestmark = pytest.mark.timeout(3600)


def told(played: Played) -> int:
    """Return a number for the levels of an outcome, 9 where it has none."""
    if played.seconds < 300 or played.contact < 0.84:
        return 9
    return 3 * LEVELS[played.first] + LEVELS[played.last]


def shown(played: Played) -> int:
    """Return a number for minutes, to five, and for how the session ended: the fleet stream shows both."""
    return 2 * round(played.seconds / 300.0) + (played.seconds < played.program_s)


@pytest.fixture(scope="module")
def sessions():
    found, stay = [], 0
    for unit in range(UNITS):
        last_s = -9.9 * DAY_S
        for played in schedule(random.Random(7_000 + unit), DAYS):
            stay += played.start_s - last_s > DAY_S
            last_s = played.start_s
            found.append((unit, stay, played))
    return found


def advantage(sessions, least_s: float, most_s: float, fields: bool) -> tuple[float, float]:
    """Return how far beyond chance the best of three attacks names units: by outcome, and by unit alike."""
    rng = np.random.default_rng(1)
    unit, stay = (np.array([row[place] for row in sessions]) for place in (0, 1))
    end_s = np.array([row[2].start_s + row[2].seconds for row in sessions])
    batch_s = rng.uniform(0.0, 4_200.0, end_s.size) * (most_s >= DAY_S)
    category = np.array([told(row[2]) for row in sessions])
    possible = (category == 9)[:, None] == (category == 9)[None, :]
    if fields:
        seen = np.array([shown(row[2]) for row in sessions])
        possible &= seen[:, None] == seen[None, :]
    arrived_s = end_s + rng.uniform(least_s, most_s, end_s.size) + batch_s
    evidence = Evidence(unit, stay, end_s, arrived_s, category, possible)
    weights = by_time(evidence, least_s, most_s)
    truth = np.arange(end_s.size)
    judged = [judge(evidence, pairing, truth)
              for pairing in (weights, balance(weights), learn(evidence, weights, 3))]
    return max(one.advantage for one in judged), max(one.alike for one in judged)


def test_linkage_rules_each_is_worth_its_price(sessions):
    both = {name: advantage(sessions, *rule) for name, rule in RULES.items()}
    found = {name: by_outcome for name, (by_outcome, _) in both.items()}
    if path := os.environ.get("LINKAGE_RULES_OUT"):
        busiest = np.bincount([row[0] for row in sessions]).max()
        report = both | {"sessions": len(sessions), "chance": busiest / len(sessions)}
        Path(path).write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    assert found["1 to 6 hours, minutes and end"] > 0.3
    assert found["1 to 6 hours"] > found["1 to 7 days"]
    assert found["1 to 7 days, minutes and end"] > found["1 to 7 days"] + 0.05
    assert found["1 to 14 days"] < 0.06
