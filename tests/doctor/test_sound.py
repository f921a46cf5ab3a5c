"""The sound card by its name, and its mixer."""

from __future__ import annotations

import msgspec
import pytest

from device.config import Loudness
from device.doctor.heard import gather
from device.doctor.result import Outcome
from device.doctor.scene import Answer
from device.doctor.sound import cards_of, check_sound, controls_of
from device.messages import Fault, Health, PlayerState, Severity

CARDS = """ 0 [vc4hdmi        ]: vc4-hdmi - vc4-hdmi
                      vc4-hdmi
 1 [Headphones     ]: bcm2835_headpho - bcm2835 Headphones
                      bcm2835 Headphones
 2 [dac            ]: USB-Audio - USB Audio Device
                      C-Media USB Audio Device at usb-0000:01:00.0-1.2, full speed
 3 [Mic            ]: USB-Audio - Headphones Microphone
"""
PCM = """00-00: MAI PCM i2s-hifi-0 : MAI PCM i2s-hifi-0 : playback 1
01-00: bcm2835 Headphones : bcm2835 Headphones : playback 8
02-00: USB Audio : USB Audio : playback 1 : capture 1
03-00: USB Audio : USB Audio : capture 1
"""
JACK = """Simple mixer control 'PCM',0
  Capabilities: pvolume pvolume-joined pswitch pswitch-joined
  Playback channels: Mono
  Limits: Playback -10239 - 400
  Mono: Playback -1000 [87%] [-10.00dB] [on]
"""
DAC = """Simple mixer control 'Speaker',0
  Playback channels: Front Left - Front Right
  Front Left: Playback 100 [66%] [-12.50dB] [on]
  Front Right: Playback 104 [69%] [-12.00dB] [on]
Simple mixer control 'Mic',0
  Mono: Playback 0 [0%] [0.00dB] [off] Capture 10 [50%] [0.00dB] [on]
Simple mixer control 'Auto Gain Control',0
  Capabilities: pswitch pswitch-joined
  Mono: Playback [on]
"""


@pytest.fixture
def machine(stage):
    stage.file("/proc/asound/cards", CARDS)
    stage.file("/proc/asound/pcm", PCM)
    stage.change("player", backend="alsa")
    stage.programs["amixer"] = Answer(JACK, 0)
    return stage


def test_sound_cards_have_all_their_names():
    cards = cards_of(CARDS)
    assert [card.number for card in cards] == [0, 1, 2, 3]
    assert "C-Media" in cards[2].name


def test_sound_mixer_controls_are_those_that_play():
    assert [(one.name, one.level_db, one.is_on) for one in controls_of(DAC)] == [
        ("Speaker", -12.0, True), ("Auto Gain Control", None, True)]


def test_sound_card_is_found_by_name_and_never_one_that_only_records(machine, found):
    results = found(check_sound(machine.scene()))
    assert results["sound.device"].says == "card 1 is there"
    assert machine.asked == [("amixer", "-c", "1", "scontents")]
    assert (results["sound.level"].outcome, results["sound.level"].value) == (Outcome.OK, -10.0)
    assert (results["sound.ceiling"].value, results["sound.ceiling"].unit) == (65.0, "dBA")


@pytest.mark.parametrize(("wanted", "number"), [("c-media", "2"), ("DAC", "2"), ("bcm2835", "1")])
def test_sound_card_by_any_part_of_its_names(machine, wanted, number):
    machine.change("player", device=wanted)
    check_sound(machine.scene())
    assert machine.asked[0][2] == number


@pytest.mark.parametrize(("measured", "outcome"), [
    (None, Outcome.OK), (-10.0, Outcome.OK), (-10.3, Outcome.OK), (-20.0, Outcome.FAILED),
    (0.0, Outcome.ATTENTION)])
def test_sound_level_other_than_measured_is_found(machine, found, measured, outcome):
    machine.change("player", loudness=Loudness(mixer_db=measured))
    result = found(check_sound(machine.scene()))["sound.level"]
    assert result.outcome is outcome
    if outcome is Outcome.FAILED:
        assert "ceiling at the ear does not hold" in result.says


def test_sound_that_is_muted_has_failed(machine, found):
    machine.programs["amixer"] = Answer(JACK.replace("[on]", "[off]"), 0)
    result = found(check_sound(machine.scene()))["sound.level"]
    assert (result.outcome, result.says) == (Outcome.FAILED, "PCM is muted")


def test_sound_mixer_that_cannot_be_asked_is_left_out(machine, found):
    machine.programs.clear()
    result = found(check_sound(machine.scene()))["sound.level"]
    assert result.outcome is Outcome.SKIPPED
    assert "alsa-utils" in result.advice


def test_sound_card_without_a_mixer_is_fine(machine, found):
    machine.programs["amixer"] = Answer("", 0)
    assert found(check_sound(machine.scene()))["sound.level"].outcome is Outcome.OK


@pytest.mark.parametrize(("names", "outcome", "words"), [
    ('["mycard: something (hw:9,0)"]', Outcome.OK, ""),
    ('["HDMI: x"]', Outcome.FAILED, "set player.device to a part of one of: HDMI: x"),
    ("[]", Outcome.FAILED, "enable the jack"),
])
def test_sound_name_that_is_no_card_is_asked_of_portaudio(machine, found, names, outcome, words, monkeypatch):
    machine.change("player", device="mycard")
    monkeypatch.setattr("sys.executable", "python")
    machine.programs["python"] = Answer(f"chatter\n{names}\n", 0)
    result = found(check_sound(machine.scene()))["sound.device"]
    assert result.outcome is outcome
    assert words in result.advice


PLAYING = PlayerState(at_s=1.0, backend="alsa", sounding=False, gain_db=-120.0, loudness_lufs=None,
                      position_s=1.0, phrase_id=None, audible=None, notes_played=0)


def test_sound_name_that_the_player_has_is_not_asked_for_again(machine, found):
    machine.change("player", device="mycard")
    machine.runs("player")
    machine.heard = gather([PLAYING], 2.5)
    assert found(check_sound(machine.scene()))["sound.device"].says == "the player has it"
    assert machine.asked == []


def test_sound_that_the_player_cannot_make_has_failed(machine, found):
    fault = Fault(code="no_audio", severity=Severity.ACT_NOW, advice="no sound output has 'Headphones'")
    health = Health(at_s=1.0, service="player", uptime_s=5.0, late_steps=0, faults=(fault,))
    machine.heard = gather([health, PLAYING], 2.5)
    result = found(check_sound(machine.scene()))["sound.device"]
    assert (result.outcome, result.advice) == (Outcome.FAILED, "no sound output has 'Headphones'")


@pytest.mark.parametrize(("lufs", "outcome"), [(-36.0, Outcome.OK), (-30.0, Outcome.FAILED)])
def test_sound_heard_now_is_held_to_the_ceiling(machine, found, lufs, outcome):
    machine.heard = gather([msgspec.structs.replace(PLAYING, sounding=True, loudness_lufs=lufs)], 2.5)
    result = found(check_sound(machine.scene()))["sound.loudness"]
    assert (result.outcome, result.value) == (outcome, lufs)


def test_sound_to_a_file_has_no_card(stage, found):
    assert found(check_sound(stage.scene()))["sound.device"].outcome is Outcome.SKIPPED
