"""The player service: as a worker on a manual clock, and as the real process on real back-ends."""

from __future__ import annotations

import hashlib
import itertools
import os
import shutil
import signal
import subprocess
import sys
import time
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest

from device.bus import LocalHub, ZmqBus
from device.clock import ManualClock
from device.config import Player, Program, Settings
from device.desk.jack import JackServer
from device.errors import EXIT_AUDIO_LOST, EXIT_OK
from device.messages import (
    Health,
    Message,
    MusicalTarget,
    Note,
    Phrase,
    PlayerState,
    Session,
    SessionPhase,
    Severity,
)
from device.services.player import ROOT, Sound
from drivers.audio import AudioSettings, open_audio
from drivers.open import Parts

TARGET = MusicalTarget(pitch=0.5, tempo_bpm=60.0, timbre=0.5, intensity=0.6, density=0.5, percussiveness=0.4)
AUDIBLE = 1e-3  # -60 dBFS
NAMES = itertools.count()


def session(at_s: float, phase: SessionPhase = SessionPhase.RUNNING, elapsed_s: float = 0.0) -> Session:
    return Session(at_s=at_s, phase=phase, seed=3, elapsed_s=elapsed_s, duration_s=180.0, fade_s=8.0)


def phrase(number: int, start_s: float) -> Phrase:
    pad = [Note(voice="pad", pitch=p, start_beat=0.0, beats=4.0, velocity=0.6) for p in (50, 57, 62, 65)]
    melody = [Note(voice="melody", pitch=74 + 2 * (b % 3), start_beat=b, beats=1.0, velocity=0.6)
              for b in range(4)]
    return Phrase(at_s=start_s, phrase_id=number, start_s=start_s, beats=4.0, notes=(*pad, *melody),
                  target=TARGET)


def samples(path: Path) -> np.ndarray:
    with wave.open(str(path)) as recording:
        assert recording.getframerate() == 44_100
        assert recording.getnchannels() == 2
        assert recording.getsampwidth() == 2
        raw = recording.readframes(recording.getnframes())
    return np.frombuffer(raw, "<i2").reshape(-1, 2).astype(float) / 32_768


def render(path: Path, seconds: float, script: Callable[[float], list[Message]]) -> list[PlayerState]:
    """Step the worker on a manual clock; `script` is asked at each step for the messages of that time."""
    hub, clock = LocalHub(), ManualClock()
    listener = hub.connect((PlayerState,))
    settings = Settings(unit_id="test", player=Player(backend="file", record=str(path)))
    worker = ROOT.build(settings, clock, hub.connect(ROOT.reads), Parts({}))
    states: list[PlayerState] = []
    start_s = clock.monotonic()
    try:
        for step in range(round(seconds / worker.period_s)):
            clock.advance_to(start_s + step * worker.period_s)
            for message in script(clock.monotonic() - start_s):
                listener.publish(message)
            worker.step()
            states += [m for m in listener.receive() if isinstance(m, PlayerState)]
        assert worker.faults() == ()
    finally:
        worker.close()
    return states


