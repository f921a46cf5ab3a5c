"""What NeuroKit2 and HeartPy say of a window; desk only, from the extra `oracles` (`make bench-stress`).

NeuroKit2: Makowski et al. 2021, Behavior Research Methods 53:1689. HeartPy: van Gent et al. 2019,
Transportation Research Part F 66:368. Both run with their defaults.
"""

from __future__ import annotations

import math
import warnings
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

SCR_THRESHOLD_US = 0.01  # Boucsein 2012, Electrodermal Activity: the criterion of scoring by machine

# What the libraries raise on a window in which they find too little.
_GIVEN_UP = (ValueError, IndexError, ZeroDivisionError, KeyError, TypeError)


class Said(NamedTuple):
    """What one method says of a window: beats a minute, milliseconds, responses; NaN where nothing."""

    hr_bpm: float = math.nan
    rmssd_ms: float = math.nan
    scr_count: float = math.nan


class NeuroKit:
    """NeuroKit2: `ppg_process` (Elgendi's peaks), `hrv_time`, `eda_process`."""

    name = "neurokit2"

    def __init__(self) -> None:
        import neurokit2

        self._library = neurokit2

    def pulse(self, ppg_v: FloatArray, rate_hz: float) -> tuple[float, float]:
        """Return heart rate and RMSSD of a window; heart rate is 60 over the mean interval."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                signals, info = self._library.ppg_process(ppg_v, sampling_rate=rate_hz)
                rmssd_ms = float(self._library.hrv_time(signals, sampling_rate=rate_hz)["HRV_RMSSD"].iloc[0])
            except _GIVEN_UP:
                return math.nan, math.nan
        peaks = np.asarray(info["PPG_Peaks"], dtype=np.float64)
        return (60.0 * rate_hz / float(np.diff(peaks).mean()) if peaks.size > 1 else math.nan), rmssd_ms

    def responses(self, eda_us: FloatArray, rate_hz: float) -> float:
        """Return the number of skin conductance responses of 0.01 uS or more in a window.

        Without that criterion, which is the device's too, every ripple of a flat skin counts: the
        library's own is a share of the largest response.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                _, info = self._library.eda_process(eda_us, sampling_rate=rate_hz)
            except _GIVEN_UP:
                return math.nan
        amplitudes = np.asarray(info["SCR_Amplitude"], dtype=np.float64)
        return float(np.count_nonzero(amplitudes >= SCR_THRESHOLD_US))

    def ppg_process(self, ppg_v: FloatArray, rate_hz: float) -> None:
        """Do what `pulse` does without the variability, to be timed."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._library.ppg_process(ppg_v, sampling_rate=rate_hz)


class HeartPy:
    """HeartPy's `process`; it knows no skin conductance."""

    name = "heartpy"

    def __init__(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its import of pkg_resources warns
            import heartpy
            from heartpy.exceptions import BadSignalWarning

        self._library = heartpy
        self._given_up: tuple[type[BaseException], ...] = (*_GIVEN_UP, BadSignalWarning)

    def pulse(self, ppg_v: FloatArray, rate_hz: float) -> tuple[float, float]:
        """Return heart rate and RMSSD of a window."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                _, measures = self._library.process(ppg_v, rate_hz)
            except self._given_up:
                return math.nan, math.nan
        return float(measures["bpm"]), float(measures["rmssd"])
