"""Skin conductance features on curves whose answer is known, on artefacts, and on real recordings."""

from __future__ import annotations

import math
import time as clock

import msgspec
import numpy as np
import pytest

from device.features.eda import EdaTracker, slope
from device.vitals import EdaFeatures
from drivers.sim.e4 import read_signal

RATE = 10.0
TIME = np.arange(600) / RATE
START_S = 1000.0


def response(onset_s, amplitude_us, rise_s=0.75, decay_s=2.0, time=TIME):
    """A difference of exponentials (Bateman), scaled to its peak."""
    since = np.maximum(time - onset_s, 0.0)
    shape = np.exp(-since / decay_s) - np.exp(-since / rise_s)
    return amplitude_us * shape / shape.max()


def stream(values, rate=RATE, block_s=0.2):
    """Yield the features of every second."""
    tracker, size = EdaTracker(rate), max(1, round(block_s * rate))
    asked = 0.0
    for begin in range(0, len(values), size):
        tracker.push(START_S + begin / rate, tuple(map(float, values[begin:begin + size])))
        while asked + 1.0 <= (begin + size) / rate + 1e-9:
            asked += 1.0
            yield tracker.features(START_S + asked)


def describe(values, rate=RATE, block_s=0.2):
    """Return the features at the end."""
    return list(stream(values, rate, block_s))[-1]


def quiet(seconds=60.0, level=4.0, rate=RATE):
    """Calm skin on a fine converter."""
    count = round(seconds * rate)
    noise = np.random.default_rng(5).normal(0.0, 0.001, count)
    return level * (1.0 + 0.01 * np.sin(np.arange(count) / rate / 20.0)) + noise


def test_eda_reports_level_and_slope_of_calm_skin():
    found = describe(quiet())
    assert found.tonic_us == pytest.approx(4.0, abs=0.05)
    assert (found.scr_per_min, found.scr_amplitude_us, found.scr_rise_s) == (0.0, 0.0, 0.0)
    assert found.quality == 1.0
    assert found.fast_change == pytest.approx(0.0, abs=0.02)
    assert found.phasic_sd_us < 0.01


@pytest.mark.parametrize("per_min", [-1.5, -0.2, 0.3, 2.0])
def test_eda_reports_the_slope_of_a_drift_and_no_response(per_min):
    found = describe(5.0 + per_min * TIME / 60.0)
    assert found.tonic_slope_us_per_min == pytest.approx(per_min, rel=0.02)
    assert found.late_slope_us_per_min == pytest.approx(per_min, rel=0.02)
    assert found.scr_per_min == 0.0


def test_eda_late_slope_sees_only_twenty_seconds():
    values = np.where(TIME < 40.0, 4.0 + 0.01 * np.sin(TIME), 4.0 + 3.0 * (TIME - 40.0) / 60.0)
    found = describe(values)
    assert found.late_slope_us_per_min == pytest.approx(3.0, rel=0.05)
    assert found.tonic_slope_us_per_min < 1.5


@pytest.mark.parametrize("rate", [4.0, 8.0, 10.0, 25.0, 64.0, 100.0])
@pytest.mark.parametrize("amplitude", [0.02, 0.05, 0.2, 1.0])
def test_eda_counts_responses_and_measures_them_at_any_rate(rate, amplitude):
    time = np.arange(round(60 * rate)) / rate
    onsets = (6.0, 17.0, 31.0, 42.0)
    found = describe(3.0 + sum(response(onset, amplitude, time=time) for onset in onsets), rate)
    assert found.scr_per_min == pytest.approx(4.0)
    assert found.scr_amplitude_us == pytest.approx(amplitude, rel=0.15)
    assert found.scr_rise_s == pytest.approx(1.6, abs=0.25)  # 1.2 s, and 0.4 s of smoothing
    assert found.quality == pytest.approx(1.0)


def test_eda_finds_responses_on_a_drift():
    found = describe(3.0 + TIME / 60.0 + sum(response(onset, 0.3) for onset in (10.0, 25.0, 40.0)))
    assert found.scr_per_min == pytest.approx(3.0)


