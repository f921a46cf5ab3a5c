"""The model's inputs in order: which feature, how transformed, from which source."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from device.messages import Features, Source
from device.vitals import EdaFeatures, PpgFeatures, TemperatureFeatures

# The sources of the body model; EEG has an expert of its own (`device.stress.eeg_expert`).
SOURCES: tuple[Source, ...] = ("eda", "ppg", "temperature")
CLIP = 4.0  # spreads; beyond it only outliers live
CLEAN_QUALITY = 0.6  # of the pulse; see decision 0006

# Offsets keep logarithms finite: a response amplitude at the detection threshold, a still pulse.
AMPLITUDE_OFFSET_US = 0.01
RISE_OFFSET_US = 0.05
RMSSD_OFFSET_MS = 1.0
PULSE_OFFSET_V = 1e-4


class Input(NamedTuple):
    """One input before personal normalisation: `unit` of the value that `read` returns."""

    name: str
    source: Source
    unit: str
    read: Callable[[Features], float]


def _eda(read: Callable[[EdaFeatures], float]) -> Callable[[Features], float]:
    """Return a reader of skin conductance features, NaN without them."""
    return lambda features: math.nan if features.eda is None else read(features.eda)


def _ppg(read: Callable[[PpgFeatures], float]) -> Callable[[Features], float]:
    """Return a reader of pulse features, NaN without them."""
    return lambda features: math.nan if features.ppg is None else read(features.ppg)


def _clean_ppg(read: Callable[[PpgFeatures], float]) -> Callable[[Features], float]:
    """Return a reader of what motion falsifies long before it falsifies the heart rate: NaN unless clean."""
    return lambda features: (math.nan if features.ppg is None or features.ppg.quality < CLEAN_QUALITY
                             else read(features.ppg))


def _temperature(read: Callable[[TemperatureFeatures], float]) -> Callable[[Features], float]:
    """Return a reader of skin temperature features, NaN without them."""
    return lambda features: math.nan if features.temperature is None else read(features.temperature)


def _ln_ms(variability_ms: float | None) -> float:
    """Return the logarithm of a variability, NaN where it is unknown."""
    return math.nan if variability_ms is None else math.log(variability_ms + RMSSD_OFFSET_MS)


INPUTS: tuple[Input, ...] = (
    Input("tonic", "eda", "ln uS", _eda(lambda eda: math.log(max(eda.tonic_us, AMPLITUDE_OFFSET_US)))),
    Input("tonic_slope", "eda", "share of tonic per minute",
          _eda(lambda eda: eda.tonic_slope_us_per_min / max(eda.tonic_us, AMPLITUDE_OFFSET_US))),
    Input("rise", "eda", "ln uS per minute",
          _eda(lambda eda: math.log(eda.rise_us_per_min + RISE_OFFSET_US))),
    Input("range", "eda", "ln uS", _eda(lambda eda: math.log(eda.range_us + AMPLITUDE_OFFSET_US))),
    Input("scr_rate", "eda", "ln (1 + responses per minute)", _eda(lambda eda: math.log1p(eda.scr_per_min))),
    Input("scr_amplitude", "eda", "ln uS per minute",
          _eda(lambda eda: math.log(eda.scr_per_min * eda.scr_amplitude_us + AMPLITUDE_OFFSET_US))),
    Input("heart_rate", "ppg", "ln beats per minute", _ppg(lambda ppg: math.log(ppg.hr_bpm))),
    Input("rmssd", "ppg", "ln ms", _clean_ppg(lambda ppg: _ln_ms(ppg.rmssd_ms))),
    Input("sdnn", "ppg", "ln ms", _clean_ppg(lambda ppg: _ln_ms(ppg.sdnn_ms))),
    Input("pulse_amplitude", "ppg", "ln V",
          _clean_ppg(lambda ppg: math.log(ppg.pulse_amplitude_v + PULSE_OFFSET_V))),
    Input("skin_temperature", "temperature", "degrees Celsius", _temperature(lambda skin: skin.celsius)),
    Input("temperature_slope", "temperature", "degrees Celsius per minute",
          _temperature(lambda skin: skin.slope_c_per_min)),
)


def read_inputs(features: Features) -> NDArray[np.float64]:
    """Return the transformed inputs in order, NaN where their signal is absent."""
    return np.array([one.read(features) for one in INPUTS])


def model_vector(deviations: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return what the model reads: deviations in the order of `INPUTS`, clipped, 0 where absent."""
    near = np.minimum(np.maximum(deviations, -CLIP), CLIP)
    return np.where(np.isfinite(deviations), near, 0.0).astype(np.float32)


def input_names() -> list[str]:
    """Return the names of the model vector's entries in order, as the card must list them."""
    return [one.name for one in INPUTS]


def of_source() -> NDArray[np.bool_]:
    """Return which inputs belong to which source, shape (sources, inputs)."""
    return np.array([[one.source == source for one in INPUTS] for source in SOURCES])
