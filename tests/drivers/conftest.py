"""A still body, and a simulated machine around it on a clock that moves only when told."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest

from device.clock import ManualClock
from drivers.sim.body import BodyTruth, Heard
from drivers.sim.faults import Schedule
from drivers.sim.world import Circuits, World


@dataclass
class StillBody:
    """Physiology that a test sets by hand; remembers what it was asked."""

    us: float = 5.0
    pulse: float = 1.65
    celsius: float = 33.0
    asked_s: list[float] = field(default_factory=list)
    heard: list[tuple[float, Heard | None]] = field(default_factory=list)

    def skin_us(self, at_s: float) -> float:
        self.asked_s.append(at_s)
        return self.us

    def pulse_v(self, at_s: float) -> float:
        self.asked_s.append(at_s)
        return self.pulse

    def skin_c(self, at_s: float) -> float:
        self.asked_s.append(at_s)
        return self.celsius

    def eeg_uv(self, start_s: float, count: int, rate_hz: float) -> np.ndarray:
        times = start_s + np.arange(count) / rate_hz
        return np.repeat(10.0 * np.sin(2 * math.pi * 10.0 * times)[:, None], 8, axis=1)

    def hear(self, at_s: float, heard: Heard | None) -> None:
        self.heard.append((at_s, heard))

    def truth(self, at_s: float) -> BodyTruth:
        self.asked_s.append(at_s)
        return BodyTruth(0.5, "", self.us, 60.0, self.celsius)


WorldMaker = Callable[..., World]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def body() -> StillBody:
    return StillBody()


@pytest.fixture
def make_world(clock: ManualClock, body: StillBody) -> WorldMaker:
    def make(*, seed: int = 1, faults: Schedule | None = None, circuits: Circuits | None = None) -> World:
        chosen = circuits or Circuits(temperature_channel=2)
        return World(body, clock, chosen, seed=seed, faults=faults)

    return make


@pytest.fixture
def world(make_world: WorldMaker) -> World:
    return make_world()
