"""One machine three times: simulated in this process, simulated behind its socket, and real."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from device.clock import SystemClock
from drivers.open import Parts, default_parts
from drivers.sim.patient import SimulatedPatient
from drivers.sim.protocol import SOCKET_NAME
from drivers.sim.server import SimulatorServer
from drivers.sim.world import Circuits, World


class Machine(NamedTuple):
    """A machine under test: its parts, the scheme of their names, and its time."""

    parts: Parts
    scheme: str
    clock: SystemClock


def _world(clock: SystemClock) -> World:
    body = SimulatedPatient(1, clock.monotonic())
    return World(body, clock, Circuits(temperature_channel=2), seed=1)


@pytest.fixture(params=["in-process", "socket", pytest.param("real", marks=pytest.mark.hardware)])
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Machine]:
    clock = SystemClock()
    if request.param == "in-process":
        world = _world(clock)
        yield Machine(Parts({"sim": lambda: world}), "sim", clock)
        return
    parts = default_parts(tmp_path)
    if request.param == "real":
        yield Machine(parts, "linux", clock)
        parts.close()
        return
    server = SimulatorServer(_world(clock), tmp_path / SOCKET_NAME)
    yield Machine(parts, "sim", clock)
    parts.close()
    server.close()
