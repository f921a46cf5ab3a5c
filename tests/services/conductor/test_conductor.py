"""Whole sessions on a manual clock: a finger on simulated wires in, messages on the bus out."""

from itertools import pairwise

import pytest

from device.config import Settings
from device.messages import (
    LightPattern,
    Panel,
    Phrase,
    Reason,
    Session,
    SessionPhase,
    Target,
)

PINS = Settings(unit_id="x").panel
IDLE, RUNNING, ENDING, MUTED = (
    SessionPhase.IDLE, SessionPhase.RUNNING, SessionPhase.ENDING, SessionPhase.MUTED)


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


def test_conductor_repeats_itself_exactly(new_ward, tmp_path):
    def play(name):
        ward = new_ward(tmp_path / name)
        (tmp_path / name).mkdir()
        ward.run(12.0)
        ward.finger(0.2)
        ward.run(60.0)
        return ward.log

    assert play("one") == play("two")
