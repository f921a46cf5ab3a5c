"""The key figures of a run, each measured from the files it left; what cannot be measured is None."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise

import msgspec
import numpy as np

from device.desk.traces import FaultSpell, Floats, Traces
from device.desk.waveform import Sound
from device.messages import Features, Health, Phrase, PlayerState, Session, SessionPhase, Stress, Truth

SETTLING_S = 300.0  # the personal baseline is learnt; labelled seconds before are not judged
STRESSED_LEVEL = 0.5  # the middle of the scale: at or above it counts as stressed
USABLE_QUALITY = 0.4  # `estimator.minimum_quality` as shipped
EDGE_S = 60.0  # of a session: its beginning and its end
MIN_PAIRS = 10  # fewer seconds give no meaningful correlation


class Onset(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds from the first button press to sound.

    `to_player_s` ends at the player's first word that it sounds (it speaks ten times a second),
    `to_sample_s` at the first sample of the recording that is not 0, `to_audible_s` at its first 50 ms
    above -60 dBFS.
    """

    to_player_s: float | None = None
    to_sample_s: float | None = None
    to_audible_s: float | None = None


class Loudness(msgspec.Struct, frozen=True, kw_only=True):
    """The recording's level: integrated, loudest 3 s, sample peak, and largest steps within 50 ms."""

    duration_s: float
    integrated_lufs: float | None
    loudest_3s_lufs: float | None
    peak_dbfs: float
    rise_db: float
    rise_at_s: float
    fall_db: float
    fall_at_s: float


class StressFigures(msgspec.Struct, frozen=True, kw_only=True):
    """The estimate against what is known of the patient.

    `auc` and `balanced_accuracy` (threshold 0.5) are over the labelled seconds with an estimate, the
    first five minutes left out; `labelled_seconds` counts these and `labelled_unknown` those without
    one. `arousal_correlation` is Pearson's r with the simulated patient's arousal.
    """

    seconds: int
    unknown_share: float | None
    labelled_seconds: int
    labelled_unknown: int
    mean_in_stress: float | None
    mean_in_rest: float | None
    auc: float | None
    balanced_accuracy: float | None
    arousal_correlation: float | None


class ReactionFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Spells of fast skin conductance: how often it jumped or fell, and the largest, -1 to 1."""

    rises: int
    falls: int
    largest_rise: float | None
    largest_fall: float | None


class HeartFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Mean absolute error of the heart rate over windows of usable quality.

    `window_mae_bpm` compares with the truth averaged over the same window, `instant_mae_bpm` with the
    truth at the window's end; `usable_share` is the share of seconds with a usable pulse. `first_bpm` and
    `last_bpm` are the measured rate over the first and last minute of the longest session.
    """

    window_mae_bpm: float | None
    instant_mae_bpm: float | None
    usable_share: float | None
    first_bpm: float | None = None
    last_bpm: float | None = None


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the report says in numbers.

    `least_queued_s` is the shortest music that was left to play when the next phrase was sent: at or
    below 0 the queue has run empty. It is None with fewer than two phrases.
    """

    duration_s: float
    onset: Onset
    loudness: Loudness | None
    phrases: int
    least_queued_s: float | None
    notes: int
    stress: StressFigures
    reactions: ReactionFigures
    heart: HeartFigures
    mqtt_by_topic: dict[str, int]
    faults: tuple[FaultSpell, ...]
    late_steps: dict[str, int]


def measure(traces: Traces, sound: Sound | None, mqtt_topics: Sequence[str]) -> Figures:
    """Return the key figures of a run.

    Args:
        traces: its messages.
        sound: its recording, None when there is none.
        mqtt_topics: the topic of every message that reached the clinic's broker.
    """
    phrases = {(phrase.start_s, phrase.phrase_id): phrase for phrase in traces.of(Phrase)}
    return Figures(
        duration_s=traces.duration_s,
        onset=_onset(traces, sound),
        loudness=None if sound is None else _loudness(sound),
        phrases=len(phrases),
        least_queued_s=_least_queued(list(phrases.values())),
        notes=sum(len(phrase.notes) for phrase in phrases.values()),
        stress=_stress(traces),
        reactions=_reactions(traces),
        heart=_heart(traces),
        mqtt_by_topic=dict(sorted(Counter(mqtt_topics).items())),
        faults=tuple(traces.fault_spells()),
        late_steps=_late_steps(traces),
    )


def area_under_curve(scores: Floats, positive: Floats) -> float | None:
    """Return the probability that a positive scores above a negative, ties counting half.

    This is the Mann-Whitney statistic over both group sizes (Hanley & McNeil 1982).

    Args:
        scores: n numbers.
        positive: n truth values.
    """
    truth = positive.astype(bool)
    ups, downs = int(truth.sum()), int((~truth).sum())
    if not ups or not downs:
        return None
    values, place = np.unique(scores, return_inverse=True)
    counts = np.bincount(place, minlength=values.size)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return float((ranks[truth].sum() - ups * (ups + 1) / 2) / (ups * downs))


def balanced_accuracy(scores: Floats, positive: Floats, threshold: float) -> float | None:
    """Return the mean of sensitivity and specificity; None when either group is empty."""
    truth = positive.astype(bool)
    if truth.all() or not truth.any():
        return None
    stressed = scores >= threshold
    return float((stressed[truth].mean() + (~stressed[~truth]).mean()) / 2)


def _onset(traces: Traces, sound: Sound | None) -> Onset:
    """Return how long the first press took to become sound."""
    presses = traces.presses()
    if not presses:
        return Onset()
    press_s = presses[0]
    heard = (state.at_s - traces.origin_s for state in traces.of(PlayerState) if state.sounding)
    to_player = next((at_s - press_s for at_s in heard if at_s >= press_s), None)
    origin_s = None if sound is None else traces.sound_origin_s(sound.duration_s)
    if sound is None or origin_s is None:
        return Onset(to_player_s=to_player)
    return Onset(
        to_player_s=to_player,
        to_sample_s=_after(press_s, origin_s, sound.first_sample_s),
        to_audible_s=_after(press_s, origin_s, sound.first_audible_s),
    )


def _least_queued(phrases: list[Phrase]) -> float | None:
    """Return the least time between a phrase's sending and the end of the one before it."""
    left_s = [before.start_s + before.duration_s - phrase.at_s for before, phrase in pairwise(phrases)]
    return min(left_s, default=None)


def _after(press_s: float, origin_s: float, at_s: float | None) -> float | None:
    """Return the time from the press to a moment of the recording; None if that came before."""
    if at_s is None or origin_s + at_s < press_s:
        return None
    return origin_s + at_s - press_s


def _loudness(sound: Sound) -> Loudness:
    """Return the recording's figures without its curves."""
    short_term = sound.short_term_lufs[np.isfinite(sound.short_term_lufs)]
    return Loudness(
        duration_s=sound.duration_s, integrated_lufs=sound.integrated_lufs,
        loudest_3s_lufs=None if short_term.size == 0 else float(short_term.max()), peak_dbfs=sound.peak_dbfs,
        rise_db=sound.rise_db, rise_at_s=sound.rise_at_s, fall_db=sound.fall_db, fall_at_s=sound.fall_at_s,
    )


def _stress(traces: Traces) -> StressFigures:
    """Return how the estimate compares with labels and with the simulated arousal."""
    times_s, level = traces.times(Stress), traces.column(Stress, lambda each: each.level)
    known = np.isfinite(level)
    code = traces.column(Truth, lambda truth: {"stress": 1.0, "rest": 0.0}.get(truth.label))
    label = traces.at(Truth, code, times_s)
    judged = np.isfinite(label) & (times_s >= SETTLING_S)
    scores, positive = level[judged & known], label[judged & known]
    arousal = traces.at(Truth, traces.column(Truth, lambda truth: truth.arousal), times_s)
    return StressFigures(
        seconds=level.size,
        unknown_share=None if not level.size else float(1 - known.mean()),
        labelled_seconds=scores.size, labelled_unknown=int((judged & ~known).sum()),
        mean_in_stress=_mean(scores[positive == 1]), mean_in_rest=_mean(scores[positive == 0]),
        auc=area_under_curve(scores, positive),
        balanced_accuracy=balanced_accuracy(scores, positive, STRESSED_LEVEL),
        arousal_correlation=_correlation(level, arousal),
    )


