"""The check that the fast sessions are no fantasy: the real chain from volts to music for a few people.

Samples of a simulated body at a simulated ADS1115, read by the real driver, the device's features, the
shipped model, the policy; the listener hears the targets. The same person also lives through the fast
session. Chance (start, rest, wandering, stressors) is the same in both, so their courses of arousal may
be laid over one another.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from device.control.policy import ControlPolicy
from device.evaluation.efficacy.arms import FloatArray, Music, follow, hear, heard
from device.evaluation.efficacy.listeners import Kind, Listener
from device.evaluation.people import DEFAULTS, MODEL
from device.evaluation.streams import features_of, through_converter
from device.stress.estimator import StressEstimator
from device.stress.model import StressModel
from drivers.sim.body import Heard
from drivers.sim.patient import SimulatedPatient


class ChainCourse(NamedTuple):
    """One person through the real chain and through the fast sessions, one value a second."""

    listener: Listener
    real: FloatArray  # arousal
    fast: FloatArray
    program: FloatArray  # arousal in the open loop
    silent: FloatArray
    level: FloatArray  # of the real estimate, NaN for unknown


class ChainFigures(msgspec.Struct, frozen=True, kw_only=True):
    """How near one another the two are, in units of arousal, and how well the real estimate follows."""

    kind: Kind
    largest_gap: float  # between real and fast at any moment
    real_minus_open: float  # of mean arousal
    fast_minus_open: float
    open_minus_silence: float
    level_correlation: float | None  # with arousal half a minute before; None without a known level


def through_chain(listener: Listener, program: Music, *, minutes: float, model: Path = MODEL) -> ChainCourse:
    """Let one listener live through the real chain.

    Args:
        listener: the same person in all courses.
        program: what the open loop plays, one entry a second.
        minutes: length of the session.
        model: the .tflite file with its card beside it.

    Raises:
        ModelError: the model cannot be used.
    """
    seconds = round(60 * minutes)
    body = SimulatedPatient(
        listener.seed, 0.0, responsiveness=listener.responsiveness, irritation=listener.irritation,
        pace_bpm=listener.pace_bpm)
    estimator, policy = StressEstimator(StressModel(model), DEFAULTS.estimator), ControlPolicy()
    real, level = [_arousal(body, 0.0)], [np.nan]
    for second, features in enumerate(features_of(through_converter(body, seconds)), start=1):
        stress = estimator.update(features)
        decision = policy.update(float(second), float(second), float(seconds), stress, features)
        real.append(_arousal(body, float(second)))
        level.append(np.nan if stress.level is None else stress.level)
        body.hear(float(second), heard(decision.target))
    silence: list[Heard | None] = [None] * seconds
    return ChainCourse(listener, np.array(real), follow(listener, seconds)[0], hear(listener, program),
                       hear(listener, silence), np.array(level))


def chain_figures(course: ChainCourse, lag_s: int = 30) -> ChainFigures:
    """Compare the two courses of one person.

    Args:
        course: of one person.
        lag_s: by which the estimate is taken to be late.
    """
    level, before = course.level[lag_s:], course.real[: course.level.size - lag_s]
    known = np.isfinite(level)
    enough = known.sum() > lag_s and np.ptp(level[known]) > 0.0
    return ChainFigures(
        kind=course.listener.kind, largest_gap=float(np.abs(course.real - course.fast).max()),
        real_minus_open=float((course.real - course.program).mean()),
        fast_minus_open=float((course.fast - course.program).mean()),
        open_minus_silence=float((course.program - course.silent).mean()),
        level_correlation=float(np.corrcoef(level[known], before[known])[0, 1]) if enough else None)


def pick(listeners: Sequence[Listener], count: int, kinds: Sequence[Kind] = ("responder", "irritated"),
         ) -> list[Listener]:
    """Return the first few listeners of each of these kinds, in turn, `count` in all at most."""
    each = [[one for one in listeners if one.kind == kind] for kind in kinds]
    turns = [one for turn in zip(*each, strict=False) for one in turn]
    return turns[:count]


def _arousal(body: SimulatedPatient, at_s: float) -> float:
    """Return what the body knows of its arousal."""
    arousal = body.truth(at_s).arousal
    if arousal is None:
        raise ValueError(f"the simulated patient has not arrived at {at_s} s; ask from 0 s on")
    return arousal
