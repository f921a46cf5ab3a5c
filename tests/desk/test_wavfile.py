"""WAV files of every format that a player may write, whole and cut short."""

from __future__ import annotations

import struct
import wave
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

from device.desk.wavfile import EXTENSIBLE, PCM, WavFile
from device.errors import RecordingError

RATE_HZ = 44_100


def ramp(frames: int = 1000) -> np.ndarray:
    left = np.linspace(-0.9, 0.9, frames)
    return np.stack([left, -left / 2], axis=1)


def read(path: Path, frames: int = 300) -> np.ndarray:
    return np.concatenate(list(WavFile(path).blocks(frames)))


@pytest.mark.parametrize(("kind", "scale", "tolerance"), [
    (np.int16, 2**15, 2.0**-15), (np.int32, 2**31, 2.0**-30), (np.float32, 1, 1e-7),
])
def test_wav_of_each_sample_type_gives_the_same_numbers(
    tmp_path: Path, kind: type, scale: int, tolerance: float
) -> None:
    path = tmp_path / "sound.wav"
    wavfile.write(path, RATE_HZ, (ramp() * scale).astype(kind))

    wav = WavFile(path)

    assert (wav.rate_hz, wav.channels, wav.frames) == (RATE_HZ, 2, 1000)
    np.testing.assert_allclose(read(path), ramp(), atol=tolerance)


def test_wav_of_24_bits_keeps_sign_and_scale(tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    counts = np.array([0, 1, -1, 2**23 - 1, -(2**23)], dtype="<i4")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(3)
        file.setframerate(RATE_HZ)
        file.writeframes(counts.view(np.uint8).reshape(-1, 4)[:, :3].tobytes())

    np.testing.assert_allclose(read(path)[:, 0], counts / 2**23, atol=0)


def test_wav_in_extensible_format_is_read(tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    samples = np.array([1000, -1000], dtype="<i2").tobytes()
    header = struct.pack("<HHIIHHHHIH14x", EXTENSIBLE, 1, RATE_HZ, RATE_HZ * 2, 2, 16, 22, 16, 4, PCM)
    body = (b"WAVE" + b"fmt " + struct.pack("<I", len(header)) + header
            + b"LIST" + struct.pack("<I", 3) + b"abc\0" + b"data" + struct.pack("<I", len(samples)) + samples)
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)

    np.testing.assert_allclose(read(path)[:, 0], [1000 / 2**15, -1000 / 2**15])


@pytest.mark.parametrize("size", [0, 2**32 - 1])
def test_wav_whose_writer_was_killed_is_read_to_its_end(tmp_path: Path, size: int) -> None:
    path = tmp_path / "sound.wav"
    wavfile.write(path, RATE_HZ, (ramp() * 2**15).astype(np.int16))
    whole = path.read_bytes()
    at = whole.index(b"data") + 4
    path.write_bytes(whole[:4] + bytes(4) + whole[8:at] + struct.pack("<I", size) + whole[at + 4:-3])

    wav = WavFile(path)

    assert wav.frames == 999
    np.testing.assert_allclose(read(path), ramp()[:999], atol=2.0**-15)


def test_wav_blocks_have_the_length_that_was_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    wavfile.write(path, RATE_HZ, np.zeros((1000, 2), np.int16))

    assert [block.shape for block in WavFile(path).blocks(400)] == [(400, 2), (400, 2), (200, 2)]


def test_wav_absent_empty_or_foreign_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    with pytest.raises(RecordingError, match=r"sound\.wav: cannot be read"):
        WavFile(path)
    path.write_bytes(b"")
    with pytest.raises(RecordingError, match=r"sound\.wav: cannot be read"):
        WavFile(path)
    path.write_bytes(b"OggS" + bytes(100))
    with pytest.raises(RecordingError, match="is not a WAV file"):
        WavFile(path)
    path.write_bytes(b"RIFF\x04\0\0\0WAVE")
    with pytest.raises(RecordingError, match="has no sound in it"):
        WavFile(path)


def test_wav_of_another_sample_type_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    wavfile.write(path, RATE_HZ, np.zeros(10, np.uint8))

    with pytest.raises(RecordingError, match="with 8 bits is not supported"):
        WavFile(path)
