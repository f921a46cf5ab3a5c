"""A step of skin conductance changes the musical target within 10 s; sign and size are logged (W19)."""

from __future__ import annotations

import logging
import math
import random

import numpy as np
import pytest

from device.desk.figures import measure
from device.desk.traces import Traces
from device.messages import Reason, Stress, Target
from device.services import lockstep
from drivers.sim.body import BodyTruth, Heard

MUST_ANSWER_S = 10.0
ROOTS = tuple(root for root in lockstep.ROOTS if root.name != "player")


class SkinBody:
    """A person of whom only skin conductance is known: calm, and from `step_s` on times `ratio`."""

    def __init__(self, start_s: float, step_s: float = math.inf, ratio: float = 1.0, tau_s: float = 1.5,
                 calm_us: float = 4.0) -> None:
        self._start_s, self._step_s, self._ratio, self._tau_s = start_s, step_s, ratio, tau_s
        self._calm_us = calm_us
        draw = random.Random(7)
        self._responses = [(60.0 * minute + draw.uniform(0.0, 60.0), draw.uniform(0.02, 0.10))
                           for minute in range(20) for _ in range(3)]

    def skin_us(self, at_s: float) -> float:
        t = at_s - self._start_s
        calm = self._calm_us * (1.0 + 0.012 * math.sin(t / 40.0))
        calm += sum(amplitude * (math.exp(-(t - onset) / 4.0) - math.exp(-(t - onset) / 0.8)) / 0.54
                    for onset, amplitude in self._responses if 0.0 < t - onset < 40.0)
        if t < self._step_s:
            return calm
        return calm * (1.0 + (self._ratio - 1.0) * (1.0 - math.exp(-(t - self._step_s) / self._tau_s)))

    def pulse_v(self, at_s: float) -> float:
        return math.nan

    def skin_c(self, at_s: float) -> float:
        return math.nan

    def eeg_uv(self, start_s: float, count: int, rate_hz: float):
        return np.full((count, 8), np.nan)

    def hear(self, at_s: float, heard: Heard | None) -> None:
        """Hear nothing."""

    def truth(self, at_s: float) -> BodyTruth:
        return BodyTruth(None, "", self.skin_us(at_s), None, None)


def session(lockstep_run, seconds, **skin):
    """Play a session to such a person; return its messages and the time of its start."""
    run = lockstep_run(minutes=20, body=lambda start_s: SkinBody(start_s, **skin), roots=ROOTS)
    start_s = run.bench.clock.monotonic()
    run.bench.run_until(2.0)
    run.bench.press()
    run.bench.run_until(2.3)
    run.bench.release()
    run.bench.run_until(seconds)
    return run.finish(), start_s


def reacted(messages):
    return [m for m in messages
            if isinstance(m, Target) and {Reason.SKIN_ROSE, Reason.SKIN_FELL} & set(m.reasons)]


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("ratio", "tau_s", "reason", "sign"), [
    (3.0, 1.5, Reason.SKIN_ROSE, 1), (1.6, 1.0, Reason.SKIN_ROSE, 1), (2.0, 0.01, Reason.SKIN_ROSE, 1),
    (0.4, 2.0, Reason.SKIN_FELL, -1), (0.6, 1.0, Reason.SKIN_FELL, -1),
])
def test_gsr_step_changes_the_musical_target_and_says_why(lockstep_run, ratio, tau_s, reason, sign):
    step_s = 150.0
    messages, start_s = session(lockstep_run, step_s + 30.0, step_s=step_s, ratio=ratio, tau_s=tau_s)
    stepped_s = start_s + step_s
    assert [m for m in reacted(messages) if m.at_s < stepped_s] == []
    answered = [m for m in reacted(messages) if m.at_s >= stepped_s]
    assert answered, "no target names the skin as its reason"
    assert reason in answered[0].reasons
    targets = [m for m in messages if isinstance(m, Target)]
    calm = [m for m in targets if m.at_s < stepped_s][-1].values
    softer = next(m for m in targets if m.at_s > stepped_s and m.values.density < calm.density - 0.01)
    logging.getLogger("measured").info(
        "skin conductance times %.1f: target names it after %.1f s, moved after %.1f s",
        ratio, answered[0].at_s - stepped_s, softer.at_s - stepped_s)
    assert softer.at_s - stepped_s <= MUST_ANSWER_S
    assert answered[0].at_s - stepped_s <= MUST_ANSWER_S
    assert answered[0].loop == "closed"
    sizes = [m.reaction for m in messages if isinstance(m, Stress) and m.reaction]
    assert max(sizes, key=abs) * sign > 0.2
    loudest = max(m.values.intensity for m in answered if reason in m.reasons and m.at_s < stepped_s + 20.0)
    assert sign < 0 or loudest <= calm.intensity + 1e-9
    figures = measure(Traces(messages), None, ()).reactions
    assert (figures.rises, figures.falls) == ((1, 0) if sign > 0 else (0, 1))
    assert (figures.largest_rise if sign > 0 else figures.largest_fall) == max(sizes, key=abs)


@pytest.mark.timeout(200)
@pytest.mark.parametrize("calm_us", [0.5, 4.0])
def test_gsr_that_is_calm_for_ten_minutes_hardly_ever_counts_as_a_step(lockstep_run, calm_us):
    messages, _ = session(lockstep_run, 600.0, calm_us=calm_us)
    seconds = len([m for m in messages if isinstance(m, Target)])
    logging.getLogger("measured").info("calm at %.1f uS: %d of %d targets name the skin",
                                       calm_us, len(reacted(messages)), seconds)
    assert seconds > 590
    assert len(reacted(messages)) <= seconds // 200
