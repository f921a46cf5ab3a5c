"""The conductor's composition root: what it expects, and what it is built from."""

import random

from device.bus import LocalHub
from device.clock import ManualClock
from device.config import Headset, PanelPins, Program, Settings, Telemetry
from device.control.direction import Director
from device.control.resume import SessionKeeper, SessionStore
from device.machine import MachineWatch
from device.messages import LightPattern, Panel, Phrase, Severity
from device.reopen import Reopener
from device.services.conductor import (
    PANEL_LOST,
    ROOT,
    Conductor,
    build,
    expected_services,
    open_melody,
)
from drivers.open import Parts
from drivers.panel import Panel as PanelPart
from drivers.sim.pins import WiredFactory
from drivers.sim.wires import LocalWires

SETTINGS = Settings(unit_id="ward-3")
BUTTON = SETTINGS.panel.button


def test_conductor_expects_what_is_configured():
    assert expected_services(SETTINGS) == ("sensors", "estimator", "player")
    full = Settings(unit_id="x", headset=Headset(port="sim:cyton"), telemetry=Telemetry(broker_host="broker"))
    assert set(expected_services(full)) == {"sensors", "estimator", "player", "headset", "telemetry"}


def test_conductor_without_a_melody_model_plays_by_rules_and_tells(tmp_path):
    _, (fault,) = open_melody(tmp_path / "melody.tflite")
    assert (fault.code, fault.severity) == ("melody_model", Severity.ATTENTION)
    assert "reinstall the melody model" in fault.advice


def test_conductor_built_from_its_root_writes_real_notes(tmp_path):
    wires = LocalWires()

    class Machine:
        def pins(self):
            return WiredFactory(wires)

    settings = Settings(unit_id="x", run_dir=str(tmp_path), models_dir=str(tmp_path),
                        panel=PanelPins(pins="sim:gpio"), program=Program(seed=11))
    clock, hub = ManualClock(), LocalHub()
    reader = hub.connect((Phrase,))
    conductor = build(settings, clock, hub.connect(ROOT.reads), Parts({"sim": Machine}))
    conductor.step()
    wires.ground(BUTTON, connected=True)
    phrases = []
    for _ in range(1500):
        clock.sleep(0.02)
        conductor.step()
        if clock.monotonic() > 1000.3:
            wires.ground(BUTTON, connected=False)
        phrases += reader.receive()
    conductor.close()
    assert len(phrases) >= 2
    assert all(phrase.notes for phrase in phrases)
    assert [fault.code for fault in conductor.faults()] == ["melody_model"]


def test_conductor_shows_amber_for_what_the_computer_says_of_itself(tmp_path):
    errors = tmp_path / "sys/fs/ext4/mmcblk0p2/errors_count"
    errors.parent.mkdir(parents=True)
    errors.write_text("1\n", encoding="ascii")
    clock, hub = ManualClock(), LocalHub()
    wires = LocalWires()
    conductor = Conductor(
        SETTINGS, clock, hub.connect(ROOT.reads), panel=Reopener(lambda: panel_on(wires), clock, PANEL_LOST),
        director=Director(SETTINGS.program, lambda _: None, tmp_path), generator=random.Random(1),
        keeper=SessionKeeper(SessionStore(tmp_path, "boot-1")), machine=MachineWatch(tmp_path))
    reader = hub.connect((Panel,))
    for _ in range(100):
        clock.sleep(0.02)
        conductor.step()
    assert [fault.code for fault in conductor.faults()] == ["card_errors"]
    assert reader.receive()[-1].light is LightPattern.ATTENTION
    conductor.close()


def panel_on(wires):
    pins = SETTINGS.panel
    return PanelPart(WiredFactory(wires), button=pins.button, red=pins.red, green=pins.green, blue=pins.blue)
