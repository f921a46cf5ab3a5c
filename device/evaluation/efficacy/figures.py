"""Figures of each session, their means over people with intervals, and the gates.

Every figure is of one person in one arm, every difference is between two arms of the same person, and
the intervals are a bootstrap over people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from device.evaluation.efficacy.arms import ARMS, Arm, Check, FloatArray, Sessions
from device.evaluation.efficacy.listeners import KINDS, of_kind
from device.evaluation.metrics import mean_interval
from drivers.sim.arousal import PERSON_SD

CALM = 0.53  # half way from the mean arrival (0.70) to the mean rest (0.36)
CALM_FOR_S = 60
# d = 0.15, the effect of music on recovery from stress that Adiasto et al. (2022) could not tell from
# none, times the spread between people: less than that is no difference worth a name.
NOTICED = 0.15 * PERSON_SD
OVERALL_WORSE = 0.05 * PERSON_SD  # for the mean over the irritated; chosen, a third of the above
COMPARED: tuple[Arm, ...] = ("open", "sham", "silence")
BOOTSTRAP_SEED = 1


class Value(msgspec.Struct, frozen=True):
    """A mean over people and its 95 % interval, None for fewer than two people."""

    mean: float
    interval_95: tuple[float, float] | None


class ArmFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One arm of a group: minutes to calm, area under arousal (minutes), shares calmed and harmed."""

    time_to_calm_min: Value
    area_min: Value
    calmed: Value
    harmed: Value


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """A group of people; `closed_minus` and `checks_minus_open` are paired differences."""

    people: int
    arms: dict[str, ArmFigures]
    closed_minus: dict[str, ArmFigures]
    checks_minus_open: dict[str, Value]  # of mean arousal


class Gate(msgspec.Struct, frozen=True, kw_only=True):
    """A bound and what was found; passed if not above."""

    name: str
    found: float
    bound: float

    @property
    def passed(self) -> bool:
        """Tell whether the bound is kept."""
        return self.found <= self.bound


class Person(msgspec.Struct, frozen=True):
    """The four figures of one person in one arm, as floats."""

    time_to_calm_min: float
    area_min: float
    calmed: float
    harmed: float


def time_to_calm(arousal: FloatArray) -> float | None:
    """Return when the first minute below `CALM` begins, in seconds; None if there is none.

    Args:
        arousal: one value a second.
    """
    below = arousal < CALM
    runs = np.convolve(below, np.ones(CALM_FOR_S), "valid") > CALM_FOR_S - 0.5
    return float(np.argmax(runs)) if runs.any() else None


def figures_of(arousal: FloatArray, silent: FloatArray) -> Person:
    """Return the figures of one session.

    Who does not calm down counts with the length of the session. Harmed is whose mean arousal is above
    the same person's in silence by more than `NOTICED`.

    Args:
        arousal: of this person in one arm, one value a second.
        silent: of the same person in silence.
    """
    minutes = (arousal.size - 1) / 60.0
    calm_s = time_to_calm(arousal)
    return Person(
        time_to_calm_min=minutes if calm_s is None else calm_s / 60.0,
        area_min=float(arousal.mean()) * minutes, calmed=float(calm_s is not None),
        harmed=float(arousal.mean() - silent.mean() > NOTICED))


def groups_of(sessions: Sessions) -> dict[str, Group]:
    """Return the figures of everybody and of each kind."""
    silence = sessions.arousal["silence"]
    people: dict[Arm, list[Person]] = {
        arm: [figures_of(*pair) for pair in zip(sessions.arousal[arm], silence, strict=True)] for arm in ARMS
    }
    places = {"everybody": list(range(len(sessions.listeners)))}
    places |= {kind: of_kind(sessions.listeners, kind) for kind in KINDS}
    return {name: _group(sessions, people, among) for name, among in places.items()}


def gates_of(sessions: Sessions) -> list[Gate]:
    """Return what the loop must keep on those whom music irritates, in units of arousal (0 to 1)."""
    irritated = of_kind(sessions.listeners, "irritated")
    program = sessions.arousal["open"][irritated].mean(axis=1)
    worse = sessions.arousal["closed"][irritated].mean(axis=1) - program
    stuck = sessions.checks["stuck"][irritated].mean(axis=1) - program
    interval = value(worse.tolist()).interval_95
    return [
        Gate(name="irritated: most that the loop is above the open loop, worst person",
             found=float(worse.max()), bound=NOTICED),
        Gate(name="irritated: loop above the open loop, upper end of the mean's interval",
             found=float(worse.mean()) if interval is None else interval[1], bound=OVERALL_WORSE),
        Gate(name="irritated: estimate stuck at full stress above the open loop, worst person",
             found=float(stuck.max()), bound=NOTICED),
    ]


def value(each: Sequence[float]) -> Value:
    """Return the mean of one number of each person, with its interval."""
    return Value(float(np.mean(each)), mean_interval(each, BOOTSTRAP_SEED))


def _group(sessions: Sessions, people: Mapping[Arm, Sequence[Person]], among: Sequence[int]) -> Group:
    """Return the figures of the people at these places."""
    chosen = {arm: [people[arm][place] for place in among] for arm in ARMS}
    return Group(
        people=len(among), arms={arm: _mean(chosen[arm]) for arm in ARMS},
        closed_minus={arm: _mean(_less(chosen["closed"], chosen[arm])) for arm in COMPARED},
        checks_minus_open={name: _above(sessions, name, among) for name in sessions.checks})


def _above(sessions: Sessions, check: Check, among: Sequence[int]) -> Value:
    """Return how far mean arousal in one of the checks is above the open loop's."""
    chosen = list(among)
    return value((sessions.checks[check] - sessions.arousal["open"])[chosen].mean(axis=1).tolist())


def _less(first: Sequence[Person], second: Sequence[Person]) -> list[Person]:
    """Return the differences of the same people between two arms."""
    pairs = zip(first, second, strict=True)
    return [Person(*np.subtract(msgspec.structs.astuple(one), msgspec.structs.astuple(other)).tolist())
            for one, other in pairs]


def _mean(people: Sequence[Person]) -> ArmFigures:
    """Return means with intervals."""
    return ArmFigures(**{name: value([getattr(one, name) for one in people])
                         for name in Person.__struct_fields__})