def test_eda_ignores_rises_that_are_too_slow_or_too_small_for_a_response():
    assert describe(3.0 + 0.5 * np.sin(2 * np.pi * TIME / 50.0)).scr_per_min == 0.0
    assert describe(3.0 + 0.03 * np.sin(2 * np.pi * TIME / 50.0) + response(20.0, 0.006)).scr_per_min == 0.0
    assert describe(3.0 + response(20.0, 0.03)).scr_per_min == pytest.approx(1.0)


def test_eda_forgets_a_response_after_a_minute():
    values = quiet(150.0)
    values[:600] += response(20.0, 0.5)
    counts = [found.scr_per_min if found else None for found in stream(values)]
    assert counts[29] > 0.0
    assert counts[78] == pytest.approx(1.0)
    assert counts[84] == 0.0


@pytest.mark.parametrize("step_us", [0.005, 0.02, 0.1])
@pytest.mark.parametrize("rate", [4.0, 10.0, 100.0])
def test_eda_takes_neither_noise_nor_converter_steps_for_responses(step_us, rate):
    random = np.random.default_rng(1)
    time = np.arange(round(180 * rate)) / rate
    noisy = 5.0 + 0.4 * time / 60.0 + random.normal(0.0, step_us, time.size)
    counts = [found.scr_per_min for found in stream(np.round(noisy / step_us) * step_us, rate) if found]
    assert np.mean(counts) < 0.5


@pytest.mark.parametrize("per_min", [0.1, 0.3, -0.3])
def test_eda_takes_the_staircase_of_a_coarse_converter_for_no_response(per_min):
    time = np.arange(1800) / RATE
    stairs = np.round((4.0 + per_min * time / 60.0) / 0.05) * 0.05
    counts = [found.scr_per_min for found in stream(stairs) if found]
    assert max(counts) == 0.0


def test_eda_noise_that_hides_responses_costs_quality():
    random = np.random.default_rng(2)
    clean = describe(quiet(level=0.5))
    noisy = describe(quiet(level=0.5) + random.normal(0.0, 0.08, 600))
    assert clean.quality == 1.0
    assert noisy is None or (noisy.quality < 0.6 and noisy.scr_per_min == 0.0)


def test_eda_is_none_with_less_than_twenty_good_seconds():
    values = quiet()
    values[:410] = np.nan
    assert describe(values) is None
    assert describe(np.full(600, np.nan)) is None
    assert describe(np.zeros(600)) is None


def test_eda_quality_is_the_share_of_good_samples_with_a_guard_around_bad_ones():
    values = quiet()
    values[200:300] = np.nan
    assert describe(values).quality == pytest.approx(480 / 600, abs=10 / 600)


def test_eda_does_not_doubt_a_window_that_is_still_filling():
    found = describe(quiet(28.0))
    assert found.quality == pytest.approx(28 / 60, abs=0.01)
    assert found.fast_change is None


def test_eda_takes_a_loose_electrode_for_no_response():
    values = quiet() + response(10.0, 0.3)
    values[300:320] = 0.0
    found = describe(values)
    assert found.scr_per_min * found.quality == pytest.approx(1.0)
    assert found.tonic_us == pytest.approx(4.0, abs=0.05)
    assert found.fast_change is None


@pytest.mark.parametrize("pop_us", [-3.0, -0.5, 0.2, 0.5, 3.0])
@pytest.mark.parametrize("seconds", [0.1, 0.3, 0.5])
def test_eda_takes_the_pop_of_an_electrode_for_no_response(pop_us, seconds):
    values = quiet()
    values[400:400 + round(seconds * RATE)] += pop_us
    found = describe(values)
    assert found.scr_per_min == 0.0
    assert abs(found.fast_change or 0.0) < 0.05


def test_eda_takes_no_response_from_a_step_steeper_than_skin_can_make():
    values = quiet()
    values[300:] += 5.0
    found = describe(values)
    assert found.quality < 1.0
    assert found.scr_per_min == 0.0


