"""From folds to figures: calibration on the other people, metrics, and how far doubt tells errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from device.evaluation.metrics import METRICS, Scored, figures, weights
from device.evaluation.windows import in_context, labels
from models.stress.training import folds as ways
from models.stress.training.calibration import Calibration, calibrate, log_odds, sigmoid
from models.stress.training.folds import LATE, SHIPPED, STRESSED, Course, Fold

FloatArray = NDArray[np.float64]
Labels = NDArray[np.int64]
LONG_CONTEXT_S = 120.0


class Said(NamedTuple):
    """What was said of one person's scored windows, as log-odds, their variances and labels."""

    logit: FloatArray
    variance: FloatArray
    label: Labels
    unknown: float  # share of windows about which nothing was said


Reader = Callable[[Fold], Said]


def calibration_of(said: Sequence[Said]) -> Calibration:
    """Return the calibration over several people."""
    return calibrate(np.concatenate([one.logit for one in said]), np.concatenate([one.label for one in said]))


def of_candidate(name: str) -> Reader:
    """Return a reader of one candidate's scored windows."""
    def read(fold: Fold) -> Said:
        """Return what the candidate said."""
        at = fold.subject.scored()
        return Said(fold.logits[name][at], np.zeros(at.size), fold.subject.label[at], 0.0)
    return read


def of_courses(name: str, context_s: float = 60.0) -> Reader:
    """Return a reader of the shipped kind's scored windows in one way of asking."""
    def read(fold: Fold) -> Said:
        """Return what the device said."""
        parts = [_windows(course, context_s, late=name in {LATE, STRESSED}) for course in fold.courses[name]]
        logit, variance, label = (np.concatenate(some) for some in zip(*parts, strict=True))
        known = np.isfinite(logit)
        return Said(logit[known], variance[known], label[known], 1.0 - float(known.mean()))
    return read


def _windows(course: Course, context_s: float, *, late: bool) -> tuple[FloatArray, FloatArray, Labels]:
    """Return log-odds (NaN unknown), variances and labels of a course's labelled windows."""
    contact = course.contact
    at = contact.labelled() if late else contact.scored()
    label = contact.label
    if context_s > LONG_CONTEXT_S / 2.0 and not late:
        label = labels(contact.intervals, label.size, context_s)
        at = at[label[at] >= 0]
    return log_odds(in_context(course.level, context_s)[at]), course.variance[at], label[at]


def score(folds: Sequence[Fold], read: Reader) -> dict[str, Scored]:
    """Return calibrated levels of each person's scored windows; calibrated on the other people.

    People without a scored window of both classes (no usable source) are left out.
    """
    said = {fold.subject.name: read(fold) for fold in folds}
    said = {name: one for name, one in said.items() if set(one.label.tolist()) == {0, 1}}
    found = {}
    for name, one in said.items():
        calibration = calibration_of([other for them, other in said.items() if them != name])
        found[name] = Scored(sigmoid(calibration.apply(one.logit)), one.label)
    return found


def all_results(folds: Sequence[Fold], seed: int) -> dict[str, dict[str, list[float]]]:
    """Return the figures of everything that was compared, each as value, lower and upper bound."""
    readers = {
        "shipped, 60 s, smoothed as on the device": of_courses(SHIPPED),
        "shipped, 60 s, not smoothed": of_courses(ways.STRICT),
        "shipped, 120 s of context": of_courses(SHIPPED, LONG_CONTEXT_S),
        **{f"shipped, {name}": of_courses(name) for name in (*ways.ALONE, LATE, STRESSED)},
        ways.WITH_TEMPERATURE: of_courses(ways.WITH_TEMPERATURE),
        **{name: of_candidate(name) for name in folds[0].logits},
    }
    found = {}
    for name, read in readers.items():
        unknown = float(np.mean([read(fold).unknown for fold in folds]))
        found[name] = {**figures(score(folds, read), seed), "unknown_share": [round(unknown, 3)]}
    return found


def by_subject(folds: Sequence[Fold]) -> dict[str, list[float]]:
    """Return balanced accuracy and AUC of every held-out person."""
    return {name: [round(float(METRICS[metric](one)), 3) for metric in ("balanced_accuracy", "auc")]
            for name, one in score(folds, of_courses(SHIPPED)).items()}


def calibration_curve(folds: Sequence[Fold]) -> list[list[float]]:
    """Return for ten equal bins of the level: mean level, share of stress, share of all windows.

    Both classes weigh the same.
    """
    scored = score(folds, of_courses(SHIPPED)).values()
    level = np.concatenate([one.level for one in scored])
    label = np.concatenate([one.label for one in scored])
    weight = weights(label)
    bins = np.minimum((level * 10).astype(int), 9)
    return [[round(float(np.average(level[bins == one], weights=weight[bins == one])), 3),
             round(float(np.average(label[bins == one], weights=weight[bins == one])), 3),
             round(float(weight[bins == one].sum() / weight.sum()), 3)] for one in np.unique(bins)]


def errors_by_doubt(folds: Sequence[Fold]) -> Mapping[str, float]:
    """Return the balanced error of the half of the windows with less variance, and of the other half."""
    said = [of_courses(SHIPPED)(fold) for fold in folds]
    calibration = calibration_of(said)
    logit, variance, label = (np.concatenate([getattr(one, name) for one in said])
                              for name in ("logit", "variance", "label"))
    wrong = (calibration.apply(logit) > 0.0) != (label == 1)
    sure = variance <= np.median(variance)
    return {name: round(float(np.average(wrong[half], weights=weights(label[half]))), 3)
            for name, half in (("surer_half", sure), ("other_half", ~sure))}
