"""Services, player, panel and the conductor itself die and return; the music goes on."""

import pytest

from device.config import Settings
from device.messages import (
    Fault,
    LightPattern,
    Phrase,
    Reason,
    Session,
    SessionPhase,
    Severity,
    Target,
)

PINS = Settings(unit_id="x").panel
IDLE, RUNNING, ENDING, MUTED = (
    SessionPhase.IDLE, SessionPhase.RUNNING, SessionPhase.ENDING, SessionPhase.MUTED)


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
    ward.restart_player()
    ward.run(4.0)
    fresh = ward.of(Phrase)[known:]
    assert len(fresh) == 1
    assert fresh[0].start_s == pytest.approx(fresh[0].at_s + 0.25)
    assert any(session.at_s == fresh[0].at_s for session in ward.of(Session)), "told the session first"


def test_conductor_writes_a_phrase_at_once_for_a_player_whose_sound_comes_late(ward):
    ward.alive.remove("player")
    ward.finger(0.2)
    ward.run(4.0)
    ward.alive.add("player")
    ward.ear.receive()
    known = len(ward.of(Phrase))
    ward.run(4.0)
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


def test_conductor_whose_panel_is_lost_while_silenced_becomes_idle(ward):
    ward.finger(0.2)
    ward.run(30.0)
    ward.wires.ground(PINS.button, connected=True)
    ward.run(2.5)
    assert ward.phase is MUTED
    ward.panel.pulled = True
    ward.run(0.1)
    assert ward.phase is IDLE
    ward.run(5.0)
    assert ward.phase is MUTED, "the finger that still holds may silence, not start"
    ward.wires.ground(PINS.button, connected=False)
    ward.run(0.2)
    assert ward.phase is IDLE


def test_conductor_whose_light_cannot_be_driven_plays_on_and_opens_it_again(ward):
    ward.finger(0.2)
    ward.run(5.0)
    ward.panel.dark = True
    ward.run(0.1)
    assert [fault.code for fault in ward.conductor.faults()] == ["panel_lost"]
    ward.run(2.0)
    assert ward.conductor.faults() == ()
    assert ward.phase is RUNNING
    assert ward.wires.driven(PINS.blue) > 0.0


def test_conductor_stuck_button_is_told_and_leaves_the_device_idle(ward):
    ward.finger(40.0)
    assert ward.phase is IDLE
    assert [fault.code for fault in ward.conductor.faults()] == ["button_stuck"]
    assert ward.light is LightPattern.ATTENTION
