"""What the light has to say follows from who is heard, what is wrong and whether sound is made."""

import pytest

from device.messages import Fault, Health, LightPattern, PlayerState, SessionPhase, Severity
from device.panel.watch import GRACE_S, MISSING_S, NO_CONTACT_S, SILENCE_S, Watch

BORN_S = 1000.0
EXPECTED = ("sensors", "estimator", "player")
IDLE, RUNNING, ENDING, MUTED = (
    SessionPhase.IDLE, SessionPhase.RUNNING, SessionPhase.ENDING, SessionPhase.MUTED)


def fault(severity):
    return Fault(code="x", severity=severity, advice="look")


def health(service, at_s, *faults):
    return Health(at_s=at_s, service=service, uptime_s=1.0, late_steps=0, faults=faults)


def player(at_s, *, sounding=False, position_s=0.0, phrase_id=None, lufs=-45.0):
    return PlayerState(at_s=at_s, backend="alsa", sounding=sounding, gain_db=0.0,
                       loudness_lufs=lufs if sounding else None, position_s=position_s,
                       phrase_id=phrase_id, audible=None, notes_played=0)


@pytest.fixture
def watch():
    """Everyone was heard well 30 s after birth."""
    watch = Watch(EXPECTED, BORN_S)
    everyone(watch, 1030.0)
    return watch


def everyone(watch, at_s, but=()):
    for service in EXPECTED:
        if service not in but:
            watch.hear_health(health(service, at_s))


def test_watch_all_well_is_ready(watch):
    assert watch.pattern(IDLE, (), 1031.0) is LightPattern.READY
    assert watch.missing(1031.0) == ()


def test_watch_is_dark_until_the_player_is_heard():
    watch = Watch(EXPECTED, BORN_S)
    assert watch.pattern(IDLE, (), 1001.0) is LightPattern.OFF
    watch.hear_player(player(1002.0))
    assert watch.pattern(IDLE, (), 1002.0) is LightPattern.READY


def test_watch_gives_10_s_of_grace_then_calls_red_for_a_missing_player():
    watch = Watch(EXPECTED, BORN_S)
    assert watch.missing(BORN_S + GRACE_S) == ()
    assert set(watch.missing(BORN_S + GRACE_S + 0.1)) == set(EXPECTED)
    assert watch.pattern(IDLE, (), BORN_S + GRACE_S + 0.1) is LightPattern.FAULT


@pytest.mark.parametrize("service", ["sensors", "estimator"])
def test_watch_missing_service_is_amber_after_5_s(watch, service):
    everyone(watch, 1040.0, but=(service,))
    assert watch.pattern(IDLE, (), 1030.0 + MISSING_S) is LightPattern.READY
    assert watch.pattern(IDLE, (), 1040.0) is LightPattern.ATTENTION
    assert watch.missing(1040.0) == (service,)


def test_watch_missing_service_that_returns_is_well_again(watch):
    everyone(watch, 1040.0, but=("sensors",))
    assert watch.pattern(IDLE, (), 1040.0) is LightPattern.ATTENTION
    everyone(watch, 1041.0)
    assert watch.pattern(IDLE, (), 1041.0) is LightPattern.READY


def test_watch_services_that_are_not_expected_are_not_missed(watch):
    watch.hear_health(health("telemetry", 1030.0, fault(Severity.ACT_NOW)))
    everyone(watch, 1040.0)
    assert watch.pattern(IDLE, (), 1040.0) is LightPattern.READY


@pytest.mark.parametrize(("severity", "idle", "playing"), [
    (Severity.INFO, LightPattern.READY, LightPattern.PLAYING),
    (Severity.ATTENTION, LightPattern.ATTENTION, LightPattern.PLAYING_ATTENTION),
    (Severity.ACT_NOW, LightPattern.FAULT, LightPattern.FAULT),
])
def test_watch_severity_of_a_fault_chooses_the_colour(watch, severity, idle, playing):
    watch.hear_health(health("sensors", 1031.0, fault(severity)))
    assert watch.pattern(IDLE, (), 1031.0) is idle
    watch.start(1031.0)
    watch.hear_player(player(1032.0, sounding=True))
    assert watch.pattern(RUNNING, (), 1032.0) is playing


def test_watch_own_faults_count_too(watch):
    assert watch.pattern(IDLE, (fault(Severity.ATTENTION),), 1031.0) is LightPattern.ATTENTION


def test_watch_fault_of_a_service_that_died_is_forgotten_for_its_absence(watch):
    watch.hear_health(health("sensors", 1030.0, fault(Severity.ACT_NOW)))
    everyone(watch, 1040.0, but=("sensors",))
    assert watch.pattern(IDLE, (), 1040.0) is LightPattern.ATTENTION


