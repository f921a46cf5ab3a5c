"""Both streams of a ward in the hands of somebody who wants to know whose an outcome is.

The streams are those of the real telemetry service of every unit, on manual clocks. `make bench-linkage`
runs 40 units for 30 days; here a small ward shows that the pieces hold.
"""

from __future__ import annotations

import json
import os
import random
import tempfile
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from support.linkage import BOUND, BOUND_ALIKE, Evidence, balance, bold, by_time, crowd, judge, learn
from support.ward import DAY_S, MEMORY, MONDAY_S, Arrival, Played, SimUnit, schedule

from device.messages import Rating

UNITS, DAYS = (int(number) for number in os.environ.get("LINKAGE_WARD", "4x2").split("x"))
LEAST_S, MOST_S = (float(number) * DAY_S for number in os.environ.get("LINKAGE_WAIT_DAYS", "1-2").split("-"))
HEARTBEAT_S = 600.0
ENOUGH = 1000  # outcomes below which an advantage is mostly luck
LEVELS = ("low", "medium", "high", "unknown")

pytestmark = pytest.mark.timeout(7200)


RATINGS = (None, *(rating.value for rating in Rating))


def category_of(outcome: dict) -> int:
    """Return a number for all that an outcome says."""
    levels = 4 * LEVELS.index(outcome["stress_first_third"]) + LEVELS.index(outcome["stress_last_third"])
    return 16 * RATINGS.index(outcome["rating"]) + levels


class Ward(NamedTuple):
    """What happened, and what the broker got."""

    arrivals: list[Arrival]
    sessions: list[tuple[int, int, Played]]  # unit, stay
    session_of: dict[str, int]  # by outcome id: the truth
    cuts: list[tuple[int, float, float]]  # unit, from, until
    numbers: list[tuple[int, int]]  # fleet letters expected and got, by unit
    waiting: set[str]  # outcomes that waited anew after a cut cable, and wait still


def live(folder: Path, unit: int, ward: Ward) -> None:
    """Let one unit live through its days, with its cable out now and then, and add it to the ward."""
    rng = random.Random(500 + unit)
    one = SimUnit(folder, f"bed-{unit}", unit, heartbeat_s=HEARTBEAT_S, outcome_delay_min_s=LEAST_S,
                  outcome_delay_max_s=MOST_S)
    stay, last_s = max((row[1] for row in ward.sessions), default=-1) + 1, None
    places: dict[Played, int] = {}
    for played in schedule(random.Random(7_000 + unit), DAYS):
        if rng.random() < 0.2:
            one.idle_until(played.start_s - rng.uniform(2_000.0, 40_000.0))
            began_s = one.now_s()
            one.cut(rng.uniform(60.0, 1_500.0))
            ward.cuts.append((unit, began_s, one.now_s()))
        one.play(played)
        stay += last_s is not None and played.start_s - last_s > DAY_S
        last_s = played.start_s
        places[played] = len(ward.sessions)
        ward.sessions.append((unit, stay, played))
    one.idle_until(DAYS * DAY_S + MOST_S + DAY_S)
    ward.waiting.update(one.waiting())
    one.close()
    ward.session_of.update({name: places[played] for name, played in one.sessions.items()})
    ward.arrivals.extend(one.broker.arrivals)
    states = {a.payload["number"] for a in one.broker.arrivals if "number" in a.payload}
    ward.numbers.append((max(states), len(states)))


@pytest.fixture(scope="module")
def ward():
    found = Ward([], [], {}, [], [], set())
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        for unit in range(UNITS):
            live(Path(folder), unit, found)
    return found


@pytest.fixture(scope="module")
def outcomes(ward):
    return sorted((a for a in ward.arrivals if "/outcomes/" in a.topic), key=lambda a: a.wall_s)


