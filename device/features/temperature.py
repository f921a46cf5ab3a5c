"""Skin temperature: level and slope since the sensor last moved."""

from __future__ import annotations

import numpy as np

from device.features.eda import slope
from device.features.window import FloatArray
from device.vitals import TemperatureFeatures

PLAUSIBLE_C = (15.0, 45.0)  # a fingertip in a cool room to well above fever; outside it is no skin
MINIMUM_GOOD_S = 20.0

# Skin warms and cools by tenths of a degree a minute, a thermistor that falls off by tenths a second.
# Within 2 s, 22 of 28 wrist recordings of an hour never moved by more than 0.32; the others jumped by
# 0.9 to 4.9 degrees.
JUMP_C = 0.5
JUMP_S = 2.0


def temperature_features(celsius: FloatArray, rate_hz: float) -> TemperatureFeatures | None:
    """Describe a window of skin temperature.

    After a jump (the sensor fell off, or was put on) only what follows counts: the two sides are not
    the same skin, and a slope across them says nothing of it.

    Args:
        celsius: one window in degrees Celsius, oldest first, NaN where bad or missing.
        rate_hz: sample rate.

    Returns:
        The features, or None with less than 20 s of plausible samples since the last jump. `quality` is
        the share of the window that was used.
    """
    with np.errstate(invalid="ignore"):
        place = np.flatnonzero((celsius >= PLAUSIBLE_C[0]) & (celsius <= PLAUSIBLE_C[1]))
    least = MINIMUM_GOOD_S * rate_hz
    if place.size < least:
        return None
    known = celsius[place]
    reach = max(1, round(JUMP_S * rate_hz))
    jumps = np.flatnonzero(np.abs(known[reach:] - known[:-reach]) > JUMP_C)
    if jumps.size:
        known, place = known[jumps[-1] + reach:], place[jumps[-1] + reach:]
        if place.size < least:
            return None
    return TemperatureFeatures(
        celsius=float(np.median(known)),
        slope_c_per_min=slope(place / (rate_hz * 60.0), known),
        quality=place.size / celsius.size,
    )
