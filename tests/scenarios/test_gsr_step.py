"""A step of skin conductance changes the musical target, and the reason is logged (W19, first cut)."""

from __future__ import annotations

import logging
import math

import numpy as np
import pytest

from device.messages import Reason, Stress, Target
from device.services import lockstep
from drivers.sim.body import BodyTruth, Heard

CALM_US = 4.0
AROUSED_US = 12.0
FIRST_CUT_S = 40.0  # the tonic level is a median over a minute; W19 asks for 10 s and stays open


class StepBody:
    """A steady person whose skin conductance rises at a set time, with the responses that come with it."""

    def __init__(self, start_s: float, step_s: float) -> None:
        self._start_s = start_s
        self._step_s = step_s

    def skin_us(self, at_s: float) -> float:
        t = at_s - self._start_s
        calm = CALM_US + 0.05 * math.sin(t / 9.0) + 0.02 * math.sin(t / 2.3)
        if t < self._step_s:
            return calm
        since = t - self._step_s
        rise = (AROUSED_US - CALM_US) * (1 - math.exp(-since / 1.5))
        return calm + rise + 0.4 * max(0.0, math.sin(since * 1.2))

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


@pytest.mark.timeout(120)
def test_gsr_step_changes_the_musical_target_and_says_why(lockstep_run):
    step_s = 400.0
    unheard = tuple(root for root in lockstep.ROOTS if root.name != "player")
    run = lockstep_run(minutes=20, body=lambda start_s: StepBody(start_s, step_s), roots=unheard)
    run.bench.run_until(2.0)
    run.bench.press()
    run.bench.run_until(2.3)
    run.bench.release()
    run.bench.run_until(step_s + 60)
    start_s = run.bench.clock.monotonic() - (step_s + 60)
    messages = run.finish()
    stepped_s = start_s + step_s
    stress = [m for m in messages if isinstance(m, Stress) and m.level is not None]
    before = [m.level for m in stress if stepped_s - 60 < m.at_s < stepped_s]
    after = [m.level for m in stress if stepped_s + 30 < m.at_s < stepped_s + 60]
    assert np.mean(after) > np.mean(before) + 0.1
    targets = [m for m in messages if isinstance(m, Target)]
    calm = [m for m in targets if m.at_s < stepped_s][-1]
    answered = [m for m in targets if m.at_s > stepped_s and Reason.STRESS_UP in m.reasons]
    assert answered, "no target names the stress as its reason"
    answer_s = answered[0].at_s - stepped_s
    logging.getLogger("measured").info("sensor step to changed musical target: %.1f s", answer_s)
    assert answer_s <= FIRST_CUT_S
    moved = answered[min(len(answered) - 1, 5)].values
    assert moved != calm.values
