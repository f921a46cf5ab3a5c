"""Whole sessions on a manual clock: a finger on simulated wires in, messages on the bus out."""

import random
from itertools import pairwise

import pytest

from device.bus import LocalHub
from device.clock import ManualClock
from device.config import Headset, PanelPins, Program, Settings, Telemetry
from device.control.resume import SessionKeeper, SessionStore
from device.errors import DeviceLost
from device.messages import (
    Fault,
    Health,
    LightPattern,
    Panel,
    Phrase,
    PlayerState,
    Reason,
    Session,
    SessionPhase,
    Severity,
    Stress,
    StressBand,
    Target,
)
from device.reopen import Reopener
from device.services.conductor import PANEL_LOST, ROOT, Conductor, build, expected_services, open_melody
from drivers.open import Parts
from drivers.panel import Panel as PanelPart
from drivers.sim.pins import WiredFactory
from drivers.sim.wires import LocalWires

SETTINGS = Settings(unit_id="ward-3", program=Program(minutes=20.0))
PINS = SETTINGS.panel
IDLE, RUNNING, ENDING, MUTED = (
    SessionPhase.IDLE, SessionPhase.RUNNING, SessionPhase.ENDING, SessionPhase.MUTED)


class Bars:
    """A composer of four silent bars whose music is its seed."""

    def __init__(self, seed):
        self.seed = seed

    def compose(self, target, *, phrase_id, start_s, at_s):
        return Phrase(at_s=at_s, phrase_id=phrase_id, start_s=start_s, beats=16.0, notes=(), target=target)


