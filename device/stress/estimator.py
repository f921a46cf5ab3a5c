"""The stress level once a second, or an honest *unknown* with its reason."""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec

from device.config import Estimator
from device.messages import Features, Source, Stress, StressBand
from device.stress.affect import AffectEstimator
from device.stress.baseline import RESET_AFTER_S
from device.stress.body import BodyExperts, Ensemble
from device.stress.card import Bands, Card
from device.stress.eeg_expert import EegExpert, EegModel
from device.stress.fusion import USABLE_QUALITY, fuse, level_of, trust
from device.stress.inputs import SOURCES
from device.stress.opinion import Opinion
from device.stress.reaction import ReactionScale

# Features need 20 s of signal, so 40 s of features are 60 s of contact.
CONTACT_S = 40.0
LONGEST_STEP_S = 5.0  # smoothing does not bridge longer pauses between updates
WIDEST_SD = 0.28  # of the level; a level that may be anything has 0.29. Chosen

NO_MODEL = "no_model"
NO_SENSORS = "no_sensors"
TOO_LITTLE_CONTACT = "too_little_contact"
LOW_QUALITY = "low_quality"
UNCERTAIN = "uncertain"


class StressEstimator:
    """Experts, fusion, smoothing and bands over whatever sensors are in contact.

    Args:
        model: the checked model of the body's experts, or None: the level is then always unknown.
        settings: when to abstain.
        eeg: the checked model of the EEG's expert, or None: EEG is then not listened to.
    """

    def __init__(self, model: Ensemble | None, settings: Estimator, eeg: EegModel | None = None) -> None:
        self._minimum_quality = max(settings.minimum_quality, USABLE_QUALITY)
        self._body = None if model is None else BodyExperts(model)
        self._eeg = None if eeg is None else EegExpert(eeg)
        self._trace = None if model is None else _Trace(model.card)
        self._card = None if model is None else model.card
        self._contact = _Contact()
        self._reaction = ReactionScale()
        self._affect = AffectEstimator()

    def update(self, features: Features) -> Stress:
        """Return the stress after this second's features; call it in order of time."""
        affect = self._affect.update(features)
        return msgspec.structs.replace(
            self._estimate(features), reaction=self._reaction.update(features.at_s, features.eda),
            valence=affect.valence, arousal=affect.arousal)

    def _estimate(self, features: Features) -> Stress:
        """Return the stress without what is known even while the level is not."""
        if self._body is None or self._trace is None:
            return _unknown(features.at_s, NO_MODEL)
        opinions = self._opinions(self._body, features)
        self._contact.update(features.at_s, touches=any(source in opinions for source in SOURCES))
        reason = self._doubt(features, opinions)
        if reason:
            self._trace.hush()
            return _unknown(features.at_s, reason)
        level, variance = self._trace.follow(features.at_s, opinions)
        if math.sqrt(variance) > WIDEST_SD:
            return _unknown(features.at_s, UNCERTAIN)
        return Stress(
            at_s=features.at_s, level=level, variance=variance, band=self._trace.band,
            confidence=self._confidence(self._body, opinions), sources=tuple(opinions), reason="",
        )

    def _opinions(self, body: BodyExperts, features: Features) -> dict[Source, Opinion]:
        """Return what each usable source says."""
        usable = {source: value for source, value in source_quality(features).items()
                  if value >= USABLE_QUALITY}
        opinions = body.opinions(features, usable)
        if self._eeg is not None and (heard := self._eeg.update(features)) is not None:
            opinions["eeg"] = heard
        return opinions

    def _doubt(self, features: Features, opinions: Mapping[Source, Opinion]) -> str:
        """Return why the signals say nothing, or empty."""
        if not source_quality(features) and features.eeg is None:
            return NO_SENSORS
        if max((one.quality for one in opinions.values()), default=0.0) < self._minimum_quality:
            return LOW_QUALITY
        return TOO_LITTLE_CONTACT if self._contact.lasted_s < CONTACT_S and "eeg" not in opinions else ""

    def _confidence(self, body: BodyExperts, opinions: Mapping[Source, Opinion]) -> float:
        """Return how much of what a clean and familiar pair of skin and pulse would say has been said."""
        if self._card is None:
            return 0.0
        said = sum(trust(one.quality) * self._card.weight(source)
                   * (1.0 if source == "eeg" else body.certainty(source))
                   for source, one in opinions.items())
        return min(1.0, said / (self._card.weights.eda + self._card.weights.ppg))


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
