"""`tranquillo-estimator`: samples to features to stress, once a second."""

from __future__ import annotations

from pathlib import Path

from device.bus import Bus
from device.clock import Clock
from device.config import Settings
from device.errors import ModelError
from device.features.extractor import FeatureExtractor
from device.messages import EegBlock, Fault, SampleBlock, Severity
from device.runtime import Root, main
from device.stress.estimator import StressEstimator
from device.stress.model import StressModel
from drivers.open import Parts

ESTIMATE_EVERY_S = 1.0


class EstimatorWorker:
    """Feeds samples to the features and publishes what they say."""

    period_s = 0.1

    def __init__(self, settings: Settings, clock: Clock, bus: Bus, _parts: Parts) -> None:
        self._clock = clock
        self._bus = bus
        self._faults: tuple[Fault, ...] = ()
        self._extractor = FeatureExtractor()
        self._estimator = StressEstimator(self._load_model(settings), settings.estimator)
        self._due_s = clock.monotonic()

    def _load_model(self, settings: Settings) -> StressModel | None:
        """Return the model, or None and a fault: stress is then *unknown* and the arc plays alone."""
        try:
            return StressModel(Path(settings.models_dir) / settings.estimator.stress_model)
        except ModelError as error:
            self._faults = (Fault(
                code="stress_model", severity=Severity.ATTENTION,
                advice=f"{error}; until then the program plays without following the patient",
            ),)
            return None

    def step(self) -> None:
        """Take in what has arrived; estimate when a second has passed."""
        for message in self._bus.receive():
            if isinstance(message, SampleBlock | EegBlock):
                self._extractor.push(message)
        now = self._clock.monotonic()
        if now < self._due_s:
            return
        self._due_s += ESTIMATE_EVERY_S
        if self._due_s <= now:
            self._due_s = now + ESTIMATE_EVERY_S
        features = self._extractor.features(now)
        self._bus.publish(features)
        self._bus.publish(self._estimator.update(features))

    def faults(self) -> tuple[Fault, ...]:
        """Return what is wrong with the model."""
        return self._faults

    def close(self) -> None:
        """Hold nothing."""


ROOT = Root(name="estimator", reads=(SampleBlock, EegBlock), build=EstimatorWorker)

if __name__ == "__main__":
    main(ROOT)
