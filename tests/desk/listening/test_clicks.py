"""Clicks that are there are found; noise, attacks and loud music are none."""

from __future__ import annotations

import numpy as np
import pytest

from device.desk.listening.calibration import RATE_HZ, beats, noise, stepped, stereo
from device.desk.listening.clicks import find_clicks
from device.desk.listening.sound import Recording

TIMES = np.arange(10 * RATE_HZ) / RATE_HZ


def with_spike(sound: Recording, at_s: float, height: float) -> Recording:
    samples = sound.samples.copy()
    samples[round(at_s * RATE_HZ), 1] += height
    return Recording(samples, RATE_HZ)


@pytest.mark.parametrize("sound", [
    stepped(0.0), noise(-20.0), noise(-40.0), beats(80.0),
    stereo(0.3 * np.sin(2 * np.pi * 440 * TIMES) * np.clip(np.abs(TIMES % 2.0 - 1.0) / 0.005, 0.0, 1.0)),
], ids=["chord", "noise", "soft noise", "decaying tones", "fades of 5 ms"])
def test_clicks_none_in_clean_sound(sound):
    assert find_clicks(sound) == []


@pytest.mark.parametrize("step", [0.002, 0.01, 0.1, -0.01])
def test_clicks_a_step_in_a_chord_is_found_where_it_is(step):
    found = find_clicks(stepped(step))
    assert found == pytest.approx([5.0], abs=0.001)


@pytest.mark.parametrize("height", [0.002, 0.05])
def test_clicks_a_single_wrong_sample_is_found(height):
    assert find_clicks(with_spike(stepped(0.0), 3.0, height)) == pytest.approx([3.0], abs=0.001)


def test_clicks_several_are_counted_and_close_ones_joined():
    sound = with_spike(with_spike(with_spike(stepped(0.0), 3.0, 0.05), 3.004, 0.05), 8.0, 0.05)
    assert find_clicks(sound) == pytest.approx([3.0, 8.0], abs=0.001)


def test_clicks_a_tone_without_an_attack_clicks():
    bare = np.sin(2 * np.pi * 880.0 * (TIMES % 2.0)) * np.exp(-30.0 * (TIMES % 2.0))
    assert find_clicks(stereo(0.2 * bare))[-4:] == pytest.approx([2.0, 4.0, 6.0, 8.0], abs=0.001)


def test_clicks_a_tone_cut_off_clicks():
    tone = 0.1 * np.sin(2 * np.pi * 440 * TIMES + 1.0) * (TIMES < 4.0)
    assert find_clicks(stereo(tone))[1:] == []
    assert find_clicks(stereo(tone)) == pytest.approx([4.0], abs=0.001)


def test_clicks_in_noise_must_stand_out():
    assert find_clicks(with_spike(noise(-50.0), 5.0, 0.1)) == pytest.approx([5.0], abs=0.001)
    assert find_clicks(with_spike(noise(-20.0), 5.0, 0.1)) == []


def test_clicks_below_rounding_are_not_heard():
    assert find_clicks(with_spike(stereo(0.0 * TIMES), 5.0, 3e-5)) == []
