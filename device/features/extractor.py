"""All features of the last minute, from blocks of samples in any order of signals."""

from __future__ import annotations

from device.features.eda import EdaTracker
from device.features.eeg import EegWindow
from device.features.ppg import PulseTracker
from device.features.temperature import temperature_features
from device.features.window import Window
from device.messages import EegBlock, Features, SampleBlock

WINDOW_S = 60.0


class FeatureExtractor:
    """Keeps the last minute of every signal and describes it on request; uses no future sample."""

    def __init__(self) -> None:
        self._windows: dict[str, Window] = {}
        self._eeg = EegWindow()
        self._eda: EdaTracker | None = None
        self._ppg: PulseTracker | None = None

    def push(self, block: SampleBlock | EegBlock) -> None:
        """Take in a block; blocks of one signal come in order of time."""
        if isinstance(block, EegBlock):
            self._eeg.push(block)
            return
        if block.signal == "eda":
            if self._eda is None or self._eda.rate_hz != block.rate_hz:
                self._eda = EdaTracker(block.rate_hz)
            self._eda.push(block.start_s, block.values)
            return
        if block.signal == "ppg":
            if self._ppg is None or self._ppg.rate_hz != block.rate_hz:
                self._ppg = PulseTracker(block.rate_hz)
            self._ppg.push(block.start_s, block.values)
            return
        window = self._windows.get(block.signal)
        if window is None or window.rate_hz != block.rate_hz:
            window = self._windows[block.signal] = Window(block.rate_hz, WINDOW_S)
        window.push(block.start_s, block.values)

    def features(self, at_s: float) -> Features:
        """Describe the minute before `at_s`; None for a signal with too little good data."""
        temperature = self._windows.get("temperature")
        return Features(
            at_s=at_s,
            window_s=WINDOW_S,
            eda=self._eda.features(at_s) if self._eda else None,
            ppg=self._ppg.features(at_s) if self._ppg else None,
            temperature=(temperature_features(temperature.until(at_s), temperature.rate_hz)
                         if temperature else None),
            eeg=self._eeg.features(at_s),
        )
