"""One machine three times: simulated in this process, simulated behind its socket, and real."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from support.scripted_patient import ScriptedPatient

from device.clock import Clock, ManualClock, SystemClock
from device.config import Headset, PanelPins, Sensors, Settings, SkinTemperature, load
from drivers.open import Parts, default_parts
from drivers.sim.patient import SimulatedPatient
from drivers.sim.protocol import SOCKET_NAME
from drivers.sim.server import SimulatorServer
from drivers.sim.world import Circuits, World

SIMULATED = Settings(
    unit_id="bench", sensors=Sensors(adc="sim:ads1115", temperature=SkinTemperature()),
    headset=Headset(port="sim:cyton"), panel=PanelPins(pins="sim:gpio"),
)
HEADSET = "headset"
BENCH_US, BENCH_C = 10.0, 23.0  # a resistor of 100 kilohm, a thermistor that lies in a room


class Machine(NamedTuple):
    """A machine under test: its parts, the scheme of their names, its time, what it is configured to have."""

    parts: Parts
    scheme: str
    clock: Clock
    settings: Settings

    def needs(self, name: str) -> None:
        """Leave the test out where the real machine has another part, or none."""
        names = {self.settings.sensors.adc, self.settings.panel.pins}
        if self.settings.headset.port.startswith("linux:"):
            names.add(HEADSET)
        if self.scheme == "linux" and name not in names:
            pytest.skip(f"this unit's configuration names no {name}")


class Bench(NamedTuple):
    """A machine whose sensors touch known things; `world` is None where it is real."""

    machine: Machine
    world: World | None
    body: ScriptedPatient | None


class Resistor(ScriptedPatient):
    """A resistor instead of skin, a room instead of a hand, a finger on the pulse sensor."""

    def skin_us(self, at_s: float) -> float:
        return BENCH_US

    def skin_c(self, at_s: float) -> float:
        return BENCH_C


@pytest.fixture(scope="session")
def unit(request: pytest.FixtureRequest) -> Settings:
    """What the real machine is configured to have."""
    path: Path = request.config.getoption("--unit-config")
    return load(path) if path.exists() else Settings(unit_id="bench")


def _world(clock: SystemClock) -> World:
    body = SimulatedPatient(1, clock.monotonic())
    return World(body, clock, Circuits(temperature_channel=2), seed=1)


@pytest.fixture(params=["in-process", "socket", pytest.param("real", marks=pytest.mark.hardware)])
def machine(request: pytest.FixtureRequest, tmp_path: Path, unit: Settings) -> Iterator[Machine]:
    clock = SystemClock()
    if request.param == "in-process":
        world = _world(clock)
        yield Machine(Parts({"sim": lambda: world}), "sim", clock, SIMULATED)
        return
    parts = default_parts(tmp_path)
    if request.param == "real":
        yield Machine(parts, "linux", clock, unit)
        parts.close()
        return
    server = SimulatorServer(_world(clock), tmp_path / SOCKET_NAME)
    yield Machine(parts, "sim", clock, SIMULATED)
    parts.close()
    server.close()


@pytest.fixture(params=["simulated", pytest.param("real", marks=pytest.mark.hardware)])
def bench(request: pytest.FixtureRequest, tmp_path: Path, unit: Settings) -> Iterator[Bench]:
    """Known things at the sensors: simulated on a clock that moves only when told, or real."""
    if request.param == "real":
        parts = default_parts(tmp_path)
        yield Bench(Machine(parts, "linux", SystemClock(), unit), None, None)
        parts.close()
        return
    clock = ManualClock()
    body = Resistor(1, clock.monotonic())
    world = World(body, clock, Circuits(temperature_channel=2), seed=1)
    yield Bench(Machine(Parts({"sim": lambda: world}), "sim", clock, SIMULATED), world, body)
