"""The simulated machine from another process's side: round trips, faults, and a simulator that goes away."""

from __future__ import annotations

import errno
import math
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from device.clock import ManualClock, SystemClock
from drivers.cyton import Cyton
from drivers.errors import DeviceLost
from drivers.open import Parts, default_parts
from drivers.sim.protocol import SOCKET_NAME
from drivers.sim.remote import DEADLINE_S, RemoteControl, RemoteHardware, RemoteI2c
from drivers.sim.server import SimulatorServer
from drivers.sim.world import Circuits, World

if TYPE_CHECKING:
    from tests.drivers.conftest import StillBody

ADC = {"i2c_bus": 1, "i2c_address": 0x48, "spi_bus": 0, "spi_device": 0, "reference_v": 3.3}
PANEL = {"button": 17, "red": 22, "green": 27, "blue": 24}
CONVERTERS = ("sim:ads1115", "sim:mcp3008")


class Machine:
    """A served world that can be switched off and on again."""

    def __init__(self, body: StillBody, run_dir: Path) -> None:
        self.clock = SystemClock()
        self.run_dir = run_dir
        self._body = body
        self._server: SimulatorServer | None = None
        self.switch_on()

    def switch_on(self) -> None:
        self.world = World(self._body, self.clock, Circuits(temperature_channel=2), seed=1)
        self._server = SimulatorServer(self.world, self.run_dir / SOCKET_NAME)

    def switch_off(self) -> None:
        if self._server is not None:
            self._server.close()
            assert not self._server.alive()
            self._server = None