def _reactions(traces: Traces) -> ReactionFigures:
    """Return how often and how much the skin reacted; a spell ends when nothing is said of it."""
    size = traces.column(Stress, lambda each: each.reaction)
    sign = np.sign(size)
    begins = sign[np.flatnonzero(np.diff(sign, prepend=0.0) != 0)] if size.size else sign
    return ReactionFigures(
        rises=int((begins > 0).sum()), falls=int((begins < 0).sum()),
        largest_rise=float(size.max()) if (size > 0).any() else None,
        largest_fall=float(size.min()) if (size < 0).any() else None,
    )


def _heart(traces: Traces) -> HeartFigures:
    """Return how far the heart rate is from the truth."""
    times_s = traces.times(Features)
    bpm = traces.column(Features, lambda each: each.ppg.hr_bpm if each.ppg else None)
    quality = traces.column(Features, lambda each: each.ppg.quality if each.ppg else None)
    usable = np.isfinite(bpm) & (quality >= USABLE_QUALITY)
    truth_s, truth = traces.times(Truth), traces.column(Truth, lambda each: each.hr_bpm)
    window_s = traces.column(Features, lambda each: each.window_s)
    averaged = windowed_mean(truth_s, truth, times_s - window_s, times_s)
    start_s, end_s = _longest_session(traces)
    first = (times_s >= start_s) & (times_s < start_s + EDGE_S)
    last = (times_s <= end_s) & (times_s > end_s - EDGE_S)
    return HeartFigures(
        first_bpm=_mean(bpm[usable & first]), last_bpm=_mean(bpm[usable & last]),
        window_mae_bpm=_mean(np.abs(bpm - averaged)[usable]),
        instant_mae_bpm=_mean(np.abs(bpm - traces.at(Truth, truth, times_s))[usable]),
        usable_share=None if not bpm.size else float(usable.mean()),
    )


def _longest_session(traces: Traces) -> tuple[float, float]:
    """Return when the longest session began and ended, not a number without any."""
    running = traces.spells(Session, lambda each: "yes" if each.phase is SessionPhase.RUNNING else "")
    spells = [(spell.start_s, spell.end_s) for spell in running]
    return max(spells, key=lambda spell: spell[1] - spell[0], default=(math.nan, math.nan))


def windowed_mean(times_s: Floats, values: Floats, from_s: Floats, to_s: Floats) -> Floats:
    """Return the mean of finite values within each window (from, to]; NaN where there is none."""
    finite = np.isfinite(values)
    total = np.concatenate([[0.0], np.cumsum(values[finite])])
    first = np.searchsorted(times_s[finite], from_s, side="right")
    last = np.searchsorted(times_s[finite], to_s, side="right")
    count = last - first
    return np.where(count > 0, (total[last] - total[first]) / np.maximum(count, 1), np.nan)


def _late_steps(traces: Traces) -> dict[str, int]:
    """Return the most late steps that each service counted."""
    late: Mapping[str, int] = {}
    for beat in traces.of(Health):
        late = {**late, beat.service: max(late.get(beat.service, 0), beat.late_steps)}
    return dict(late)


def _mean(values: Floats) -> float | None:
    """Return the mean of the finite values, None without any."""
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if finite.size else None


def _correlation(first: Floats, second: Floats) -> float | None:
    """Return Pearson's r over the pairs that are both known; None for too few or constant ones."""
    both = np.isfinite(first) & np.isfinite(second)
    if both.sum() < MIN_PAIRS or np.ptp(first[both]) == 0 or np.ptp(second[both]) == 0:
        return None
    return float(np.corrcoef(first[both], second[both])[0, 1])
