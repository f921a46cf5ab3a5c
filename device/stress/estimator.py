"""The stress level once a second, or an honest *unknown* with its reason."""

from __future__ import annotations

import math

from device.config import Estimator
from device.messages import Features, Source, Stress, StressBand
from device.stress.baseline import RESET_AFTER_S, Baseline
from device.stress.card import Bands, Card
from device.stress.inputs import INPUTS, SOURCES, model_vector, read_inputs
from device.stress.model import StressModel

# Features need 20 s of signal, so 40 s of features are 60 s of contact.
CONTACT_S = 40.0
USABLE_QUALITY = 0.25  # below it a signal adds more noise than knowledge, even beside a good one
LONGEST_STEP_S = 5.0  # smoothing does not bridge longer pauses between updates

NO_MODEL = "no_model"
NO_SENSORS = "no_sensors"
TOO_LITTLE_CONTACT = "too_little_contact"
LOW_QUALITY = "low_quality"


class StressEstimator:
    """Personal baseline, model, smoothing and bands over whatever sensors are in contact.

    Skin temperature and EEG are not used (see `device.stress.inputs`).

    Args:
        model: the checked model, or None: the level is then always unknown.
        settings: when to abstain.
    """

    def __init__(self, model: StressModel | None, settings: Estimator) -> None:
        self._minimum_quality = settings.minimum_quality
        self._person = None if model is None else _Person(model)

    def update(self, features: Features) -> Stress:
        """Return the stress after this second's features; call it in order of time."""
        if self._person is None:
            return _unknown(features.at_s, NO_MODEL)
        quality = {source: value for source, value in source_quality(features).items()
                   if value >= USABLE_QUALITY}
        estimate = self._person.update(features, frozenset(quality))
        reason = self._doubt(features, quality)
        if reason:
            self._person.hush()
            return _unknown(features.at_s, reason)
        level, band, certainty = estimate
        return Stress(
            at_s=features.at_s, level=level, confidence=certainty * max(quality.values()),
            band=band, sources=tuple(source for source in SOURCES if source in quality), reason="",
        )

    def _doubt(self, features: Features, quality: dict[Source, float]) -> str:
        """Return why nothing can be said, or empty."""
        if not source_quality(features):
            return NO_SENSORS
        if max(quality.values(), default=0.0) < self._minimum_quality:
            return LOW_QUALITY
        if self._person is None or self._person.contact_s < CONTACT_S:
            return TOO_LITTLE_CONTACT
        return ""


class _Person:
    """What is remembered of the person in contact."""

    def __init__(self, model: StressModel) -> None:
        self.contact_s = 0.0
        self._model = model
        self._baseline = Baseline(model.card.spreads(), model.card.prior_seconds)
        self._logit: float | None = None
        self._band = StressBand.MEDIUM
        self._at_s = -math.inf
        self._present_s = -math.inf

    def update(self, features: Features, present: frozenset[Source]) -> tuple[float, StressBand, float]:
        """Return level, band and how personal the baseline is; learns even while nothing is said."""
        step_s = features.at_s - self._at_s
        self._at_s = features.at_s
        if present:
            if features.at_s - self._present_s > RESET_AFTER_S:
                self.contact_s = 0.0
            self.contact_s += min(step_s, 1.0)
            self._present_s = features.at_s
        values = read_inputs(features)
        values[[one.source not in present for one in INPUTS]] = math.nan
        vector = model_vector(self._baseline.update(features.at_s, values), present)
        level = self._smooth(self._model.logit(vector), step_s)
        self._band = next_band(self._band, level, self._model.card.bands)
        used = [one.source in present for one in INPUTS]
        certainty = float(self._baseline.certainty()[used].max(initial=0.0))
        return level, self._band, certainty

    def hush(self) -> None:
        """Forget the smoothed level, so that the next one starts from what is then measured."""
        self._logit = None
        self._band = StressBand.MEDIUM

    def _smooth(self, logit: float, step_s: float) -> float:
        """Return the level after one more logit, by exponential smoothing."""
        card: Card = self._model.card
        if self._logit is None or step_s > LONGEST_STEP_S:
            self._logit = logit
        else:
            self._logit += (1.0 - math.exp(-step_s / card.smoothing_s)) * (logit - self._logit)
        return 1.0 / (1.0 + math.exp(-self._logit))


def source_quality(features: Features) -> dict[Source, float]:
    """Return the quality of each of the model's sources that is there at all."""
    found: dict[Source, float] = {}
    if features.eda is not None:
        found["eda"] = features.eda.quality
    if features.ppg is not None:
        found["ppg"] = features.ppg.quality
    return found


def next_band(band: StressBand, level: float, bands: Bands) -> StressBand:
    """Return the band of a level, given the band before: leaving takes more than a touch of the border."""
    high_from = bands.high_leave if band is StressBand.HIGH else bands.high_enter
    medium_from = bands.medium_enter if band is StressBand.LOW else bands.medium_leave
    if level >= high_from:
        return StressBand.HIGH
    return StressBand.MEDIUM if level >= medium_from else StressBand.LOW


def _unknown(at_s: float, reason: str) -> Stress:
    """Return the fourth level."""
    return Stress(at_s=at_s, level=None, confidence=0.0, band=StressBand.UNKNOWN, sources=(), reason=reason)