@pytest.fixture
def machine(body: StillBody, tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(body, tmp_path)
    yield machine
    machine.switch_off()


@pytest.fixture
def parts(machine: Machine) -> Iterator[Parts]:
    hardware = RemoteHardware(machine.run_dir)
    yield Parts({"sim": lambda: hardware})
    hardware.close()


@pytest.fixture
def control(machine: Machine) -> Iterator[RemoteControl]:
    control = RemoteControl(machine.run_dir)
    yield control
    control.close()


@pytest.mark.parametrize("name", CONVERTERS)
def test_remote_converter_reads_the_body(
    machine: Machine, parts: Parts, body: StillBody, name: str,
) -> None:
    adc = parts.adc(name, machine.clock, **ADC)
    for volts in (0.5, 1.65, 3.0):
        body.pulse = volts
        before_s = machine.clock.monotonic()
        reading = adc.read(1)
        assert reading.volts == pytest.approx(volts, abs=0.005)
        assert before_s <= reading.at_s <= machine.clock.monotonic()


@pytest.mark.parametrize("name", CONVERTERS)
@pytest.mark.parametrize("kind", ["adc_absent", "adc_nack", "adc_stuck"])
def test_remote_converter_fault_crosses_the_socket_and_ends(
    machine: Machine, parts: Parts, control: RemoteControl, name: str, kind: str,
) -> None:
    adc = parts.adc(name, machine.clock, **ADC)
    control.inject(kind, 1.0)  # longer than the driver's retries take on a busy machine
    with pytest.raises(DeviceLost):
        adc.read(1)
    deadline_s = machine.clock.monotonic() + 5.0
    while machine.world.fault(kind):
        assert machine.clock.monotonic() < deadline_s
        time.sleep(0.02)
    assert adc.read(1).volts == pytest.approx(1.65, abs=0.005)


@pytest.fixture
def bus(machine: Machine) -> Iterator[RemoteI2c]:
    hardware = RemoteHardware(machine.run_dir)
    yield hardware.i2c(1)
    hardware.close()


def test_remote_nack_is_the_same_error_as_on_the_bus(bus: RemoteI2c) -> None:
    with pytest.raises(OSError, match="no acknowledge") as caught:
        bus.writeto(0x20, b"")
    assert caught.value.errno == errno.EREMOTEIO


def test_remote_buffers_are_sliced_as_busio_does(bus: RemoteI2c) -> None:
    answer = bytearray(b"....")
    bus.writeto_then_readfrom(0x48, b"\x07\x01\x07", answer, out_start=1, out_end=2, in_start=1, in_end=3)
    assert answer == b".\x85\x83."
    bus.readfrom_into(0x48, answer, start=2)
    assert answer == b".\x85\x85\x83"


def test_remote_press_and_light_make_the_round(
    machine: Machine, parts: Parts, control: RemoteControl,
) -> None:
    panel = parts.panel("sim:gpio", **PANEL)
    assert not panel.pressed()
    control.press()
    assert panel.pressed()
    control.release()
    assert not panel.pressed()
    panel.light((1.0, 0.5, 0.25))
    assert control.light() == (1.0, 0.5, 0.25) == machine.world.light()
    panel.close()
    assert control.light() == (0.0, 0.0, 0.0)


def test_remote_fault_that_does_not_exist_is_refused(control: RemoteControl) -> None:
    with pytest.raises(OSError, match=r"adc_nak.*kinds are") as caught:
        control.inject("adc_nak", 1.0)  # type: ignore[arg-type]
    assert caught.value.errno == errno.EINVAL
    assert control.light() == (0.0, 0.0, 0.0)  # the connection survives


def test_remote_cyton_streams_through_its_pty(machine: Machine, parts: Parts) -> None:
    cyton = parts.cyton("sim:cyton", machine.clock)
    assert isinstance(cyton, Cyton)
    deadline_s = machine.clock.monotonic() + 10.0
    rows = 0
    while rows < 125:
        assert machine.clock.monotonic() < deadline_s
        samples = cyton.read()
        rows += len(samples.microvolts) if samples is not None else 0
        time.sleep(0.02)
    cyton.close()


@pytest.mark.parametrize("name", CONVERTERS)
def test_remote_simulator_gone_is_a_loss_and_back_again_a_reopening(
    machine: Machine, parts: Parts, name: str,
) -> None:
    adc = parts.adc(name, machine.clock, **ADC)
    machine.switch_off()
    start_s = machine.clock.monotonic()
    with pytest.raises(DeviceLost, match="simulator"):
        adc.read(1)
    assert machine.clock.monotonic() - start_s < 1.0
    machine.switch_on()
    assert parts.adc(name, machine.clock, **ADC).read(1).volts == pytest.approx(1.65, abs=0.005)


def test_remote_panel_survives_a_new_simulator(machine: Machine, parts: Parts) -> None:
    panel = parts.panel("sim:gpio", **PANEL)
    panel.light((1.0, 0.0, 0.0))
    machine.switch_off()
    with pytest.raises(DeviceLost, match="simulator"):
        panel.pressed()
    panel.close()
    machine.switch_on()
    again = parts.panel("sim:gpio", **PANEL)
    again.light((0.0, 1.0, 0.0))
    assert machine.world.light() == (0.0, 1.0, 0.0)
    machine.world.press()
    assert again.pressed()


def test_remote_wait_for_a_simulator_that_hangs_has_a_deadline(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as mute:
        mute.bind(str(tmp_path / SOCKET_NAME))
        mute.listen()
        control = RemoteControl(tmp_path)
        start_s = time.monotonic()
        with pytest.raises(OSError, match="does not answer"):
            control.light()
        assert DEADLINE_S * 0.9 < time.monotonic() - start_s < DEADLINE_S + 1.0
        control.close()


def test_remote_without_a_simulator_fails_at_once(tmp_path: Path) -> None:
    control = RemoteControl(tmp_path)
    with pytest.raises(OSError, match=r"hardware\.sock does not answer .*start it") as caught:
        control.press()
    assert caught.value.errno == errno.EHOSTDOWN


def test_remote_clients_are_served_side_by_side(machine: Machine, body: StillBody) -> None:
    body.pulse = 2.0
    found: dict[str, list[float]] = {name: [] for name in CONVERTERS}

    def read(name: str) -> None:
        parts = default_parts(machine.run_dir)
        adc = parts.adc(name, machine.clock, **ADC)
        found[name] = [adc.read(1).volts for _ in range(100)]
        parts.close()

    threads = [threading.Thread(target=read, args=(name,)) for name in CONVERTERS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20.0)
    for name in CONVERTERS:
        assert found[name] == [pytest.approx(2.0, abs=0.005)] * 100


def test_remote_client_that_dies_harms_nobody(machine: Machine, control: RemoteControl) -> None:
    code = ("import os, sys, pathlib; from drivers.sim.remote import RemoteControl; "
            "RemoteControl(pathlib.Path(sys.argv[1])).press(); os.kill(os.getpid(), 9)")
    subprocess.run([sys.executable, "-c", code, str(machine.run_dir)], timeout=60, check=False)
    assert not machine.world.wires.level(17)
    control.release()
    assert machine.world.wires.level(17)


def test_server_refuses_nonsense_and_goes_on(machine: Machine, control: RemoteControl) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
        client.settimeout(2.0)
        client.connect(str(machine.run_dir / SOCKET_NAME))
        for nonsense in (b"\xff", b"hello", os.urandom(4096)):
            client.send(nonsense)
            assert client.recv(4096)
    assert control.light() == (0.0, 0.0, 0.0)


def test_server_replaces_a_socket_left_behind(body: StillBody, tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / SOCKET_NAME
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as old:
        old.bind(str(path))
    assert path.exists()
    server = SimulatorServer(World(body, clock, Circuits(), seed=1), path)
    control = RemoteControl(tmp_path)
    assert control.light() == (0.0, 0.0, 0.0)
    control.close()
    server.close()
    assert not path.exists()


@pytest.mark.parametrize(("folder", "expected"), [(0o700, 0o600), (0o3770, 0o660)])
def test_server_socket_is_the_groups_where_the_folder_is(
    body: StillBody, tmp_path: Path, clock: ManualClock, folder: int, expected: int,
) -> None:
    tmp_path.chmod(folder)
    server = SimulatorServer(World(body, clock, Circuits(), seed=1), tmp_path / SOCKET_NAME)
    assert (tmp_path / SOCKET_NAME).stat().st_mode & 0o777 == expected
    server.close()


def test_server_keeps_the_world_between_clients(machine: Machine, body: StillBody) -> None:
    first = RemoteControl(machine.run_dir)
    first.press()
    first.close()
    parts = default_parts(machine.run_dir)
    assert parts.panel("sim:gpio", **PANEL).pressed()
    body.us = math.nan
    adc = parts.adc("sim:ads1115", machine.clock, **ADC)
    assert adc.read(0).volts == pytest.approx(0.0, abs=0.001)
    parts.close()
