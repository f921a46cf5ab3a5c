"""The figures of one person and of several, from what the device said of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from device.evaluation import metrics
from device.evaluation.changes import Change, changes_of, median_delay_s
from device.evaluation.heart import heart_error
from device.evaluation.metrics import UNDECIDED, FloatArray, Labels, Scored
from device.evaluation.people import MODEL, Course, follow_all
from device.evaluation.results import KEYS, Delays, Evaluation, Hyperventilation, Person, Summary, Windows
from device.evaluation.windows import (
    OF_HYPERVENTILATION,
    OF_REST,
    OF_STRESS,
    UNLABELLED,
    in_context,
    on_grid,
    tasks,
)
from device.stress.network import CARD_NAME

SEED = 1  # of the bootstrap


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """A person's figures and what the summary needs beside them."""

    person: Person
    scored: Scored
    changes: list[Change]


class _CardData(msgspec.Struct):
    """The data of a model card, as far as it is read here."""

    subjects: tuple[str, ...] = ()


class _Card(msgspec.Struct):
    """A model card, as far as it is read here."""

    data: _CardData = msgspec.field(default_factory=_CardData)


def evaluate_people(
    people: Sequence[tuple[str, Path]], *, fast: bool, context_s: float, model: Path = MODEL,
    done: Callable[[], None] = lambda: None,
) -> Evaluation:
    """Run recordings through the shipped path and score what it says.

    Args:
        people: names and folders, as from `check_folders`.
        fast: skip the simulated converter.
        context_s: seconds of signal behind each scored level, 60 or 120.
        model: the .tflite file with its card beside it.
        done: called after each recording.

    Raises:
        ModelError: the model cannot be used.
    """
    courses = follow_all(people, fast=fast, model=model, done=done)
    taught = trained_on(model)
    judged = {one.name: judge(one, context_s, trained=one.name in taught) for one in courses}
    others = {name: one for name, one in judged.items() if not one.person.trained_on}
    hours = sum(one.level.size for one in courses) / 3600.0
    return Evaluation(
        subjects={name: one.person for name, one in judged.items()},
        summary=summarise(list(judged.values())),
        others=summarise(list(others.values())) if 0 < len(others) < len(judged) else None,
        path="fast" if fast else "adc", context_s=context_s,
        run_s_per_hour=round(sum(one.run_s for one in courses) / hours, 2),
    )


def trained_on(model: Path) -> frozenset[str]:
    """Return the names of the people that the model's card lists as its training data."""
    return frozenset(msgspec.json.decode((model.parent / CARD_NAME).read_bytes(), type=_Card).data.subjects)


def judge(course: Course, context_s: float, *, trained: bool = False) -> Judged:
    """Score one person.

    Args:
        course: what the device said.
        context_s: seconds of signal behind each scored level, 60 or 120.
        trained: whether the model learnt from this person.
    """
    level = in_context(course.level, context_s)
    label = np.where(on_grid(level.size), tasks(course.intervals, level.size, context_s), UNLABELLED)
    scored = label >= OF_REST
    known = scored & np.isfinite(level)
    one = Scored(level[known], label[known])
    changes = changes_of(course.level, course.intervals)
    heart = heart_error(course)
    person = Person(
        **_figures(one), unknown_share=_share(scored & ~known, scored), hr_mae_bpm=heart.mae_bpm,
        trained_on=trained, balanced_accuracy_strict=_strict(level, label),
        windows=Windows(stress=int((label == OF_STRESS).sum()), rest=int((label == OF_REST).sum()),
                        unknown=int((scored & ~known).sum())),
        hyperventilation=_hyperventilation(level[label == OF_HYPERVENTILATION]),
        delay=_delays(changes), hr_windows=heart.windows,
    )
    return Judged(person=person, scored=one, changes=changes)


def summarise(people: Sequence[Judged]) -> Summary:
    """Return means, intervals and delays over people."""
    mean: dict[str, float | None] = {}
    interval: dict[str, tuple[float, float] | None] = {}
    for key in KEYS:
        values = _values(people, key)
        mean[key] = float(np.mean(values)) if values else None
        interval[key] = metrics.mean_interval(values, SEED)
    scored = [one.scored for one in people if one.scored.both_classes()]
    mean["ece"] = metrics.pooled_ece(scored, balanced=True) if scored else None
    interval["ece"] = metrics.ece_interval(scored, SEED, balanced=True)
    more = {key: float(np.mean(values)) if (values := _values(people, key)) else None
            for key in ("balanced_accuracy_strict", "brier_plain")}
    more["ece_plain"] = metrics.pooled_ece(scored, balanced=False) if scored else None
    more["ece_of_each"] = float(np.mean(values)) if (values := _values(people, "ece")) else None
    return Summary(people=len(people), mean=mean, interval_95=interval, more=more,
                   delay=_delays([change for one in people for change in one.changes]))


def _values(people: Sequence[Judged], key: str) -> list[float]:
    """Return one figure of everybody who has it."""
    found = (getattr(one.person, key) for one in people)
    return [value for value in found if value is not None]


def _figures(one: Scored) -> dict[str, float | None]:
    """Return the figures that need both classes, all None if one is missing."""
    wanted: Mapping[str, Callable[[Scored], float]] = {
        "balanced_accuracy": metrics.balanced_accuracy, "auc": metrics.auc, "f1": metrics.f1_stress,
        "brier": metrics.brier_balanced, "ece": metrics.ece_balanced, "brier_plain": metrics.brier,
        "ece_plain": metrics.ece,
    }
    both = one.both_classes()
    return {name: metric(one) if both else None for name, metric in wanted.items()}


def _strict(level: FloatArray, label: Labels) -> float | None:
    """Return the balanced accuracy with unknown counted as wrong, None without both classes."""
    stress, rest = label == OF_STRESS, label == OF_REST
    if not (stress.any() and rest.any()):
        return None
    return float((level[stress] > UNDECIDED).mean() + (level[rest] <= UNDECIDED).mean()) / 2.0


def _share(part: NDArray[np.bool_], whole: NDArray[np.bool_]) -> float | None:
    """Return the share of a part, None of nothing."""
    return float(part.sum() / whole.sum()) if whole.any() else None


def _hyperventilation(level: FloatArray) -> Hyperventilation:
    """Describe the windows of hyperventilation by their levels."""
    known = level[np.isfinite(level)]
    return Hyperventilation(
        windows=level.size, unknown=level.size - known.size,
        level=float(known.mean()) if known.size else None,
        called_stress=float((known > UNDECIDED).mean()) if known.size else None)


def _delays(changes: Sequence[Change]) -> Delays:
    """Return the median delay of either kind of change."""
    return Delays(
        to_stress_s=median_delay_s(one for one in changes if one.to == "stress"),
        to_rest_s=median_delay_s(one for one in changes if one.to == "rest"),
        changes=len(changes), missed=sum(one.delay_s is None for one in changes))