def sitting(at: float) -> list[Message]:
    """A session from 1 s on: a phrase every 4 s, two seconds ahead; silenced at once at 14 s."""
    step, origin = round(at * 100), 1000.0
    said: list[Message] = []
    if step >= 100 and step % 100 == 0:
        said.append(session(origin + at, SessionPhase.RUNNING if at < 14.0 else SessionPhase.MUTED))
    if step >= 100 and (step - 100) % 400 == 0:
        said.append(phrase(step // 400, origin + at + 2.0))
    return said


class Halting:
    """A back-end that takes sound at the clock's pace, unless the whole machine is suspended."""

    backend, rate_hz, frames = "file", 44_100, 512

    def __init__(self, path: Path) -> None:
        self._out = open_audio(AudioSettings("file", "", self.rate_hz, self.frames, str(path)))
        self.server = self._out.server
        self.close = self._out.close
        self._taken = 0

    def position_samples(self) -> int:
        return self._taken * self.frames

    def play(self, sound: Sound, start_s: float, end_s: float) -> None:
        """Take the sound of that time, asking every 10 ms as a player's step does."""
        for step in range(round((end_s - start_s) * 100)):
            sound.before_buffer(start_s + step / 100)
            for _ in range(round((step + 1) * 0.01 * self.rate_hz / self.frames)
                           - round(step * 0.01 * self.rate_hz / self.frames)):
                self.server.process()
                self._taken += 1


def test_player_fades_in_again_after_a_suspension_at_any_moment(tmp_path: Path) -> None:
    audio = Halting(tmp_path / "a.wav")
    sound = Sound(Settings(unit_id="x"), audio)
    try:
        sound.playback.receive(session(1.0), 1.0)
        sound.playback.receive(phrase(0, 1.2), 1.0)
        audio.play(sound, 1.0, 1.6)
        in_fade_in = sound.playback.fade(1.6)
        audio.play(sound, 10.0, 10.1)
        assert sound.playback.fade(10.1) < in_fade_in, "suspended during the fade-in: not at full level"
        sound.playback.receive(session(10.1), 10.1)
        audio.play(sound, 10.1, 25.0)
        assert sound.playback.fade(25.0) == pytest.approx(1.0), "no further fade without a hole"
        audio.play(sound, 31.0, 31.2)
        assert sound.playback.fade(31.2) < 0.4
    finally:
        audio.close()


def test_player_on_a_manual_clock_starts_silent_sounds_and_mutes(tmp_path: Path) -> None:
    states = render(tmp_path / "a.wav", 17.0, sitting)
    heard = np.abs(samples(tmp_path / "a.wav")).max(axis=1)
    first_s = int(np.argmax(heard > AUDIBLE)) / 44_100
    assert heard[:44_100].max() == 0.0
    assert 1.0 < first_s < 1.5
    assert heard[int(14.1 * 44_100):].max() == 0.0  # MUTED at 14.0 s: silent within 100 ms
    assert heard[int(13.0 * 44_100):14 * 44_100].max() > 5 * AUDIBLE
    playing = [s for s in states if s.sounding]
    assert len(playing) == pytest.approx(130, abs=3)  # 13 s at 10 Hz
    assert all(s.loudness_lufs is None and s.audible is None for s in states if not s.sounding)
    assert playing[-1].audible == TARGET
    assert playing[-1].notes_played == pytest.approx(24, abs=3)
    assert playing[-1].loudness_lufs == pytest.approx(-44.0, abs=4.0)
    assert playing[-1].position_s == pytest.approx(14.0, abs=0.15)
    idle = [s for s in states if not s.sounding]
    assert len(idle) == pytest.approx(5, abs=1)  # 1 Hz before and after


def test_player_gives_the_same_bytes_twice(tmp_path: Path) -> None:
    digests = set()
    for name in ("one.wav", "two.wav"):
        subprocess.run([sys.executable, __file__, str(tmp_path / name)], check=True, timeout=120)
        digests.add(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
    assert len(digests) == 1


class Service:
    """The real process, a bus to it, and what it has said."""

    def __init__(self, folder: Path, player: Player, environment: dict[str, str]) -> None:
        self.folder = folder
        settings = Settings(unit_id="test", run_dir=str(folder), program=Program(minutes=5), player=player)
        self._config = folder / "player.toml"
        self._config.write_text(_toml(settings))
        self._environment = {**os.environ, **environment}
        self.bus = ZmqBus(folder, "conductor", (PlayerState, Health))
        self.messages: list[Message] = []
        self.start()

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "device.services.player", "--config", str(self._config)],
                env=self._environment, stderr=log, stdout=log)

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def until(self, wanted: Callable[[Message], bool], timeout_s: float = 40.0) -> Message:
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            self.bus.wait(0.1)
            for message in self.bus.receive():
                self.messages.append(message)
                if wanted(message):
                    return message
        pytest.fail(f"the player never said it; log: {self.log()}")

    def exit_code(self, timeout_s: float) -> int:
        return self.process.wait(timeout_s)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.bus.close()


def _toml(settings: Settings) -> str:
    player = msgspec.to_builtins(settings.player)
    lines = [f'unit_id = "{settings.unit_id}"', f'run_dir = "{settings.run_dir}"', "[player]"]
    lines += [f"{key} = {value!r}".replace("'", '"') for key, value in player.items() if key != "loudness"]
    return "\n".join([*lines, f"loudness.full_scale_dba = {settings.player.loudness.full_scale_dba}", ""])


def sounding(message: Message) -> bool:
    return isinstance(message, PlayerState) and message.sounding


def silent(message: Message) -> bool:
    return isinstance(message, PlayerState) and not message.sounding


def play(service: Service, elapsed_s: float = 0.0) -> None:
    """Ask for sound until the player says that there is some."""
    service.until(silent)
    deadline = time.monotonic() + 30.0
    for number in itertools.count():
        now = time.monotonic()
        if now > deadline:
            pytest.fail(f"no sound; log: {service.log()}")
        service.bus.publish(session(now, elapsed_s=elapsed_s))
        service.bus.publish(phrase(number, now + 0.2))
        service.bus.wait(0.2)
        if any(sounding(m) for m in service.bus.receive()):
            return


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Service]]:
    started: list[Service] = []

    def begin(player: Player, **environment: str) -> Service:
        started.append(Service(tmp_path, player, environment))
        return started[-1]

    yield begin
    for service in started:
        service.close()


@pytest.fixture
def jack(tmp_path: Path) -> Iterator[JackServer]:
    if shutil.which("jackd") is None:
        pytest.skip("jackd is not installed (Debian package jackd2)")
    server = JackServer(f"tranquillo-test-{os.getpid()}-{next(NAMES)}", tmp_path / "jackd.log")
    yield server
    server.close()


