"""A recording in memory, and which part of it is normal play."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.io import wavfile

from device.desk.listening.sound import Recording, normal_play_s, read_recording
from device.desk.traces import Traces
from device.messages import Session


def test_sound_reads_a_wav_whole(tmp_path):
    samples = np.random.default_rng(1).integers(-3000, 3000, (44_100, 2)).astype(np.int16)
    wavfile.write(tmp_path / "a.wav", 44_100, samples)
    sound = read_recording(tmp_path / "a.wav")
    assert (sound.rate_hz, sound.duration_s) == (44_100, 1.0)
    assert sound.samples == pytest.approx(samples / 32768, abs=1e-6)
    assert sound.mono == pytest.approx(samples.mean(axis=1) / 32768, abs=1e-6)


def test_sound_parts_are_clipped_to_what_there_is():
    sound = Recording(np.arange(200, dtype=np.float32).reshape(100, 2), 10)
    assert sound.part(2.0, 4.0).samples[:, 0].tolist() == list(range(40, 80, 2))
    assert sound.part(-3.0, 100.0).duration_s == 10.0
    assert sound.part(20.0, 30.0).duration_s == 0.0


def test_sound_normal_play_lies_between_the_fades(messages):
    begin_s, end_s = normal_play_s(Traces(messages), 180.0, 12.0)
    assert begin_s == pytest.approx(22.0, abs=0.11)
    assert end_s == pytest.approx(165.0, abs=0.11)


def test_sound_normal_play_needs_a_session(messages):
    with pytest.raises(ValueError, match="no session"):
        normal_play_s(Traces([each for each in messages if not isinstance(each, Session)]), 180.0, 12.0)
    with pytest.raises(ValueError, match="longer"):
        normal_play_s(Traces(messages), 180.0, 170.0)
