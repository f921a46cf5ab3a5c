"""The model's inputs in order: which feature, how transformed, from which source."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from device.messages import EdaFeatures, Features, PpgFeatures, Source

# Skin temperature was tried and left out: over an hour it drifts one way for everybody, and held-out
# subjects were recognised slightly worse with it. EEG: the training data have none.
SOURCES: tuple[Source, ...] = ("eda", "ppg")
CLIP = 4.0  # spreads; beyond it only outliers live

# Offsets keep logarithms finite: a response amplitude at the detection threshold, a still pulse.
AMPLITUDE_OFFSET_US = 0.01
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


def _ln_ms(variability_ms: float | None) -> float:
    """Return the logarithm of a variability, NaN where it is unknown."""
    return math.nan if variability_ms is None else math.log(variability_ms + RMSSD_OFFSET_MS)


INPUTS: tuple[Input, ...] = (
    Input("tonic", "eda", "ln uS", _eda(lambda eda: math.log(max(eda.tonic_us, AMPLITUDE_OFFSET_US)))),
    Input("tonic_slope", "eda", "share of tonic per minute",
          _eda(lambda eda: eda.tonic_slope_us_per_min / max(eda.tonic_us, AMPLITUDE_OFFSET_US))),
    Input("scr_rate", "eda", "ln (1 + responses per minute)", _eda(lambda eda: math.log1p(eda.scr_per_min))),
    Input("scr_amplitude", "eda", "ln uS",
          _eda(lambda eda: math.log(eda.scr_amplitude_us + AMPLITUDE_OFFSET_US))),
    Input("heart_rate", "ppg", "ln beats per minute", _ppg(lambda ppg: math.log(ppg.hr_bpm))),
    Input("rmssd", "ppg", "ln ms", _ppg(lambda ppg: _ln_ms(ppg.rmssd_ms))),
    Input("sdnn", "ppg", "ln ms", _ppg(lambda ppg: _ln_ms(ppg.sdnn_ms))),
    Input("pulse_amplitude", "ppg", "ln V",
          _ppg(lambda ppg: math.log(ppg.pulse_amplitude_v + PULSE_OFFSET_V))),
)


def read_inputs(features: Features) -> NDArray[np.float64]:
    """Return the transformed inputs in order, NaN where their signal is absent."""
    return np.array([one.read(features) for one in INPUTS])


def model_vector(deviations: NDArray[np.float64], present: frozenset[Source]) -> NDArray[np.float32]:
    """Return what the model reads: clipped deviations (0 where absent), then one flag per source.

    Args:
        deviations: personal deviations in the order of `INPUTS`, NaN where absent.
        present: sources to use; those of others are treated as absent.
    """
    used = np.array([one.source in present for one in INPUTS])
    filled = np.where(used, np.nan_to_num(np.clip(deviations, -CLIP, CLIP)), 0.0)
    flags = [float(source in present) for source in SOURCES]
    return np.concatenate((filled, flags)).astype(np.float32)


def input_names() -> list[str]:
    """Return the names of the model vector's entries in order, as the card must list them."""
    return [one.name for one in INPUTS] + [f"{source}_present" for source in SOURCES]
