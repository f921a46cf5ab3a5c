"""Skin temperature features."""

from __future__ import annotations

import numpy as np
import pytest

from device.features.temperature import temperature_features
from drivers.sim.e4 import read_signal


def test_temperature_reports_level_and_slope():
    found = temperature_features(33.0 + 0.3 * np.arange(60) / 60.0, 1.0)
    assert found.celsius == pytest.approx(33.15, abs=0.01)
    assert found.slope_c_per_min == pytest.approx(0.3, rel=1e-6)
    assert found.quality == 1.0


def test_temperature_leaves_out_what_is_no_skin():
    values = np.full(60, 32.0)
    values[10:20] = np.nan
    values[20:30] = 3.0
    found = temperature_features(values, 1.0)
    assert found.celsius == 32.0
    assert found.slope_c_per_min == pytest.approx(0.0, abs=1e-9)
    assert found.quality == pytest.approx(40 / 60)


@pytest.mark.parametrize("level", [np.nan, 5.0, 60.0])
def test_temperature_is_none_without_skin(level):
    assert temperature_features(np.full(60, level), 1.0) is None


def test_temperature_is_none_with_less_than_twenty_seconds():
    values = np.full(60, np.nan)
    values[-19:] = 33.0
    assert temperature_features(values, 1.0) is None
    values[-20:] = 33.0
    assert temperature_features(values, 1.0) is not None


def test_temperature_counts_from_a_jump_within_the_plausible_range():
    values = np.concatenate((np.full(30, 24.0), 33.0 + 0.3 * np.arange(30) / 60.0))
    found = temperature_features(values, 1.0)
    assert found.celsius == pytest.approx(33.07, abs=0.02)
    assert found.slope_c_per_min == pytest.approx(0.3, rel=1e-6)
    assert found.quality == pytest.approx(0.5, abs=0.04)


def test_temperature_is_none_while_the_sensor_cools_in_the_air():
    cooling = np.where(np.arange(60) < 45, 33.0, 23.0 + 10.0 * np.exp(-(np.arange(60) - 45) / 8.0))
    assert temperature_features(cooling, 1.0) is None


@pytest.mark.parametrize("rate", [1.0, 4.0, 10.0])
def test_temperature_slope_does_not_depend_on_the_rate(rate):
    time = np.arange(round(60 * rate)) / rate
    noisy = 33.0 - 0.4 * time / 60.0 + np.random.default_rng(1).normal(0.0, 0.02, time.size)
    found = temperature_features(noisy, rate)
    assert found.slope_c_per_min == pytest.approx(-0.4, abs=0.06)
    assert found.quality == 1.0


def test_temperature_of_a_worn_sensor_is_always_there(shared_data):
    values = np.asarray(read_signal(shared_data / "stress-predict" / "S12", "TEMP").values)
    found = [temperature_features(values[end - 240:end], 4.0) for end in range(4800, values.size, 240)]
    assert all(one is not None and one.quality == 1.0 for one in found)
    assert max(abs(one.slope_c_per_min) for one in found) < 1.5
