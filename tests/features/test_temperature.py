"""Skin temperature features."""

from __future__ import annotations

import numpy as np
import pytest

from device.features.temperature import temperature_features


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