class Unplugged(PanelPart):
    """A real panel whose cable can be pulled."""

    pulled = False

    def pressed(self):
        if self.pulled:
            raise DeviceLost("button and light do not answer; check the cable")
        return super().pressed()


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
        self.log = []
        self.panel = None
        self.start()

    def start(self):
        """Start the conductor's process."""
        def open_panel():
            self.panel = Unplugged(WiredFactory(self.wires), button=PINS.button, red=PINS.red,
                                   green=PINS.green, blue=PINS.blue)
            return self.panel

        self.conductor = Conductor(
            self.settings, self.clock, self.hub.connect(ROOT.reads),
            panel=Reopener(open_panel, self.clock, PANEL_LOST), compose=Bars, generator=random.Random(9),
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
            self.position_s += 1.0
            self.sounding = self.phase in {RUNNING, ENDING}
            self.others.publish(PlayerState(
                at_s=at_s, backend="file", sounding=self.sounding, gain_db=0.0, loudness_lufs=None,
                position_s=self.position_s, phrase_id=None, audible=None, notes_played=0))

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
def ward(tmp_path):
    """A unit that has been idle and well for 12 s."""
    ward = Ward(tmp_path)
    ward.run(12.0)
    return ward


def test_conductor_idle_is_ready_and_says_so_every_second(ward):
    assert ward.light is LightPattern.READY
    times = [session.at_s for session in ward.of(Session)]
    assert {session.phase for session in ward.of(Session)} == {IDLE}
    assert max(b - a for a, b in pairwise(times)) <= 1.0
    assert ward.of(Target) == ward.of(Phrase) == []


def test_conductor_press_starts_session_target_phrase_and_light_at_once(ward):
    pressed_s = ward.clock.monotonic()
    ward.finger(0.1)
    session = next(message for message in ward.of(Session) if message.phase is RUNNING)
    target, phrase = ward.of(Target)[0], ward.of(Phrase)[0]
    panel = next(message for message in ward.of(Panel) if message.light is LightPattern.STARTING)
    assert session.at_s - pressed_s <= 0.0401
    assert target.at_s == phrase.at_s == session.at_s
    assert phrase.start_s == pytest.approx(session.at_s + 0.25)
    assert panel.at_s == session.at_s
    assert panel.button_down
    order = [type(message) for message in ward.log if message.at_s == session.at_s]
    assert order[:3] == [Session, Target, Phrase]


def test_conductor_light_reaches_the_wires(ward):
    assert ward.wires.driven(PINS.green) == pytest.approx(0.3, abs=0.01)
    assert ward.wires.driven(PINS.red) == 0.0
    assert ward.of(Panel)[-1].rgb[1] == ward.wires.driven(PINS.green)


def test_conductor_second_tap_ends_gently_and_fades_to_idle(ward):
    ward.finger(0.2)
    ward.run(60.0)
    assert ward.light is LightPattern.PLAYING
    ward.finger(0.2)
    ward.run(0.1)
    assert (ward.phase, ward.light) == (ENDING, LightPattern.ENDING)
    ward.run(11.5)
    assert ward.phase is ENDING
    ward.run(1.0)
    assert (ward.phase, ward.light) == (IDLE, LightPattern.READY)
    written = len(ward.of(Phrase))
    ward.run(30.0)
    assert len(ward.of(Phrase)) == written, "no phrase is written for silence"


def test_conductor_hold_silences_at_2_s_and_release_is_idle(ward):
    ward.finger(0.2)
    ward.run(30.0)
    pressed_s = ward.clock.monotonic()
    ward.wires.ground(PINS.button, connected=True)
    ward.run(3.0)
    muted_s = next(session.at_s for session in ward.of(Session) if session.phase is MUTED)
    assert muted_s - pressed_s == pytest.approx(2.0, abs=0.021)
    assert ward.light is LightPattern.OFF
    ward.wires.ground(PINS.button, connected=False)
    ward.run(0.1)
    assert ward.phase is IDLE
    assert list(ward.run_dir.iterdir()) == []


def test_conductor_hold_from_idle_takes_back_its_own_start(ward):
    ward.finger(2.5)
    ward.run(1.0)
    phases = [before.phase for before, after in pairwise([*ward.of(Session), None])
              if after is None or before.phase is not after.phase]
    assert phases == [IDLE, RUNNING, MUTED, IDLE]


def test_conductor_press_during_the_ending_leads_into_a_new_session(ward):
    ward.finger(0.2)
    ward.run(30.0)
    first = ward.of(Session)[-1]
    ward.finger(0.2)
    ward.run(3.0)
    before = ward.of(Phrase)[-1]
    ward.finger(0.2)
    ward.run(20.0)
    second = ward.of(Session)[-1]
    after = ward.of(Phrase)[ward.of(Phrase).index(before) + 1]
    assert second.phase is RUNNING
    assert second.seed != first.seed
    assert second.elapsed_s == pytest.approx(20.0, abs=1.0)
    assert after.start_s == pytest.approx(before.start_s + before.duration_s)
    assert after.phrase_id == 0


def test_conductor_plays_a_whole_program_without_a_gap(ward):
    ward.finger(0.2)
    ward.run(1220.0)
    assert ward.phase is IDLE
    phrases = ward.of(Phrase)
    assert 70 <= len(phrases) <= 100
    assert [phrase.phrase_id for phrase in phrases] == list(range(len(phrases)))
    for before, after in pairwise(phrases):
        assert after.start_s == pytest.approx(before.start_s + before.duration_s)
        assert 1.5 <= before.start_s + before.duration_s - after.at_s <= 2.0
    targets = ward.of(Target)
    assert max(b.at_s - a.at_s for a, b in pairwise(targets)) <= 1.0
    assert targets[0].values.tempo_bpm == pytest.approx(76.0)
    assert min(target.values.tempo_bpm for target in targets) == pytest.approx(60.0, abs=0.1)
    assert Reason.ENDING in targets[-1].reasons
    ending = [session.at_s for session in ward.of(Session) if session.phase is ENDING]
    assert ending[-1] - ending[0] == pytest.approx(12.0, abs=1.0)


def test_conductor_stress_step_changes_target_and_music_within_10_s(ward):
    ward.finger(0.2)
    ward.run(120.0)
    before = ward.of(Target)[-1]
    ward.level = 1.0
    ward.run(10.0)
    after = ward.of(Target)[-1]
    assert after.values.intensity - before.values.intensity > 0.05
    assert any(Reason.STRESS_UP in target.reasons for target in ward.of(Target)[-10:])
    assert after.loop == "closed"


def test_conductor_estimator_dies_and_the_music_goes_on_open_loop(ward):
    ward.finger(0.2)
    ward.run(60.0)
    ward.alive.remove("estimator")
    ward.run(4.0)
    assert ward.light is LightPattern.PLAYING
    ward.run(56.0)
    assert ward.of(Target)[-1].loop == "open"
    assert ward.light is LightPattern.PLAYING_ATTENTION
    phrases = ward.of(Phrase)
    assert phrases[-1].start_s > ward.clock.monotonic() - 16.0
    ward.alive.add("estimator")
    ward.run(3.0)
    assert ward.of(Target)[-1].loop == "closed"
    assert ward.light is LightPattern.PLAYING


def test_conductor_without_contact_turns_amber_after_90_s(ward):
    ward.level = None
    ward.finger(0.2)
    ward.run(88.0)
    assert ward.light is LightPattern.PLAYING
    ward.run(5.0)
    assert ward.light is LightPattern.PLAYING_ATTENTION


def test_conductor_starts_without_a_player_and_the_light_is_red(ward):
    ward.alive.remove("player")
    ward.run(7.0)
    assert ward.light is LightPattern.FAULT
    ward.finger(0.2)
    ward.run(1.0)
    assert ward.phase is RUNNING
    assert ward.of(Phrase)
    assert ward.light is LightPattern.FAULT
    ward.alive.add("player")
    ward.run(3.0)
    assert ward.light is LightPattern.PLAYING


def test_conductor_writes_a_phrase_at_once_for_a_player_that_restarted(ward):
    ward.finger(0.2)
    ward.run(20.0)
    known = len(ward.of(Phrase))
    ward.position_s = 0.0
    ward.run(1.5)
    fresh = ward.of(Phrase)[known:]
    assert len(fresh) == 1
    assert fresh[0].start_s == pytest.approx(fresh[0].at_s + 0.25)


@pytest.mark.parametrize(("severity", "light"), [
    (Severity.ATTENTION, LightPattern.ATTENTION), (Severity.ACT_NOW, LightPattern.FAULT),
])
def test_conductor_shows_faults_of_others(ward, severity, light):
    ward.faults["player"] = (Fault(code="device_lost", severity=severity, advice="look at the jack"),)
    ward.run(2.0)
    assert ward.light is light


def test_conductor_restarted_goes_on_where_it_was(ward):
    ward.finger(0.2)
    ward.run(300.0)
    session, target, phrase = ward.of(Session)[-1], ward.of(Target)[-1], ward.of(Phrase)[-1]
    ward.conductor.close()
    ward.clock.sleep(3.0)
    ward.start()
    ward.log.clear()
    ward.run(20.0)
    after = ward.of(Session)[0]
    assert (after.phase, after.seed) == (RUNNING, session.seed)
    assert after.elapsed_s - session.elapsed_s == pytest.approx(after.at_s - session.at_s)
    assert Reason.RESUMED in ward.of(Target)[0].reasons
    assert ward.of(Target)[0].values.tempo_bpm == pytest.approx(target.values.tempo_bpm, abs=0.3)
    fresh = ward.of(Phrase)[0]
    assert fresh.phrase_id == phrase.phrase_id + 1
    assert fresh.start_s >= phrase.start_s + phrase.duration_s - 1e-6


@pytest.mark.parametrize(("away_s", "boot_id"), [(40.0, "boot-1"), (3.0, "boot-2")])
def test_conductor_stays_idle_after_a_long_absence_or_a_reboot(ward, away_s, boot_id):
    ward.finger(0.2)
    ward.run(30.0)
    ward.boot_id = boot_id
    ward.clock.sleep(away_s)
    ward.start()
    ward.log.clear()
    ward.run(2.0)
    assert ward.phase is IDLE
    assert ward.of(Phrase) == []


def test_conductor_without_a_panel_plays_on_and_finds_it_again(ward):
    ward.finger(0.2)
    ward.run(30.0)
    ward.panel.pulled = True
    ward.run(0.1)
    assert [fault.code for fault in ward.conductor.faults()] == ["panel_lost"]
    known = len(ward.of(Phrase))
    ward.run(20.0)
    assert ward.phase is RUNNING
    assert len(ward.of(Phrase)) > known
    assert ward.conductor.faults() == ()
    ward.finger(0.2)
    ward.run(0.1)
    assert ward.phase is ENDING


def test_conductor_stuck_button_is_told_and_leaves_the_device_idle(ward):
    ward.finger(40.0)
    assert ward.phase is IDLE
    assert [fault.code for fault in ward.conductor.faults()] == ["button_stuck"]
    assert ward.light is LightPattern.ATTENTION


def test_conductor_repeats_itself_exactly(tmp_path):
    def play(name):
        ward = Ward(tmp_path / name)
        (tmp_path / name).mkdir()
        ward.run(12.0)
        ward.finger(0.2)
        ward.run(60.0)
        return ward.log

    assert play("one") == play("two")


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
    wires.ground(PINS.button, connected=True)
    phrases = []
    for _ in range(1500):
        clock.sleep(0.02)
        conductor.step()
        if clock.monotonic() > 1000.3:
            wires.ground(PINS.button, connected=False)
        phrases += reader.receive()
    conductor.close()
    assert len(phrases) >= 2
    assert all(phrase.notes for phrase in phrases)
    assert [fault.code for fault in conductor.faults()] == ["melody_model"]
