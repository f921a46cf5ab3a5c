"""A dead conductor ends in an amber light, whatever the configuration says or fails to say."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from device.clock import ManualClock
from device.config import PanelPins
from device.errors import EXIT_CONFIG, EXIT_OK, DeviceLost
from device.messages import LightPattern
from device.panel.lights import rgb_of
from device.services.faultlight import FaultLight
from device.services.simulator import make_world
from drivers.open import Parts
from drivers.sim.protocol import SOCKET_NAME
from drivers.sim.remote import RemoteControl
from drivers.sim.server import SimulatorServer

AMBER = rgb_of(LightPattern.ATTENTION, 0.0)
PINS = PanelPins(pins="sim:gpio")


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def world(desk, known_body, clock):
    return make_world(desk, clock, known_body)


def light_of(world):
    return tuple(world.wires.driven(line) for line in (PINS.red, PINS.green, PINS.blue))


def run(light, clock, seconds):
    for _ in range(int(seconds / 0.25)):
        light.step()
        clock.sleep(0.25)


def test_faultlight_is_amber_within_a_second_and_dark_when_it_lets_go(world, clock):
    light = FaultLight(PINS, clock, Parts({"sim": lambda: world}))
    run(light, clock, 1.0)
    assert light_of(world) == pytest.approx(AMBER, abs=0.005)
    assert light.faults() == ()
    light.close()
    assert light_of(world) == (0.0, 0.0, 0.0)


def test_faultlight_looks_again_for_a_light_that_does_not_answer(world, clock):
    attempts = []

    class Flaky:
        def pins(self):
            attempts.append(clock.monotonic())
            if len(attempts) < 3:
                raise DeviceLost("the GPIO chip cannot be opened")
            return world.pins()

    parts = Parts({"sim": Flaky})
    light = FaultLight(PINS, clock, parts)
    run(light, clock, 1.0)
    (fault,) = light.faults()
    assert fault.code == "panel_lost"
    run(light, clock, 5.0)
    assert light.faults() == ()
    assert light_of(world) == pytest.approx(AMBER, abs=0.005)
    light.close()


@pytest.fixture
def start():
    """Start the process on a configuration, with a world behind `sim:` in its run directory."""
    started = []

    def start_light(config: Path) -> subprocess.Popen:
        environment = {k: v for k, v in os.environ.items() if k not in {"JOURNAL_STREAM", "NOTIFY_SOCKET"}}
        process = subprocess.Popen(
            [sys.executable, "-m", "device.services.faultlight", "--config", str(config)],
            env=environment, stderr=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield start_light
    for process in started:
        process.kill()
        process.communicate()


def test_faultlight_shows_a_wrong_configuration_and_ends_when_asked(start, world, tmp_path):
    with tempfile.TemporaryDirectory(prefix="tq-") as run_dir:  # socket paths are short
        server = SimulatorServer(world, Path(run_dir) / SOCKET_NAME)
        control = RemoteControl(Path(run_dir))
        config = tmp_path / "wrong.toml"
        config.write_text(f'run_dir = "{run_dir}"\nstyel = "loud"\n[panel]\npins = "sim:gpio"\n'
                          "[program]\nminutes = -5\n", encoding="utf-8")
        process = start(config)
        deadline = time.monotonic() + 20.0
        while control.light() != pytest.approx(AMBER, abs=0.005) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert control.light() == pytest.approx(AMBER, abs=0.005)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10.0) == EXIT_OK
        assert control.light() == (0.0, 0.0, 0.0)
        control.close()
        server.close()


def test_faultlight_on_a_machine_without_these_pins_is_one_line_and_no_restart(start, tmp_path):
    config = tmp_path / "broken.toml"
    config.write_bytes(b"\xff not TOML")
    process = start(config)
    assert process.wait(20.0) == EXIT_CONFIG
    (line,) = process.stderr.read().splitlines()
    assert "linux:gpio needs a Raspberry Pi" in line
