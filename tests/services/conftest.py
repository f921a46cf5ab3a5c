"""One service at a time on a manual clock, a local bus and simulated hardware around a known body."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np
import pytest

from device.bus import LocalHub
from device.clock import ManualClock
from device.config import Headset, PanelPins, Sensors, Settings, SkinTemperature
from device.messages import MESSAGE_TYPES, Fault, Message
from device.runtime import Root, Worker
from device.services.simulator import make_world
from drivers.open import Parts
from drivers.sim.body import BodyTruth, Heard
from drivers.sim.world import World

M = TypeVar("M", bound=Message)

DESK = Settings(
    unit_id="desk",
    sensors=Sensors(adc="sim:ads1115", temperature=SkinTemperature()),
    headset=Headset(port="sim:cyton"),
    panel=PanelPins(pins="sim:gpio"),
)


class KnownBody:
    """Steady skin, a pulse of 72 a minute, 10 uV of alpha; a test may change what it likes."""

    def __init__(self, us: float = 5.0, celsius: float = 33.0, bpm: float = 72.0) -> None:
        self.us = us
        self.celsius = celsius
        self.bpm = bpm
        self.heard: list[tuple[float, Heard | None]] = []

    def skin_us(self, at_s: float) -> float:
        return self.us

    def pulse_v(self, at_s: float) -> float:
        return 1.65 + 0.25 * math.sin(2 * math.pi * self.bpm / 60 * at_s)

    def skin_c(self, at_s: float) -> float:
        return self.celsius

    def eeg_uv(self, start_s: float, count: int, rate_hz: float) -> np.ndarray:
        times = start_s + np.arange(count) / rate_hz
        return np.repeat(10.0 * np.sin(2 * math.pi * 10.0 * times)[:, None], 8, axis=1)

    def hear(self, at_s: float, heard: Heard | None) -> None:
        self.heard.append((at_s, heard))

    def truth(self, at_s: float) -> BodyTruth:
        return BodyTruth(0.4, "rest", self.us, self.bpm, self.celsius)


class Rig:
    """A worker built by its composition root, stepped at its own period; everything said is kept."""

    def __init__(self, root: Root, settings: Settings, body: KnownBody) -> None:
        self.clock = ManualClock()
        self.start_s = self.clock.monotonic()
        self.body = body
        self.world: World = make_world(settings, self.clock, body)
        self.opened_s: list[float] = []
        hub = LocalHub()
        self.others = hub.connect(())
        self._ear = hub.connect(MESSAGE_TYPES)
        self.said: list[Message] = []
        self.faults_at: list[tuple[float, tuple[Fault, ...]]] = []
        self.worker: Worker = root.build(settings, self.clock, hub.connect(root.reads), self._parts())

    def _parts(self) -> Parts:
        """Parts of the world that write down when a bus was asked for."""
        world, opened_s, clock = self.world, self.opened_s, self.clock

        class Watched:
            def i2c(self, bus: int):
                opened_s.append(clock.monotonic())
                return world.i2c(bus)

            def spi(self, bus: int, device: int):
                opened_s.append(clock.monotonic())
                return world.spi(bus, device)

            def serial(self, path: str):
                opened_s.append(clock.monotonic())
                return world.serial(path)

            def pins(self):
                return world.pins()

            def close(self) -> None:
                world.close()

        return Parts({"sim": Watched})

    @property
    def elapsed_s(self) -> float:
        return self.clock.monotonic() - self.start_s

    def run(self, seconds: float) -> list[Message]:
        """Step at absolute deadlines for so long and return what was said meanwhile."""
        begun = len(self.said)
        start_s = self.clock.monotonic()
        for number in range(round(seconds / self.worker.period_s)):
            self.clock.advance_to(start_s + number * self.worker.period_s)
            self.worker.step()
            faults = self.worker.faults()
            if not self.faults_at or faults != self.faults_at[-1][1]:
                self.faults_at.append((self.elapsed_s, faults))
            self.said += self._ear.receive()
        self.clock.advance_to(start_s + seconds)
        return self.said[begun:]

    def of(self, kind: type[M]) -> list[M]:
        return [message for message in self.said if isinstance(message, kind)]


@pytest.fixture
def desk() -> Settings:
    """A unit whose parts are all simulated."""
    return DESK


@pytest.fixture
def known_body() -> KnownBody:
    return KnownBody()


@pytest.fixture
def rig(known_body: KnownBody) -> Iterator[Callable[..., Rig]]:
    """Return a function that builds a service: `rig(ROOT, settings)`; all are closed after the test."""
    rigs: list[Rig] = []

    def build(root: Root, settings: Settings = DESK) -> Rig:
        made = Rig(root, settings, known_body)
        rigs.append(made)
        return made

    yield build
    for made in rigs:
        made.worker.close()