def test_eda_motion_lowers_quality_and_leaves_no_response():
    random = np.random.default_rng(3)
    values = quiet(120.0)
    values[600:800] += random.uniform(-0.8, 0.8, 200)
    found = list(stream(values))
    assert found[55].quality > 0.9
    assert all(one is None or one.scr_per_min == 0.0 for one in found[66:])
    assert min(one.quality if one else 0.0 for one in found[78:82]) < 0.75
    assert all(one is None or one.fast_change is None for one in found[64:110])


@pytest.mark.parametrize("swing", [0.02, 0.1, 0.5])
@pytest.mark.parametrize("hz", [0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 4.0])
def test_eda_hum_folded_into_the_band_is_no_response(hz, swing):
    found = describe(4.0 + swing * np.sin(2 * np.pi * hz * TIME))
    assert found is None or found.scr_per_min == 0.0
    if 0.1 <= hz <= 0.5 or (hz < 4.0 and swing > 0.1):  # responses or to and fro; the rest is smoothed out
        assert found is None or found.quality < 0.7


@pytest.mark.parametrize(("mains_hz", "rate"), [
    (50.0, 10.0), (60.0, 10.0), (50.0, 4.0), (60.0, 25.0), (50.0, 64.0),
])
def test_eda_mains_hum_makes_no_responses(mains_hz, rate):
    time = np.arange(round(120 * rate)) / rate
    hum = 0.3 * np.sin(2 * np.pi * mains_hz * 1.0003 * time)
    found = list(stream(4.0 + hum, rate))[-1]
    assert found is None or found.scr_per_min == 0.0 or found.quality < 0.3


def test_eda_flat_line_loses_its_quality_and_then_everything():
    values = np.concatenate((quiet(60.0), np.full(600, 4.04)))
    found = list(stream(values))
    assert found[65].quality == pytest.approx(1.0, abs=0.01)
    assert found[79].quality < 0.6
    assert found[88].quality < 0.1
    assert all(one is None or one.quality == 0.0 for one in found[90:])
    assert found[-1] is None


def test_eda_of_real_skin_is_never_a_flat_line(shared_data):
    values = read_signal(shared_data / "stress-predict" / "S24", "EDA").values[:2400]
    found = [one for one in stream(values, 4.0, 1.0) if one]
    assert len(found) > 570
    assert min(one.quality for one in found[60:]) > 0.9


@pytest.mark.parametrize("block_s", [0.1, 0.5, 1.0, 7.0])
def test_eda_does_not_depend_on_the_size_of_blocks(block_s):
    random = np.random.default_rng(4)
    values = quiet(140.0) + np.concatenate((np.zeros(400), random.uniform(-0.6, 0.6, 60), np.zeros(940)))
    values[:600] += response(12.0, 0.4) + response(31.0, 0.1)
    values[800:803] = np.nan
    one, other = EdaTracker(RATE), EdaTracker(RATE)
    small, large = round(0.2 * RATE), round(block_s * RATE)
    for begin in range(0, 1400, small):
        one.push(begin / RATE, tuple(values[begin:begin + small].tolist()))
    for begin in range(0, 1400, large):
        other.push(begin / RATE, tuple(values[begin:begin + large].tolist()))
    one.features(100.0)
    other.features(118.0)
    assert one.features(140.0) == other.features(140.0)
    assert one.features(140.0) is not None


def test_eda_does_not_look_ahead():
    values = quiet(60.0)
    values[400:] = 9.0
    knowing, whole = EdaTracker(RATE), EdaTracker(RATE)
    knowing.push(0.0, tuple(values.tolist()))
    whole.push(0.0, tuple(values[:400].tolist()))
    assert knowing.features(40.0) == whole.features(40.0)
    assert knowing.features(60.0) != whole.features(60.0)


def test_eda_forgets_a_signal_that_stopped():
    tracker = EdaTracker(RATE)
    tracker.push(0.0, tuple(quiet().tolist()))
    assert tracker.features(60.0).quality == 1.0
    assert tracker.features(75.0).quality == pytest.approx(0.75, abs=0.01)
    assert tracker.features(75.0).fast_change is None
    assert tracker.features(105.0) is None
    assert tracker.features(500.0) is None


