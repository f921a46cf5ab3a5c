"""Both ways from a recording to the device's blocks."""

from __future__ import annotations

import math

import numpy as np
import pytest

from device.evaluation.streams import features_of, seconds_of, straight, through_converter
from device.messages import Quality
from drivers.sim.e4 import Signal
from drivers.sim.recording import Recording

UNIX_S = 1.6e9
SECONDS = 30


def invented(skin_us=3.0, seconds=SECONDS, late_s=0.0):
    """A pulse of 72 a minute, constant skin conductance, slowly warming skin."""
    times = np.arange(64 * seconds + 1) / 64.0
    bvp = np.sin(2 * np.pi * 1.2 * times) + 0.4 * np.sin(4 * np.pi * 1.2 * times)
    eda = np.broadcast_to(np.asarray(skin_us, dtype=float), 4 * seconds + 1)
    celsius = 32.0 + np.arange(4 * seconds + 1) / 400.0
    return Recording(0.0, Signal(UNIX_S, 64.0, bvp), Signal(UNIX_S + late_s, 4.0, eda),
                     Signal(UNIX_S, 4.0, celsius))


def joined(stream, signal):
    return np.concatenate([block.values for blocks in stream for block in blocks if block.signal == signal])


@pytest.fixture(scope="module")
def body():
    return invented()


@pytest.mark.parametrize("way", [straight, through_converter])
def test_stream_gives_every_signal_at_the_device_rate(body, way):
    stream = list(way(body, SECONDS))
    assert len(stream) == SECONDS
    for signal, rate_hz in (("ppg", 100), ("eda", 10), ("temperature", 1)):
        assert joined(stream, signal).size == SECONDS * rate_hz
        starts = [block.start_s for blocks in stream for block in blocks if block.signal == signal]
        assert np.diff(starts).min() > 0
        assert max(starts) < SECONDS


@pytest.mark.parametrize(("signal", "tolerance"), [
    ("eda", 0.02),  # uS: the converter's noise of 40 uV on 62 mV
    ("temperature", 0.02),  # degrees, as above
])
def test_stream_through_the_converter_is_the_straight_one_within_its_noise(body, signal, tolerance):
    straightly, converted = (joined(way(body, SECONDS), signal) for way in (straight, through_converter))
    assert np.abs(converted - straightly).max() < tolerance
    assert np.abs(converted - straightly).max() > 0.0


def test_stream_through_the_converter_samples_the_pulse_a_little_later(body):
    straightly, converted = (joined(way(body, SECONDS), "ppg") for way in (straight, through_converter))
    delay_s = float(np.sum((straightly - converted)[:-1] * np.diff(straightly))
                    / np.sum(np.diff(straightly) ** 2)) * -0.01
    assert 0.0 < delay_s < 0.004  # each conversion takes 1.2 ms
    assert np.std(converted - straightly) < 0.02  # V, of a swing of 0.5


@pytest.mark.parametrize("skin_us", [0.001, 250.0])
@pytest.mark.parametrize("way", [straight, through_converter])
def test_stream_says_nothing_without_contact(way, skin_us):
    body = invented(skin_us, seconds=5)
    stream = list(way(body, 5))
    assert np.isnan(joined(stream, "eda")).all()
    assert np.isfinite(joined(stream, "ppg")).all()
    assert all(block.quality is not Quality.GOOD
               for blocks in stream for block in blocks if block.signal == "eda")


def test_stream_has_no_skin_conductance_before_its_recording_starts():
    values = joined(straight(invented(late_s=3.0), 5), "eda")
    assert np.isnan(values[:30]).all()
    assert np.isfinite(values[30:]).all()


def test_seconds_are_whole_and_limited(body):
    assert seconds_of(body) == SECONDS
    assert seconds_of(body, 12) == 12
    assert seconds_of(body, 4000) == SECONDS


@pytest.mark.parametrize("way", [straight, through_converter])
def test_features_come_once_a_second_and_know_the_pulse(body, way):
    found = list(features_of(way(body, SECONDS)))
    assert [one.at_s for one in found] == [float(second) for second in range(1, SECONDS + 1)]
    assert found[-1].ppg.hr_bpm == pytest.approx(72.0, abs=0.5)
    assert found[-1].temperature.celsius == pytest.approx(32.2, abs=0.2)


def test_features_use_no_later_sample():
    whole, part = invented(), invented(seconds=SECONDS - 5)
    for long, short in zip(*(features_of(straight(one, SECONDS - 6)) for one in (whole, part)), strict=True):
        assert long.ppg == short.ppg or math.isclose(long.ppg.hr_bpm, short.ppg.hr_bpm, abs_tol=0.01)
