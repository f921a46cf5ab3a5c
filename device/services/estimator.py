"""`tranquillo-estimator`: samples to features to stress, once a second."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec

from device.bus import Bus
from device.clock import Clock
from device.config import Settings
from device.errors import ModelError
from device.features.extractor import FeatureExtractor
from device.messages import EegBlock, Fault, SampleBlock, Severity
from device.runtime import Root, main
from device.stress.eeg_expert import EegModel
from device.stress.estimator import StressEstimator
from device.stress.model import StressModel
from drivers.open import Parts

ESTIMATE_EVERY_S = 1.0
NO_STRESS_MODEL = Fault(code="stress_model", severity=Severity.ATTENTION,
                        advice="until then the program plays without following the patient")
NO_EEG_MODEL = Fault(code="eeg_model", severity=Severity.ATTENTION,
                     advice="until then the headset is not listened to")
Model = TypeVar("Model")


class EstimatorWorker:
    """Feeds samples to the features and publishes what they say."""

    period_s = 0.1

    def __init__(self, settings: Settings, clock: Clock, bus: Bus, _parts: Parts) -> None:
        self._clock = clock
        self._bus = bus
        self._faults: tuple[Fault, ...] = ()
        self._extractor = FeatureExtractor()
        models, chosen = Path(settings.models_dir), settings.estimator
        body = self._load(lambda: StressModel(models / chosen.stress_model), NO_STRESS_MODEL)
        eeg = (None if settings.headset.port == "none" else
               self._load(lambda: EegModel(models / chosen.eeg_model), NO_EEG_MODEL))
        self._estimator = StressEstimator(body, chosen, eeg)
        self._due_s = clock.monotonic()

    def _load(self, load: Callable[[], Model], consequence: Fault) -> Model | None:
        """Return a model, or None and a fault that says what goes on without it."""
        try:
            return load()
        except ModelError as error:
            advice = f"{error}; {consequence.advice}"
            self._faults = (*self._faults, msgspec.structs.replace(consequence, advice=advice))
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