def test_player_plays_through_jack_at_the_right_pace(start: Callable[..., Service], jack: JackServer,
                                                     tmp_path: Path) -> None:
    jack.start()
    service = start(Player(backend="jack", record=str(tmp_path / "jack.wav")), JACK_DEFAULT_SERVER=jack.name)
    play(service)
    first = service.until(sounding)
    deadline = time.monotonic() + 2.0
    last = service.until(lambda m: sounding(m) and time.monotonic() > deadline)
    assert isinstance(first, PlayerState)
    assert isinstance(last, PlayerState)
    assert first.backend == "jack"
    pace = (last.position_s - first.position_s) / (last.at_s - first.at_s)
    assert pace == pytest.approx(1.0, abs=0.05)
    service.process.send_signal(signal.SIGTERM)
    assert service.exit_code(5.0) == EXIT_OK
    assert np.abs(samples(tmp_path / "jack.wav")).max() > AUDIBLE


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGSTOP])
def test_player_leaves_with_the_audio_code_when_jack_dies(
        start: Callable[..., Service], jack: JackServer, blow: signal.Signals) -> None:
    jack.start()
    service = start(Player(backend="jack"), JACK_DEFAULT_SERVER=jack.name)
    play(service)
    jack.send(blow)
    struck_s = time.monotonic()
    assert service.exit_code(8.0) == EXIT_AUDIO_LOST
    assert time.monotonic() - struck_s < 4.0
    assert "Traceback" not in service.log()
    assert "stopped taking sound" in service.log()


def test_player_waits_for_a_jack_server_with_a_fault_and_then_plays(
        start: Callable[..., Service], jack: JackServer) -> None:
    service = start(Player(backend="jack"), JACK_DEFAULT_SERVER=jack.name)
    health = service.until(lambda m: isinstance(m, Health) and bool(m.faults))
    assert isinstance(health, Health)
    assert health.faults[0].code == "no_audio"
    assert "jackd" in health.faults[0].advice
    jack.start()
    service.until(lambda m: isinstance(m, Health) and not m.faults)
    play(service)
    assert service.process.poll() is None


def test_player_without_a_sound_card_says_so_and_stays(start: Callable[..., Service]) -> None:
    service = start(Player(backend="alsa", device="no such card 4711"))
    health = service.until(lambda m: isinstance(m, Health) and bool(m.faults))
    assert isinstance(health, Health)
    assert health.faults[0].severity is Severity.ACT_NOW
    assert health.faults[0].code == "no_audio"
    state = service.until(silent)
    assert isinstance(state, PlayerState)
    assert state.position_s == 0.0
    service.process.send_signal(signal.SIGTERM)
    assert service.exit_code(5.0) == EXIT_OK
    assert "Traceback" not in service.log()
    assert "ALSA lib" not in service.log()
    assert service.log().count("no_audio") == 1  # logged once, not at every attempt


def test_player_recording_survives_termination(start: Callable[..., Service], tmp_path: Path) -> None:
    service = start(Player(backend="file", record=str(tmp_path / "file.wav")))
    play(service)
    last = service.until(lambda m: sounding(m) and isinstance(m, PlayerState) and m.position_s > 1.5)
    service.process.send_signal(signal.SIGTERM)
    assert service.exit_code(5.0) == EXIT_OK
    assert isinstance(last, PlayerState)
    recorded = samples(tmp_path / "file.wav")
    assert len(recorded) / 44_100 >= last.position_s - 0.02
    assert np.abs(recorded).max() > AUDIBLE
    assert np.abs(recorded[-2000:]).max() < AUDIBLE / 10.0, "it has faded, and is not cut off"
    loud = [np.abs(part).max() for part in np.array_split(recorded[-44_100:], 5)]
    assert loud == sorted(loud, reverse=True)


def test_player_restarted_in_a_session_fades_in_from_silence(start: Callable[..., Service],
                                                             tmp_path: Path) -> None:
    service = start(Player(backend="file", record=str(tmp_path / "again.wav")))
    play(service)
    service.process.kill()
    service.process.wait()
    service.start()
    killed_s = time.monotonic()
    service.until(silent)  # the new process
    play(service, elapsed_s=60.0)
    assert time.monotonic() - killed_s < 5.0
    deadline = time.monotonic() + 1.5
    service.until(lambda m: sounding(m) and time.monotonic() > deadline)
    gains = [m.gain_db for m in service.messages if isinstance(m, PlayerState) and m.sounding][-12:]
    assert gains == sorted(gains)
    assert gains[-1] < -24.0  # still well below the -21 dB of full level
    service.process.send_signal(signal.SIGTERM)
    assert service.exit_code(5.0) == EXIT_OK


if __name__ == "__main__":
    render(Path(sys.argv[1]), 17.0, sitting)
