"""A unit to examine: simulated hardware on a manual clock, a fake /proc and /sys, programs that are told."""

from __future__ import annotations

import fcntl
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest

from device.clock import ManualClock
from device.config import Headset, PanelPins, Player, Sensors, Settings, SkinTemperature
from device.doctor.heard import NOTHING, Heard
from device.doctor.scene import Answer, Scene
from device.services.simulator import make_world
from drivers.open import Parts
from drivers.sim.body import BodyTruth


class StillBody:
    """Steady skin, a pulse of 72 a minute unless it is 0."""

    def __init__(self) -> None:
        self.us = 5.0
        self.bpm = 72.0

    def skin_us(self, at_s: float) -> float:
        return self.us

    def pulse_v(self, at_s: float) -> float:
        return 1.65 + (0.25 * math.sin(2 * math.pi * self.bpm / 60 * at_s) if self.bpm else 0.0)

    def skin_c(self, at_s: float) -> float:
        return 33.0

    def eeg_uv(self, start_s: float, count: int, rate_hz: float) -> np.ndarray:
        times = start_s + np.arange(count) / rate_hz
        return np.repeat(10.0 * np.sin(2 * math.pi * 10.0 * times)[:, None], 8, axis=1)

    def hear(self, at_s: float, heard) -> None:
        pass

    def truth(self, at_s: float) -> BodyTruth:
        return BodyTruth(0.4, "rest", self.us, self.bpm, 33.0)


class Stage:
    """Everything that a scene is made of, to be changed before `scene()` is called."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self.run_dir = folder / "sockets"
        for place in (self.root, self.run_dir):
            place.mkdir()
        self.body = StillBody()
        self.clock = ManualClock()
        self.heard: Heard = NOTHING
        self.programs: dict[str, Answer] = {}
        self.units: dict[str, dict[str, str]] = {}
        self.asked: list[tuple[str, ...]] = []
        self.settings = Settings(
            unit_id="ward-3", run_dir=str(self.run_dir), state_dir="/var/lib/tranquillo",
            sensors=Sensors(adc="sim:ads1115", temperature=SkinTemperature()),
            headset=Headset(port="sim:cyton"), panel=PanelPins(pins="sim:gpio"),
            player=Player(backend="file"))
        self._world = None
        self._locks: list = []

    def change(self, section: str = "", **values) -> None:
        """Replace keys of a table, or of the whole file."""
        inner = getattr(self.settings, section) if section else self.settings
        new = msgspec.structs.replace(inner, **values)
        self.settings = msgspec.structs.replace(self.settings, **{section: new}) if section else new

    @property
    def world(self):
        if self._world is None:
            self._world = make_world(self.settings, self.clock, self.body)
        return self._world

    def file(self, path: str, text: str) -> Path:
        """Write a file of the unit."""
        place = self.root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
        return place

    def runs(self, *services: str) -> None:
        """Hold the locks of these services, as their processes do."""
        for name in services:
            held = (self.run_dir / f"{name}.lock").open("w")
            fcntl.flock(held, fcntl.LOCK_EX)
            self._locks.append(held)

    def ask(self, words: tuple[str, ...], timeout_s: float) -> Answer | None:
        self.asked.append(words)
        assert 0 < timeout_s <= 10
        return self.programs.get(words[0])

    def scene(self) -> Scene:
        return Scene(settings=self.settings, root=self.root, clock=self.clock, heard=self.heard,
                     parts=Parts({"sim": lambda: self.world}), ask=self.ask, units=self.units)

    def close(self) -> None:
        for held in self._locks:
            held.close()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    one = Stage(tmp_path)
    yield one
    one.close()


@pytest.fixture
def found() -> Callable[[list], dict]:
    """Return results by name; each name once."""
    def by_name(results: list) -> dict:
        names = [result.name for result in results]
        assert len(set(names)) == len(names)
        return {result.name: result for result in results}
    return by_name