@pytest.fixture(scope="module")
def evidence(ward, outcomes):
    unit, stay = (np.array([row[place] for row in ward.sessions]) for place in (0, 1))
    end_s = np.array([row[2].start_s + row[2].seconds for row in ward.sessions])
    arrived_s = np.array([a.wall_s - MONDAY_S for a in outcomes])
    category = np.array([category_of(a.payload) for a in outcomes])
    long_enough = np.array([row[2].seconds >= 300 and row[2].contact > 0.84 for row in ward.sessions])
    possible = long_enough[:, None] == (category % 16 < 15)[None, :]
    possible &= (np.array([row[2].seconds >= 300 for row in ward.sessions])[:, None]
                 | (category < 16)[None, :])  # nobody rates a session too short for levels
    for down, from_s, until_s in ward.cuts:
        possible[np.ix_(unit == down, (arrived_s > from_s) & (arrived_s < until_s))] = False
    return Evidence(unit, stay, end_s, arrived_s, category, possible)


def test_linkage_every_session_gives_one_outcome_that_arrives_once(ward, outcomes):
    """A repetition would tell: it comes after a reconnection, and the fleet stream says whose that was."""
    counts = Counter(a.payload["id"] for a in outcomes)
    assert set(counts) | ward.waiting == set(ward.session_of)
    assert not set(counts) & ward.waiting
    assert len(ward.session_of) == len(ward.sessions)
    assert len(ward.waiting) <= 0.01 * len(ward.sessions) + 1
    assert set(counts.values()) == {1}


def test_linkage_no_letter_of_the_fleet_stream_is_missing(ward):
    assert all(highest == got for highest, got in ward.numbers)


def test_linkage_streams_share_no_value(ward, outcomes):
    fleet = {str(value) for a in ward.arrivals if "/fleet/" in a.topic
             for key, value in a.payload.items() if key in {"id", "epoch", "unit"}} | {
                 a.client for a in ward.arrivals if "/fleet/" in a.topic}
    told = {a.payload["id"] for a in outcomes} | {a.client for a in outcomes}
    assert not fleet & told
    assert len({a.client for a in outcomes}) == len(outcomes), "each under a name of its own"


def test_linkage_outcomes_come_in_batches_that_all_units_share(outcomes):
    minutes = [a.wall_s % 3600.0 / 60.0 for a in outcomes]
    assert max(minutes) <= 10.0


def test_linkage_truth_is_within_what_the_adversary_supposes(ward, outcomes, evidence):
    weights = by_time(evidence, LEAST_S, MOST_S)
    truth = [ward.session_of[a.payload["id"]] for a in outcomes]
    unlikely = sum(weights[session, place] <= 0.0 for place, session in enumerate(truth))
    assert unlikely <= 0.05 * len(truth), "those that waited anew after a cut cable"


def test_linkage_no_attack_names_units_better_than_chance_by_more_than_the_bound(ward, outcomes, evidence):
    truth = np.array([ward.session_of[a.payload["id"]] for a in outcomes])
    weights = by_time(evidence, LEAST_S, MOST_S) + 1e-9 * evidence.possible
    attacks = {"arrival": weights, "pairing": balance(weights), "learning": learn(evidence, weights, 3)}
    told = evidence.category % 16 < 15
    report = {
        name: {"all": judge(evidence, pairing, truth)._asdict(),
               "with levels": judge(evidence, pairing, truth, told)._asdict(),
               "advantage": judge(evidence, pairing, truth).advantage,
               "advantage with levels": judge(evidence, pairing, truth, told).advantage,
               "believed beyond 20 %": bold(evidence, pairing, 0.2),
               "believed beyond 50 %": bold(evidence, pairing, 0.5)}
        for name, pairing in attacks.items()}
    report["ward"] = {"units": UNITS, "days": DAYS, "wait_days": [LEAST_S / DAY_S, MOST_S / DAY_S],
                      "cuts": len(ward.cuts), "crowd": crowd(evidence, weights)}
    if path := os.environ.get("LINKAGE_OUT"):
        Path(path).write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    if len(outcomes) >= ENOUGH and MOST_S >= 14 * DAY_S:
        assert max(report[name]["advantage"] for name in attacks) <= BOUND
        assert max(report[name]["advantage with levels"] for name in attacks) <= BOUND
        assert max(report[name]["all"]["alike"] for name in attacks) <= BOUND_ALIKE
