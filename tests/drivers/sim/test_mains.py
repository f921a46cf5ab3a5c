"""Mains hum: its frequency, and how it folds at the device's sample rates."""

from __future__ import annotations

import numpy as np
import pytest

from drivers.sim.faults import FaultWindow, Schedule
from drivers.sim.mains import hum, hum_over, mains_cycles


def strongest_hz(values: np.ndarray, rate_hz: float) -> float:
    power = np.abs(np.fft.rfft((values - values.mean()) * np.hanning(values.size))) ** 2
    return float(np.fft.rfftfreq(values.size, 1.0 / rate_hz)[power.argmax()])


@pytest.mark.parametrize("nominal_hz", [50.0, 60.0])
def test_mains_stays_within_50_mhz_of_its_frequency(nominal_hz: float) -> None:
    times = np.arange(0.0, 400.0, 0.5)
    cycles = np.array([mains_cycles(nominal_hz, at_s) for at_s in times])
    off_hz = np.diff(cycles) / 0.5 - nominal_hz
    assert off_hz.min() == pytest.approx(-0.05, abs=0.002)
    assert off_hz.max() == pytest.approx(-0.01, abs=0.002)


@pytest.mark.parametrize(("kind", "rate_hz", "seen_hz"), [
    ("hum_50hz", 1000.0, 50.0), ("hum_60hz", 1000.0, 60.0),
    ("hum_60hz", 100.0, 40.0), ("hum_50hz", 10.0, 0.03), ("hum_60hz", 10.0, 0.03),
])
def test_hum_folds_at_the_rate_it_is_sampled_at(kind: str, rate_hz: float, seen_hz: float) -> None:
    faults = Schedule([FaultWindow(0, 1000, kind)])
    values = np.array([hum(faults, k / rate_hz) for k in range(round(100 * rate_hz))])
    assert strongest_hz(values, rate_hz) == pytest.approx(seen_hz, abs=0.06)
    assert values.max() == pytest.approx(1.0, abs=0.05)
    assert values.min() == pytest.approx(-1.0, abs=0.05)


def test_hum_is_there_only_while_its_fault_is_and_both_kinds_add() -> None:
    faults = Schedule([FaultWindow(10, 5, "hum_50hz"), FaultWindow(12, 5, "hum_60hz")])
    loudest = {start: max(abs(hum(faults, start + k / 1000)) for k in range(500))
               for start in (9, 10, 13, 16, 18)}
    assert loudest == {9: 0.0, 10: pytest.approx(1.0, abs=0.02), 13: pytest.approx(2.0, abs=0.1),
                       16: pytest.approx(1.0, abs=0.02), 18: 0.0}


def test_hum_over_is_hum_at_each_time() -> None:
    faults = Schedule([FaultWindow(0, 5, "hum_50hz")])
    times = 1.0 + np.arange(10) / 250.0
    assert hum_over(faults, times) == pytest.approx([hum(faults, at_s) for at_s in times.tolist()])
    assert not hum_over(faults, times + 9.0).any()
