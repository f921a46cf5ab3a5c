"""A made-up session of three minutes whose figures are known, and the folder it would leave."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

from device.desk.journal import JournalWriter
from device.desk.score import write_midi
from device.messages import (
    EegBlock,
    Fault,
    Features,
    Health,
    LightPattern,
    Message,
    MusicalTarget,
    Note,
    Panel,
    Phrase,
    PlayerState,
    Quality,
    Reason,
    SampleBlock,
    Session,
    SessionPhase,
    Severity,
    Stress,
    StressBand,
    Target,
    Truth,
)
from device.vitals import EdaFeatures, EegFeatures, PpgFeatures, TemperatureFeatures

START_S = 1000.0
PRESS_S = 10.0  # after the start; the player says at 10.5 that it sounds
SILENCE_S = 10.25  # of the recording, whose first sample was played at the start
END_S = 180.0
RATE_HZ = 44_100
SERVICES = ("sensors", "headset", "estimator", "conductor", "player", "telemetry")


def target_at(second: float) -> MusicalTarget:
    falling = max(0.0, 1 - second / END_S)
    return MusicalTarget(
        pitch=0.3 + 0.2 * falling, tempo_bpm=60 + 15 * falling, timbre=0.2 + 0.5 * falling,
        intensity=0.5, density=0.2 + 0.4 * falling, percussiveness=0.3 * falling)


def body(second: float) -> Iterator[Message]:
    """Arousal falls in a straight line; the estimate is 0.1 above it and unknown from 60 to 77 s."""
    at_s = START_S + second
    arousal = 0.8 - 0.6 * second / END_S
    bpm = 60 + 20 * arousal
    known = not 60 <= second < 78
    yield Truth(at_s=at_s, arousal=arousal, label="", skin_us=2 + 3 * arousal, hr_bpm=bpm, skin_c=32.0)
    yield SampleBlock(
        at_s=at_s, signal="eda", start_s=at_s, rate_hz=10.0, quality=Quality.GOOD,
        values=tuple(2 + 3 * arousal + 0.05 * math.sin(tenth) for tenth in range(10)))
    yield EegBlock(at_s=at_s, start_s=at_s, rate_hz=250.0, microvolts=((1.0,) * 8,) * 4, lost_samples=0)
    yield Features(
        at_s=at_s, window_s=60.0,
        eda=EdaFeatures(tonic_us=1.9 + 3 * arousal, tonic_slope_us_per_min=-0.5, scr_per_min=6 * arousal,
                        scr_amplitude_us=0.2, quality=0.9),
        ppg=PpgFeatures(hr_bpm=bpm + 2, rmssd_ms=50 - 25 * arousal, sdnn_ms=55.0, pulse_amplitude_v=0.4,
                        quality=0.9 if second >= 20 else 0.1),
        temperature=TemperatureFeatures(celsius=31.8, slope_c_per_min=0.0, quality=1.0),
        eeg=EegFeatures(theta=0.2, alpha=0.5 - 0.3 * arousal, beta=0.2, beta_alpha=0.5, theta_beta=1.0,
                        good_channels=7, quality=0.9))
    yield Stress(
        at_s=at_s, level=arousal + 0.1 if known else None, confidence=0.8 if known else 0.0,
        band=StressBand.MEDIUM if known else StressBand.UNKNOWN,
        sources=("eda", "ppg") if known else (), reason="" if known else "no skin contact")


def unit(second: float) -> Iterator[Message]:
    """The sensors lose contact from 60 s on for 18 s."""
    at_s = START_S + second
    lost = 60 <= second < 78
    open_lead = Fault(
        code="sensors.open", severity=Severity.ATTENTION, advice="check the finger <clip> & cable")
    for service in SERVICES:
        faults = (open_lead,) if service == "sensors" and lost else ()
        yield Health(at_s=at_s, service=service, uptime_s=second + 5, faults=faults,
                     late_steps=2 if service == "player" and second > 90 else 0)
    if second < PRESS_S:
        phase, light = SessionPhase.IDLE, LightPattern.READY
    elif second < 165:
        phase = SessionPhase.RUNNING
        light = LightPattern.PLAYING_ATTENTION if lost else LightPattern.PLAYING
    elif second < 178:
        phase, light = SessionPhase.ENDING, LightPattern.ENDING
    else:
        phase, light = SessionPhase.IDLE, LightPattern.READY
    yield Session(at_s=at_s, phase=phase, seed=0 if phase is SessionPhase.IDLE else 7, duration_s=180.0,
                  elapsed_s=max(0.0, second - PRESS_S), fade_s=12.0)
    yield Panel(at_s=at_s, light=light, button_down=second == PRESS_S,
                rgb=(0.9, 0.6, 0.0) if lost else (0.0, 0.5 + 0.3 * math.sin(second), 0.7))
    if second > PRESS_S:
        reasons = (Reason.STRESS_UNKNOWN,) if lost else (Reason.ARC, Reason.STRESS_DOWN)
        yield Target(at_s=at_s, values=target_at(second), reasons=reasons, elapsed_s=second - PRESS_S,
                     loop="open" if lost else "closed")


def make_phrase(number: int, start_s: float) -> Phrase:
    """Eight beats: a held pad, two bass notes, eight melody notes."""
    melody = tuple(
        Note(voice="melody", pitch=72 + (number + beat * 2) % 12, start_beat=float(beat), beats=0.5,
             velocity=0.5) for beat in range(8))
    return Phrase(
        at_s=start_s - 1, phrase_id=number, start_s=start_s, beats=8.0, target=target_at(start_s - START_S),
        notes=(Note(voice="pad", pitch=60, start_beat=0.0, beats=8.0, velocity=0.4),
               Note(voice="bass", pitch=36, start_beat=0.0, beats=4.0, velocity=0.6),
               Note(voice="bass", pitch=43, start_beat=4.0, beats=4.0, velocity=0.6), *melody))


def make_messages() -> list[Message]:
    messages: list[Message] = []
    for second in range(int(END_S) + 1):
        messages += [*body(float(second)), *unit(float(second))]
    start_s, number = START_S + PRESS_S + 0.5, 0
    while start_s < START_S + 165:
        phrase = make_phrase(number, start_s)
        messages.append(phrase)
        start_s, number = start_s + phrase.duration_s, number + 1
    for tenth in range(int(END_S * 10) + 1):
        sounding = 105 <= tenth < 1770
        messages.append(PlayerState(
            at_s=START_S + tenth / 10, backend="file", sounding=sounding, gain_db=-20.0,
            loudness_lufs=-38.0 if sounding else None, position_s=tenth / 10, phrase_id=None,
            audible=None, notes_played=tenth))
    return sorted(messages, key=lambda message: message.at_s)


def make_sound() -> np.ndarray:
    """Silence, then a chord that fades in over 10 s to a peak of 0.05, then silence again."""
    seconds = np.arange(int(END_S * RATE_HZ)) / RATE_HZ
    chord = sum(np.sin(2 * np.pi * hz * seconds) for hz in (220.0, 277.2, 329.6)) / 3
    shape = np.interp(seconds, [0, SILENCE_S, SILENCE_S + 10, 165, 177, END_S], [0, 0, 1, 1, 0, 0])
    left = 0.05 * shape * chord
    return np.stack([left, left], axis=1)


@pytest.fixture(scope="session")
def messages() -> list[Message]:
    """A session of three minutes, message by message."""
    return make_messages()


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory, messages: list[Message]) -> Path:
    """The folder that the session would leave, without a report."""
    folder = tmp_path_factory.mktemp("run")
    with JournalWriter(folder / "journal.bin") as journal:
        for message in messages:
            journal.write(message)
    write_midi(folder / "session.mid", [message for message in messages if isinstance(message, Phrase)])
    wavfile.write(folder / "session.wav", RATE_HZ, np.round(make_sound() * 32767).astype(np.int16))
    beat = {"topic": "tranquillo/fleet/desk/health", "payload": {"ok": True}, "retain": True, "at": 1.0}
    lines = [beat] * 3
    lines.append({"topic": "tranquillo/sessions", "payload": {"stress": "low"}, "retain": False, "at": 2.0})
    (folder / "mqtt.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / "run.toml").write_text(
        'unit_id = "desk"\nplayer.backend = "file"\n[simulator]\npatient = "sim"\nseed = 5\n')
    return folder