def test_eda_starts_anew_when_the_clock_steps_back():
    tracker = EdaTracker(RATE)
    tracker.push(5000.0, tuple(quiet().tolist()))
    assert tracker.features(5060.0) is not None
    tracker.push(10.0, tuple(quiet(25.0).tolist()))
    assert tracker.features(35.0).quality == pytest.approx(25 / 60, abs=0.01)


@pytest.mark.parametrize(("ratio", "tau_s"), [(3.0, 1.5), (1.5, 1.0), (0.5, 2.0), (1 / 3, 3.0), (3.0, 0.01)])
def test_eda_fast_change_has_the_size_and_sign_of_a_step_within_seconds(ratio, tau_s):
    values = quiet(100.0)
    since = np.maximum(np.arange(1000) / RATE - 60.0, 0.0)
    values *= 1.0 + (ratio - 1.0) * (1.0 - np.exp(-since / tau_s))
    found = [one.fast_change if one else None for one in stream(values)]
    assert found[58] == pytest.approx(0.0, abs=0.03)
    assert found[60 + 6] == pytest.approx(math.log(ratio), abs=0.3 * abs(math.log(ratio)))
    assert found[95] == pytest.approx(0.0, abs=0.05)


@pytest.mark.parametrize("bad", [np.nan, 0.0])
def test_eda_fast_change_needs_contact_without_a_break(bad):
    values = quiet(100.0)
    values[600:603] = bad
    values[603:] *= 2.0
    found = [one.fast_change for one in stream(values) if one]
    late = found[-40:]
    assert late[:31] == [None] * 31
    assert late[-1] == pytest.approx(0.0, abs=0.05)


def test_eda_slope_of_too_little_is_zero():
    assert slope(np.array([]), np.array([])) == 0.0
    assert slope(np.array([1.0]), np.array([5.0])) == 0.0
    assert slope(np.array([1.0, 3.0]), np.array([5.0, 9.0])) == pytest.approx(2.0)


@pytest.mark.parametrize("subject", ["S06", "S08", "S24", "S32", "S34"])
def test_eda_of_people_with_flat_skin_has_under_one_response_a_minute(shared_data, subject):
    values = read_signal(shared_data / "stress-predict" / subject, "EDA").values
    counts = [one.scr_per_min for one in stream(values, 4.0, 1.0) if one]
    assert np.mean(counts) < 1.0


@pytest.mark.parametrize(("subject", "least", "most"), [
    ("S05", 3.0, 7.0), ("S12", 4.0, 9.0), ("S21", 2.0, 6.0),
])
def test_eda_of_lively_people_has_plausible_responses(shared_data, subject, least, most):
    values = read_signal(shared_data / "stress-predict" / subject, "EDA").values
    found = [one for one in stream(values, 4.0, 1.0) if one]
    assert least < np.mean([one.scr_per_min for one in found]) < most
    assert 1.0 < np.mean([one.scr_rise_s for one in found if one.scr_rise_s]) < 3.5
    assert np.mean([one.quality for one in found]) > 0.95


def test_eda_features_are_finite_whatever_comes():
    random = np.random.default_rng(6)
    wild = random.lognormal(0.0, 2.0, 3000)
    wild[random.random(3000) < 0.02] = np.nan
    wild[1000:1010] = np.inf
    wild[1500:2500] = 5.0 + random.normal(0.0, 0.01, 1000)
    seen = 0
    for found in stream(wild):
        if found is not None:
            seen += 1
            values = [value for value in msgspec.structs.astuple(found) if value is not None]
            assert all(math.isfinite(value) for value in values)
            assert 0.0 <= found.quality <= 1.0
            assert isinstance(found, EdaFeatures)
    assert seen > 30


def test_eda_costs_a_fraction_of_a_millisecond_for_a_second():
    values = quiet(300.0).tolist()
    tracker, took = EdaTracker(RATE), []
    for second in range(300):
        began = clock.process_time()
        for part in range(0, 10, 2):
            tracker.push(second + part / RATE, tuple(values[10 * second + part:10 * second + part + 2]))
        tracker.features(second + 1.0)
        took.append(clock.process_time() - began)
    assert sorted(took)[150] < 0.0005  # 0.1 ms on a desk; a Pi and a busy machine take longer
