"""Skin temperature: level and slope."""

from __future__ import annotations

import numpy as np

from device.features.eda import slope
from device.features.window import FloatArray
from device.messages import TemperatureFeatures

PLAUSIBLE_C = (15.0, 45.0)  # a fingertip in a cool room to well above fever; outside it is no skin
MINIMUM_GOOD_S = 20.0


def temperature_features(celsius: FloatArray, rate_hz: float) -> TemperatureFeatures | None:
    """Describe a window of skin temperature.

    Args:
        celsius: one window in degrees Celsius, oldest first, NaN where bad or missing.
        rate_hz: sample rate.

    Returns:
        The features, or None with less than 20 s of plausible samples. `quality` is their share.
    """
    with np.errstate(invalid="ignore"):
        good = (celsius >= PLAUSIBLE_C[0]) & (celsius <= PLAUSIBLE_C[1])
    count = int(np.count_nonzero(good))
    if count < MINIMUM_GOOD_S * rate_hz:
        return None
    minutes = np.arange(celsius.size) / (rate_hz * 60.0)
    return TemperatureFeatures(
        celsius=float(np.median(celsius[good])),
        slope_c_per_min=slope(minutes[good], celsius[good]),
        quality=count / celsius.size,
    )
