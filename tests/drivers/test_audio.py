"""Sound output: choice of the device, the file back-end, standstill, and a crash-free ALSA."""

from __future__ import annotations

import os
import subprocess
import sys
import wave
from pathlib import Path

import pytest

from drivers import audio as audio_driver
from drivers.audio import AudioSettings, FileOut, StallCheck, choose_device, open_audio
from drivers.errors import DeviceLost

RATE_HZ, FRAMES = 44_100, 512
NULL_CARDS = """
pcm.HDMI { type null hint { show on description "screen" } }
pcm.Headphones { type null hint { show on description "jack" } }
pcm.!default { type null }
ctl.!default { type null }
"""  # PortAudio aborts on a configuration without a default


def file_settings(record: str = "") -> AudioSettings:
    return AudioSettings("file", "", RATE_HZ, FRAMES, record)


def open_file(record: str = "") -> FileOut:
    audio = open_audio(file_settings(record))
    assert isinstance(audio, FileOut)
    return audio


def test_choose_device_takes_the_first_name_that_contains_the_wanted_part() -> None:
    names = ["vc4-hdmi: MAI (hw:0,0)", "bcm2835 Headphones: - (hw:1,0)", "USB Headphones (hw:2,0)"]
    assert choose_device("Headphones", names, [0, 3, 5]) == 3
    assert choose_device("usb head", names, [0, 3, 5]) == 5


def test_choose_device_lists_the_names_that_exist() -> None:
    with pytest.raises(DeviceLost, match=r"'Headphones'.*player\.device.*HDMI 0; HDMI 1"):
        choose_device("Headphones", ["HDMI 0", "HDMI 1"], [0, 1])


def test_choose_device_without_any_output_says_so() -> None:
    with pytest.raises(DeviceLost, match="no sound output; plug in"):
        choose_device("Headphones", [], [])


def test_stall_check_allows_a_second_of_standstill() -> None:
    check = StallCheck(limit_s=1.0)
    assert not any(check.stalled(0.1 * step, 512) for step in range(11))
    assert check.stalled(1.2, 512)


def test_stall_check_starts_again_when_the_position_moves() -> None:
    check = StallCheck(limit_s=1.0)
    assert not any(check.stalled(0.1 * step, step // 8) for step in range(200))


def test_stall_check_does_not_blame_the_card_for_a_suspended_process() -> None:
    check = StallCheck(limit_s=1.0)
    assert not check.stalled(0.0, 512)
    assert not check.stalled(60.0, 512)
    assert not check.stalled(60.01, 1024)


def test_file_output_computes_what_the_clock_asks_for() -> None:
    audio = open_file()
    asked: list[float] = []
    try:
        audio.pump(5.0, asked.append)
        assert audio.position_samples() == 0
        audio.pump(5.5, asked.append)
        assert audio.position_samples() == (22_050 // FRAMES) * FRAMES
        audio.pump(5.5, asked.append)
        assert len(asked) == 22_050 // FRAMES
    finally:
        audio.close()
    assert asked[0] == pytest.approx(5.0 + 0.5 * FRAMES / RATE_HZ)
    assert asked[-1] - asked[0] == pytest.approx((len(asked) - 1) * FRAMES / RATE_HZ)


def test_file_output_bounds_one_call_and_catches_up_in_the_next() -> None:
    audio = open_file()
    try:
        audio.pump(0.0, lambda _: None)
        audio.pump(3.0, lambda _: None)
        assert audio.position_samples() / RATE_HZ == pytest.approx(2.0, abs=0.02)
        audio.pump(3.0, lambda _: None)
        assert audio.position_samples() / RATE_HZ == pytest.approx(3.0, abs=0.02)
    finally:
        audio.close()


def test_file_output_records_16_bit_stereo_with_a_finished_header(tmp_path: Path) -> None:
    path = tmp_path / "out.wav"
    audio = open_file(str(path))
    audio.pump(0.0, lambda _: None)
    audio.pump(1.0, lambda _: None)
    audio.close()
    audio.close()  # closing twice is harmless
    with wave.open(str(path)) as recording:
        assert (recording.getnchannels(), recording.getsampwidth()) == (2, 2)
        assert recording.getframerate() == RATE_HZ
        assert recording.getnframes() == audio.position_samples()


def test_open_audio_refuses_a_recording_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(DeviceLost, match=r"absent/out\.wav.*player\.record"):
        open_audio(file_settings(str(tmp_path / "absent" / "out.wav")))


def run_python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], env={**os.environ, **environment}, timeout=60,
                          capture_output=True, text=True, check=False)


OPEN_AND_TELL = """
import os
import time
from drivers import audio as audio_driver
from drivers.audio import AudioSettings, open_audio
from drivers.errors import DeviceLost
try:
    audio = open_audio(AudioSettings({backend!r}, {device!r}, 44100, 512, ""))
except DeviceLost as error:
    print("lost:", error)
else:
    deadline = time.monotonic() + 5.0
    while not audio.position_samples() and time.monotonic() < deadline:
        time.sleep(0.01)
    print("open", audio.position_samples() > 0, flush=True)
    os._exit(0)  # ALSA's null device takes buffers without waiting, so that closing it may take seconds
"""


def test_open_audio_without_the_sound_card_neither_crashes_nor_chatters() -> None:
    told = run_python(OPEN_AND_TELL.format(backend="alsa", device="no such card 4711"))
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.startswith("lost: ")
    assert "sound output" in told.stdout


def test_open_audio_finds_an_alsa_device_by_a_part_of_its_name(tmp_path: Path) -> None:
    cards = tmp_path / "asound.conf"
    cards.write_text(NULL_CARDS)
    told = run_python(OPEN_AND_TELL.format(backend="alsa", device="headph"), ALSA_CONFIG_PATH=str(cards))
    assert (told.returncode, told.stdout) == (0, "open True\n")
    told = run_python(OPEN_AND_TELL.format(backend="alsa", device="USB"), ALSA_CONFIG_PATH=str(cards))
    assert "HDMI; Headphones; default" in told.stdout


def test_open_audio_without_a_jack_server_says_so_and_starts_none() -> None:
    told = run_python(OPEN_AND_TELL.format(backend="jack", device=""), JACK_DEFAULT_SERVER="no-such-server")
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout == "lost: no JACK server is running; start jackd\n"


def test_alsa_without_its_own_configuration_says_what_to_install(tmp_path, monkeypatch) -> None:
    monkeypatch.delenv("ALSA_CONFIG_PATH", raising=False)
    monkeypatch.setattr(audio_driver, "ALSA_CONFIG", tmp_path / "alsa.conf")
    assert audio_driver.output_names() == []
    with pytest.raises(DeviceLost, match="libasound2-data"):
        open_audio(AudioSettings("alsa", "Headphones", RATE_HZ, FRAMES, ""))
