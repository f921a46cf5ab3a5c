"""The stress level once a second, or an honest *unknown* with its reason."""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec

from device.config import Estimator
from device.messages import Features, Source, Stress, StressBand
from device.stress.baseline import RESET_AFTER_S
from device.stress.body import BodyExperts, Ensemble
from device.stress.card import Bands, Card
from device.stress.fusion import USABLE_QUALITY, fuse, level_of
from device.stress.inputs import SOURCES
from device.stress.opinion import Opinion
from device.stress.reaction import ReactionScale

# Features need 20 s of signal, so 40 s of features are 60 s of contact.
CONTACT_S = 40.0
LONGEST_STEP_S = 5.0  # smoothing does not bridge longer pauses between updates
WIDEST_SD = 0.25  # of the level; a level that may be anything has 0.29. Chosen

NO_MODEL = "no_model"
NO_SENSORS = "no_sensors"
TOO_LITTLE_CONTACT = "too_little_contact"
LOW_QUALITY = "low_quality"
UNCERTAIN = "uncertain"


class StressEstimator:
    """Experts, fusion, smoothing and bands over whatever sensors are in contact.

    Args:
        model: the checked model, or None: the level is then always unknown.
        settings: when to abstain.
    """

    def __init__(self, model: Ensemble | None, settings: Estimator) -> None:
        self._minimum_quality = settings.minimum_quality
        self._experts = None if model is None else BodyExperts(model)
        self._trace = None if model is None else _Trace(model.card)
        self._contact = _Contact()
        self._reaction = ReactionScale()

    def update(self, features: Features) -> Stress:
        """Return the stress after this second's features; call it in order of time."""
        reaction = self._reaction.update(features.at_s, features.eda)
        return msgspec.structs.replace(self._estimate(features), reaction=reaction)

    def _estimate(self, features: Features) -> Stress:
        """Return the stress but for the reaction, which is known even while the level is not."""
        if self._experts is None or self._trace is None:
            return _unknown(features.at_s, NO_MODEL)
        quality = source_quality(features)
        usable = {source: value for source, value in quality.items() if value >= USABLE_QUALITY}
        opinions = self._experts.opinions(features, usable)
        self._contact.update(features.at_s, touches=bool(opinions))
        reason = self._doubt(quality)
        if reason:
            self._trace.hush()
            return _unknown(features.at_s, reason)
        level, variance = self._trace.follow(features.at_s, opinions)
        if math.sqrt(variance) > WIDEST_SD:
            return _unknown(features.at_s, UNCERTAIN)
        return Stress(
            at_s=features.at_s, level=level, variance=variance, band=self._trace.band,
            confidence=self._experts.certainty(opinions) * max(usable.values()),
            sources=tuple(source for source in SOURCES if source in opinions), reason="",
        )

    def _doubt(self, quality: Mapping[Source, float]) -> str:
        """Return why the signals say nothing, or empty."""
        if not quality:
            return NO_SENSORS
        if max(quality.values()) < max(self._minimum_quality, USABLE_QUALITY):
            return LOW_QUALITY
        return TOO_LITTLE_CONTACT if self._contact.lasted_s < CONTACT_S else ""


class _Contact:
    """How long somebody has been in contact."""

    def __init__(self) -> None:
        self.lasted_s = 0.0
        self._at_s = -math.inf
        self._touched_s = -math.inf

    def update(self, at_s: float, *, touches: bool) -> None:
        """Count the time since the last update if a sensor touches skin; a long pause starts anew."""
        step_s = at_s - self._at_s
        self._at_s = at_s
        if touches:
            if at_s - self._touched_s > RESET_AFTER_S:
                self.lasted_s = 0.0
            self.lasted_s += min(step_s, 1.0)
            self._touched_s = at_s


class _Trace:
    """The fused log-odds smoothed over time, and the band with its hysteresis."""

    def __init__(self, card: Card) -> None:
        self.band = StressBand.MEDIUM
        self._card = card
        self._logit: float | None = None
        self._at_s = -math.inf

    def hush(self) -> None:
        """Forget the smoothed level, so that the next one starts from what is then measured."""
        self._logit = None
        self.band = StressBand.MEDIUM

    def follow(self, at_s: float, opinions: Mapping[Source, Opinion]) -> tuple[float, float]:
        """Return mean and variance of the level after this second's opinions."""
        fused = fuse(opinions, self._card.weight)
        logit = fused.logit / self._card.temperature + self._card.bias
        step_s = at_s - self._at_s
        self._at_s = at_s
        if self._logit is None or step_s > LONGEST_STEP_S:
            self._logit = logit
        else:
            self._logit += (1.0 - math.exp(-step_s / self._card.smoothing_s)) * (logit - self._logit)
        level, variance = level_of(self._logit, fused.variance / self._card.temperature**2)
        self.band = next_band(self.band, level, self._card.bands)
        return level, variance


def source_quality(features: Features) -> dict[Source, float]:
    """Return the quality of each of the body's sources that is there at all."""
    found: dict[Source, float] = {}
    if features.eda is not None:
        found["eda"] = features.eda.quality
    if features.ppg is not None:
        found["ppg"] = features.ppg.quality
    if features.temperature is not None:
        found["temperature"] = features.temperature.quality
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