def test_watch_starting_until_this_sessions_sound(watch):
    watch.hear_player(player(1020.0, sounding=True))
    watch.start(1031.0)
    assert watch.pattern(RUNNING, (), 1031.0) is LightPattern.STARTING
    watch.hear_player(player(1031.3, sounding=True))
    assert watch.pattern(RUNNING, (), 1031.3) is LightPattern.PLAYING


def test_watch_start_without_sound_becomes_red(watch):
    watch.start(1031.0)
    everyone(watch, 1036.0)
    assert watch.pattern(RUNNING, (), 1031.0 + SILENCE_S) is LightPattern.STARTING
    everyone(watch, 1037.0)
    assert watch.pattern(RUNNING, (), 1031.1 + SILENCE_S) is LightPattern.FAULT


def test_watch_silence_in_a_session_becomes_red_but_a_short_gap_does_not(watch):
    watch.start(1031.0)
    watch.hear_player(player(1032.0, sounding=True))
    everyone(watch, 1038.0)
    assert watch.pattern(RUNNING, (), 1034.0) is LightPattern.PLAYING
    assert watch.pattern(RUNNING, (), 1038.5) is LightPattern.FAULT
    watch.hear_player(player(1039.0, sounding=True))
    assert watch.pattern(RUNNING, (), 1039.0) is LightPattern.PLAYING


def test_watch_missing_player_is_red_in_any_session(watch):
    everyone(watch, 1040.0, but=("player",))
    for phase in (IDLE, RUNNING, ENDING):
        assert watch.pattern(phase, (), 1040.0) is LightPattern.FAULT


def test_watch_playing_long_without_contact_is_amber(watch):
    watch.start(1031.0)
    for second in range(1031, 1140):
        everyone(watch, float(second))
        watch.hear_player(player(float(second), sounding=True))
        alone = second - 1031 > NO_CONTACT_S
        expected = LightPattern.PLAYING_ATTENTION if alone else LightPattern.PLAYING
        assert watch.pattern(RUNNING, (), float(second)) is expected
    watch.hear_contact(1139.5)
    assert watch.pattern(RUNNING, (), 1139.5) is LightPattern.PLAYING


@pytest.mark.parametrize(("phase", "pattern"), [(ENDING, LightPattern.ENDING), (MUTED, LightPattern.OFF)])
def test_watch_ending_and_muted(watch, phase, pattern):
    assert watch.pattern(phase, (fault(Severity.ATTENTION),), 1031.0) is pattern


def test_watch_asks_for_a_rating_when_idle_but_never_hides_that_no_sound_can_be_made(watch):
    assert watch.pattern(IDLE, (), 1031.0, asking=True) is LightPattern.RATING
    assert watch.pattern(IDLE, (fault(Severity.ATTENTION),), 1031.0, asking=True) is LightPattern.RATING
    assert watch.pattern(IDLE, (fault(Severity.ACT_NOW),), 1031.0, asking=True) is LightPattern.FAULT
    assert watch.pattern(MUTED, (), 1031.0, asking=True) is LightPattern.OFF


def test_watch_recognises_a_new_player_by_its_position(watch):
    assert not watch.hear_player(player(1031.0, sounding=True, position_s=500.0, phrase_id=4))
    assert not watch.hear_player(player(1031.1, sounding=True, position_s=500.1, phrase_id=4))
    assert watch.hear_player(player(1033.0, position_s=0.2))
    assert not watch.hear_player(player(1033.1, position_s=0.3))


@pytest.mark.parametrize(("first", "knows_nothing"), [
    ({"sounding": False}, True), ({"sounding": True}, True), ({"sounding": True, "phrase_id": 4}, False),
    ({"phrase_id": 4}, False),
])
def test_watch_first_player_heard_is_new_unless_it_has_music(first, knows_nothing):
    assert Watch(EXPECTED, BORN_S).hear_player(player(1001.0, **first)) == knows_nothing


def test_watch_a_player_that_is_open_but_gives_no_sound_is_a_fault(watch):
    watch.start(1031.0)
    for second in range(1, 10):
        everyone(watch, 1031.0 + second)
        watch.hear_player(player(1031.0 + second, sounding=True, lufs=None))
    assert watch.pattern(RUNNING, (), 1031.0 + SILENCE_S - 0.5) is LightPattern.STARTING
    assert watch.pattern(RUNNING, (), 1031.0 + SILENCE_S + 0.5) is LightPattern.FAULT


def test_watch_music_that_fell_silent_in_an_open_player_is_a_fault(watch):
    watch.start(1031.0)
    watch.hear_player(player(1032.0, sounding=True))
    assert watch.pattern(RUNNING, (), 1033.0) is LightPattern.PLAYING
    watch.hear_player(player(1037.0, sounding=True, lufs=None))
    everyone(watch, 1038.5)
    assert watch.pattern(RUNNING, (), 1032.5 + SILENCE_S) is LightPattern.FAULT
