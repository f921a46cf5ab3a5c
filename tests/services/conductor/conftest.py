"""A ward for the conductor: simulated wires, the other services as far as they live, a manual clock."""

import random

import pytest
from support.rest import SeededRest

from device.bus import LocalHub
from device.clock import ManualClock
from device.config import Program, Settings
from device.control.direction import Director
from device.control.power_cut import PowerCutKeeper, PowerCutStore
from device.control.resume import SessionKeeper, SessionStore
from device.errors import DeviceLost
from device.messages import (
    Health,
    Panel,
    Phrase,
    PlayerState,
    Session,
    SessionPhase,
    Stress,
    StressBand,
    Target,
)
from device.reopen import Reopener
from device.services.conductor import PANEL_LOST, ROOT, Conductor
from drivers.panel import Panel as PanelPart
from drivers.sim.pins import WiredFactory
from drivers.sim.wires import LocalWires

SETTINGS = Settings(unit_id="ward-3", program=Program(minutes=20.0))
PINS = SETTINGS.panel


class Unplugged(PanelPart):
    """A real panel whose cable can be pulled."""

    pulled = False
    dark = False

    def pressed(self):
        if self.pulled:
            raise DeviceLost("button and light do not answer; check the cable")
        return super().pressed()

    def light(self, rgb):
        if self.dark:
            raise DeviceLost("button and light do not answer; check the cable")
        super().light(rgb)


class Ward:
    """One conductor, its button and light, and the other services as far as they are alive."""

    def __init__(self, run_dir, settings=SETTINGS, clock=None, boot_id="boot-1"):
        self.settings = settings
        self.run_dir = run_dir
        self.boot_id = boot_id
        self.clock = clock or ManualClock()
        self.hub = LocalHub()
        self.others = self.hub.connect(())
        self.reader = self.hub.connect((Session, Target, Phrase, Panel))
        self.wires = LocalWires()
        self.alive = {"sensors", "estimator", "player"}
        self.level = 0.5
        self.sounding = False
        self.faults = {}
        self.position_s = 0.0
        self.ear = self.hub.connect((Session, Phrase))
        self.known = []
        self.log = []
        self.panel = None
        self.synchronised = True
        self.start()

    def start(self):
        """Start the conductor's process."""
        def open_panel():
            self.panel = Unplugged(WiredFactory(self.wires), button=PINS.button, red=PINS.red,
                                   green=PINS.green, blue=PINS.blue)
            return self.panel

        state_dir = self.run_dir.parent / "state"
        cut = PowerCutKeeper(PowerCutStore(state_dir), self.boot_id, lambda: self.synchronised,
                             self.clock.monotonic()) if self.settings.program.resume_after_power_cut else None
        self.conductor = Conductor(
            self.settings, self.clock, self.hub.connect(ROOT.reads),
            panel=Reopener(open_panel, self.clock, PANEL_LOST), generator=random.Random(9),
            director=Director(self.settings.program, SeededRest, state_dir), cut=cut,
            keeper=SessionKeeper(SessionStore(self.run_dir, self.boot_id)))

    def run(self, seconds):
        """Let time pass; the conductor steps at its own period."""
        for _ in range(round(seconds / 0.02)):
            self._others_speak()
            self.conductor.step()
            self.log += self.reader.receive()
            self.clock.sleep(0.02)

    def _others_speak(self):
        """Publish what living services publish, once a second; the player plays what it is told."""
        at_s = self.clock.monotonic()
        if round(at_s / 0.02) % 50:
            return
        for name in self.alive:
            self.others.publish(Health(at_s=at_s, service=name, uptime_s=at_s, late_steps=0,
                                       faults=self.faults.get(name, ())))
        if "estimator" in self.alive:
            self.others.publish(Stress(at_s=at_s, level=self.level, confidence=0.9, band=StressBand.MEDIUM,
                                       sources=("eda",), reason=""))
        if "player" in self.alive:
            self._player_speaks(at_s)

    def _player_speaks(self, at_s):
        """Play what is known: a player opens on a session and has the phrases it was sent."""
        self.position_s += 1.0
        for message in self.ear.receive():
            if isinstance(message, Phrase):
                self.known.append(message)
            else:
                self.sounding = message.phase in {SessionPhase.RUNNING, SessionPhase.ENDING}
        begun = [phrase.phrase_id for phrase in self.known if phrase.start_s <= at_s]
        self.others.publish(PlayerState(
            at_s=at_s, backend="file", sounding=self.sounding, gain_db=0.0,
            loudness_lufs=-45.0 if self.sounding else None, position_s=self.position_s,
            phrase_id=begun[-1] if begun and self.sounding else None, audible=None, notes_played=0))

    def restart_player(self):
        """Begin a new player's process, which knows nothing."""
        self.position_s, self.sounding, self.known = 0.0, False, []
        self.ear.receive()

    def finger(self, seconds):
        """Press for so long."""
        self.wires.ground(PINS.button, connected=True)
        self.run(seconds)
        self.wires.ground(PINS.button, connected=False)

    def of(self, kind):
        return [message for message in self.log if isinstance(message, kind)]

    @property
    def phase(self):
        sessions = self.of(Session)
        return sessions[-1].phase if sessions else None

    @property
    def light(self):
        return self.of(Panel)[-1].light


@pytest.fixture
def new_ward():
    """Make a ward on a run directory."""
    return Ward


@pytest.fixture
def ward(tmp_path):
    """A unit that has been idle and well for 12 s."""
    ward = Ward(tmp_path)
    ward.run(12.0)
    return ward
