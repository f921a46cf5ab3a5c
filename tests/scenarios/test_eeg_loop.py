"""EEG alone moves the music: one of the people whom its expert learnt from, at rest and at arithmetic."""

from __future__ import annotations

import math

import numpy as np
import pytest

from device.evaluation.eegmat import read_part
from device.messages import Reason, Stress, Target
from device.services import lockstep
from drivers.sim.body import BodyTruth, Heard

RATE_HZ = 250.0
WITHIN_S = 40.0  # two windows of EEG features


class Scalp:
    """A body of which only the scalp is touched: one recording after the other, then silence."""

    def __init__(self, start_s: float, parts: tuple[np.ndarray, ...]) -> None:
        self._start_s = start_s
        self._microvolts = np.concatenate(parts)

    def skin_us(self, at_s: float) -> float:
        return math.nan

    def pulse_v(self, at_s: float) -> float:
        return math.nan

    def skin_c(self, at_s: float) -> float:
        return math.nan

    def eeg_uv(self, start_s: float, count: int, rate_hz: float):
        first = round((start_s - self._start_s) * RATE_HZ)
        step = RATE_HZ / rate_hz
        places = first + np.round(np.arange(count) * step).astype(int)
        inside = (places >= 0) & (places < len(self._microvolts))
        found = np.zeros((count, 8))
        found[inside] = self._microvolts[places[inside]]
        return found

    def hear(self, at_s: float, heard: Heard | None) -> None:
        """Hear nothing."""

    def truth(self, at_s: float) -> BodyTruth:
        return BodyTruth(None, "", math.nan, None, None)


@pytest.mark.timeout(240)
def test_eeg_alone_drives_the_musical_target(lockstep_run, shared_data):
    folder = shared_data / "eeg" / "eegmat"
    rest, task = (read_part(folder, "Subject01", part).microvolts for part in ("rest", "task"))
    unheard = tuple(root for root in lockstep.ROOTS if root.name not in {"player", "telemetry"})
    run = lockstep_run(minutes=20, roots=unheard, body=lambda start_s: Scalp(start_s, (rest, task)))
    task_s, end_s = len(rest) / RATE_HZ, (len(rest) + len(task)) / RATE_HZ
    run.bench.run_until(2.0)
    run.bench.press()
    run.bench.run_until(2.3)
    run.bench.release()
    run.bench.run_until(end_s)
    start_s = run.bench.clock.monotonic() - end_s
    messages = run.finish()
    known = [m for m in messages if isinstance(m, Stress) and m.level is not None]
    assert {m.sources for m in known} == {("eeg",)}
    assert {m.reason for m in messages if isinstance(m, Stress) and m.level is None} >= {"low_quality"}
    calm = [m.level for m in known if m.at_s - start_s < task_s]
    tense = [m.level for m in known if m.at_s - start_s > task_s + 20.0]
    assert len(calm) > 60
    assert len(tense) > 15
    assert np.mean(tense) > np.mean(calm) + 0.2
    targets = [m for m in messages if isinstance(m, Target)]
    moved = [m for m in targets if Reason.STRESS_UP in m.reasons and m.at_s - start_s > task_s]
    assert moved, "no target names the stress as its reason"
    assert moved[0].loop == "closed"
    assert moved[0].at_s - start_s < task_s + WITHIN_S
    both = [(m.valence, m.arousal) for m in known]
    assert all(-1.0 <= axis <= 1.0 for pair in both for axis in pair if axis is not None)
    assert sum(pair[1] is not None for pair in both) > 0.9 * len(both)
