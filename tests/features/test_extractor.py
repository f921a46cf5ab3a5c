"""All features together: streaming, absence, gaps, speed."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest

from device.features.extractor import FeatureExtractor
from device.messages import EegBlock, Quality, SampleBlock


def block(signal, start_s, rate_hz, values):
    return SampleBlock(at_s=start_s + len(values) / rate_hz, signal=signal, start_s=start_s, rate_hz=rate_hz,
                       values=tuple(values), quality=Quality.GOOD)


def pulse(at_s):
    phase = (at_s * 1.2) % 1.0
    return 1.65 + 0.4 * math.exp(-((phase - 0.3) / 0.08) ** 2) + 0.1 * math.exp(-((phase - 0.62) / 0.1) ** 2)


def feed(extractor, start_s, seconds, signals=("eda", "ppg", "temperature"), step_s=0.2):
    rates = {"eda": 10.0, "ppg": 100.0, "temperature": 1.0}
    made = {"eda": lambda at_s: 4.0 + 0.002 * at_s, "ppg": pulse, "temperature": lambda _: 33.0}
    for step in range(round(seconds / step_s)):
        begin = start_s + step * step_s
        for signal in signals:
            count = round(step_s * rates[signal]) or int(step % 5 == 0)
            if count:
                extractor.push(block(signal, begin, rates[signal],
                                     [made[signal](begin + k / rates[signal]) for k in range(count)]))


def test_extractor_describes_every_signal_that_is_there():
    extractor = FeatureExtractor()
    feed(extractor, 1000.0, 60.0)
    found = extractor.features(1060.0)
    assert found.at_s == 1060.0
    assert found.window_s == 60.0
    assert found.eda.tonic_us == pytest.approx(4.0 + 0.002 * 1030.0, abs=0.01)
    assert found.ppg.hr_bpm == pytest.approx(72.0, abs=0.3)
    assert found.temperature.celsius == 33.0
    assert found.eeg is None


@pytest.mark.parametrize("absent", ["eda", "ppg", "temperature"])
def test_extractor_says_none_for_a_signal_that_never_came(absent):
    extractor = FeatureExtractor()
    feed(extractor, 0.0, 60.0, tuple({"eda", "ppg", "temperature"} - {absent}))
    found = extractor.features(60.0)
    for signal in ("eda", "ppg", "temperature"):
        assert (getattr(found, signal) is None) == (signal == absent)


def test_extractor_has_a_state_before_the_first_minute_is_over():
    extractor = FeatureExtractor()
    feed(extractor, 0.0, 15.0)
    assert extractor.features(15.0).eda is None
    feed(extractor, 15.0, 7.0)
    found = extractor.features(22.0)
    assert found.eda is not None
    assert found.ppg is not None


def test_extractor_forgets_a_signal_that_stopped():
    extractor = FeatureExtractor()
    feed(extractor, 0.0, 60.0)
    feed(extractor, 60.0, 50.0, ("eda",))
    found = extractor.features(110.0)
    assert found.eda is not None
    assert found.ppg is None


def test_extractor_does_not_look_ahead():
    early, late = FeatureExtractor(), FeatureExtractor()
    feed(early, 0.0, 60.0)
    before = early.features(60.0)
    feed(late, 0.0, 60.0)
    assert late.features(60.0) == before
    feed(late, 60.0, 30.0)
    feed(early, 60.0, 30.0, ("eda", "ppg", "temperature"))
    assert early.features(90.0) == late.features(90.0)


def test_extractor_gives_the_same_whatever_the_size_of_blocks():
    small, large = FeatureExtractor(), FeatureExtractor()
    feed(small, 0.0, 60.0, ("eda", "ppg"), step_s=0.2)
    feed(large, 0.0, 60.0, ("eda", "ppg"), step_s=1.0)
    one, other = small.features(60.0), large.features(60.0)
    assert one.ppg.hr_bpm == pytest.approx(other.ppg.hr_bpm, abs=1e-6)
    assert one.eda.tonic_us == pytest.approx(other.eda.tonic_us, abs=1e-9)


def test_extractor_starts_a_window_anew_when_a_rate_changes():
    extractor = FeatureExtractor()
    feed(extractor, 0.0, 60.0)
    extractor.push(block("eda", 60.0, 4.0, [4.0] * 4))
    assert extractor.features(61.0).eda is None


def test_extractor_takes_eeg_beside_the_rest():
    extractor = FeatureExtractor()
    wave = 20.0 * np.sin(2 * np.pi * 10.0 * np.arange(15_000) / 250.0)
    noise = np.random.default_rng(1).normal(0.0, 2.0, (15_000, 8)) + wave[:, None]
    for first in range(0, 15_000, 50):
        extractor.push(EegBlock(at_s=(first + 50) / 250.0, start_s=first / 250.0, rate_hz=250.0,
                                microvolts=tuple(map(tuple, noise[first:first + 50].tolist())),
                                lost_samples=0))
    assert extractor.features(60.0).eeg.alpha > 0.9


def test_extractor_takes_a_few_milliseconds_for_a_second():
    extractor = FeatureExtractor()
    feed(extractor, 0.0, 60.0)
    took = []
    for _ in range(30):
        began = time.process_time()
        extractor.features(60.0)
        took.append(time.process_time() - began)
    assert sorted(took)[15] < 0.006
