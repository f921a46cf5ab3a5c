"""The EEG expert on recordings in EEGMAT's layout, alone and beside the heart rate: how well it did."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from device.errors import RecordingError
from device.evaluation import metrics
from device.evaluation.eegmat import CALIBRATION_S, HOP_S, WINDOW_S, Second, read_part, seconds, subject_names
from device.evaluation.people import DEFAULTS
from device.stress.eeg_expert import EegExpert, EegModel, HeartExpert, both_logit
from device.stress.network import CARD_NAME

FloatArray = NDArray[np.float64]
Figures = Mapping[str, float | None]
Subjects = Mapping[str, Mapping[str, Figures]]

MODEL = Path(DEFAULTS.models_dir) / "stress" / "eeg" / "eeg.tflite"
KINDS = ("eeg", "hr", "eeg_hr")
KEYS = ("balanced_accuracy", "auc", "f1", "brier", "ece", "unknown_share")
TITLES: Mapping[str, str] = {"eeg": "EEG alone", "hr": "heart rate alone", "eeg_hr": "both"}
SEED = 1  # of the bootstrap
SCORED = (f"Windows of {WINDOW_S} s every {HOP_S} s; the first {CALIBRATION_S} s teach the baseline and are "
          "not scored. Signals cleaned in a laboratory are an upper bound for a bedside.")


class Verdicts(NamedTuple):
    """One person's scored windows: level 0 to 1 by kind, NaN for unknown, and labels."""

    level: dict[str, FloatArray]
    label: NDArray[np.int64]


class HeadsetEvaluation(msgspec.Struct, frozen=True, kw_only=True):
    """Figures by person and kind, and their mean over the people who have them."""

    subjects: dict[str, dict[str, dict[str, float | None]]]
    mean: dict[str, dict[str, float | None]]
    interval_95: dict[str, dict[str, tuple[float, float] | None]]
    trained_on: tuple[str, ...]


def evaluate_folder(folder: Path, model: Path = MODEL) -> HeadsetEvaluation:
    """Run everybody of a folder through features, personal baseline and model, and score it.

    Args:
        folder: `SubjectNN_rest.csv[.gz]`, `SubjectNN_task.csv[.gz]` and R peaks where there are any.
        model: the .tflite file with its card beside it.

    Raises:
        RecordingError: nobody is there, or a file does not hold what it should.
        ModelError: the model cannot be used.
    """
    names = subject_names(folder)
    if not names:
        raise RecordingError(f"{folder}: holds no pair of NAME_rest.csv and NAME_task.csv (or .csv.gz)")
    shipped = EegModel(model)
    found = {name: follow(list(seconds(read_part(folder, name, "rest"), read_part(folder, name, "task"))),
                          shipped) for name in names}
    subjects = {name: {kind: person_figures(one.level[kind], one.label) for kind in KINDS}
                for name, one in found.items()}
    taught = taught_people(model)
    return HeadsetEvaluation(
        subjects=subjects,
        mean={kind: _mean(subjects, found, kind) for kind in KINDS},
        interval_95={kind: {key: metrics.mean_interval(_known(subjects, kind, key), SEED) for key in KEYS}
                     for kind in KINDS},
        trained_on=tuple(name for name in names if name in taught),
    )


def taught_people(model: Path) -> frozenset[str]:
    """Return the names of the people that the model's card lists as its training data."""
    card = json.loads((model.parent / CARD_NAME).read_text(encoding="utf-8"))
    return frozenset(card.get("data", {}).get("subjects", ()))


def follow(course: Sequence[Second], model: EegModel) -> Verdicts:
    """Return what the device says of one person's scored windows, beginning as a stranger."""
    eeg, heart = EegExpert(model), HeartExpert(model.card.heart)
    levels: dict[str, list[float]] = {kind: [] for kind in KINDS}
    label = []
    for features, state, scored in course:
        of_eeg, of_heart = eeg.update(features), heart.update(features)
        if not scored:
            continue
        logits = {"eeg": None if of_eeg is None else of_eeg.logit,
                  "hr": None if of_heart is None else of_heart.logit,
                  "eeg_hr": both_logit(of_eeg, of_heart, model.card.both)}
        for kind, logit in logits.items():
            levels[kind].append(math.nan if logit is None else 1.0 / (1.0 + math.exp(-logit)))
        label.append(state)
    return Verdicts({kind: np.array(each) for kind, each in levels.items()}, np.array(label, dtype=np.int64))


def person_figures(level: FloatArray, label: NDArray[np.int64]) -> dict[str, float | None]:
    """Return one person's figures; None without known windows of both kinds. Unknown ones are left out."""
    known = np.isfinite(level)
    one = metrics.Scored(level[known], label[known])
    unknown = float(1.0 - known.mean()) if known.size else None
    if not one.both_classes():
        return {**dict.fromkeys(KEYS), "unknown_share": unknown}
    return {"balanced_accuracy": metrics.balanced_accuracy(one), "auc": metrics.auc(one),
            "f1": metrics.f1_stress(one), "brier": metrics.brier_balanced(one),
            "ece": metrics.ece_balanced(one), "unknown_share": unknown}


def _known(subjects: Subjects, kind: str, key: str) -> list[float]:
    """Return one figure of everybody who has it."""
    values = (one[kind][key] for one in subjects.values())
    return [value for value in values if value is not None]


def _mean(subjects: Subjects, found: Mapping[str, Verdicts], kind: str) -> dict[str, float | None]:
    """Return means over people; the calibration error is pooled over their windows instead."""
    mean: dict[str, float | None] = {
        key: float(np.mean(values)) if (values := _known(subjects, kind, key)) else None for key in KEYS}
    known = [(one.level[kind][np.isfinite(one.level[kind])], one.label[np.isfinite(one.level[kind])])
             for one in found.values()]
    people = [one for one in (metrics.Scored(*pair) for pair in known) if one.both_classes()]
    mean["ece"] = metrics.pooled_ece(people, balanced=True) if people else None
    return mean


def json_text(found: HeadsetEvaluation) -> str:
    """Return the evaluation as JSON: `subjects`, `mean`, `interval_95`, `trained_on`."""
    from device.evaluation.report import rounded

    return json.dumps(rounded(msgspec.to_builtins(found)), indent=1)


def table(found: HeadsetEvaluation) -> str:
    """Return the evaluation as a table for a terminal."""
    width = max(len("95 % from"), *(len(name) for name in found.subjects)) + 2
    lines = []
    for kind in KINDS:
        lines += ["", TITLES[kind], _row(width, "", KEYS)]
        lines += [_row(width, name, [_number(one[kind][key]) for key in KEYS])
                  for name, one in found.subjects.items()]
        lines.append(_row(width, "mean", [_number(found.mean[kind][key]) for key in KEYS]))
        for title, side in (("95 % from", 0), ("to", 1)):
            bounds = [found.interval_95[kind][key] for key in KEYS]
            lines.append(_row(width, title, [_number(None if one is None else one[side]) for one in bounds]))
    lines += ["", SCORED]
    if found.trained_on:
        lines.append(f"WARNING: the model was trained on {len(found.trained_on)} of these people "
                     f"({', '.join(found.trained_on)}); their figures say nothing of strangers. Held-out "
                     "figures are in the model's card.")
    return "\n".join(lines[1:])


def _row(width: int, name: str, cells: Sequence[str]) -> str:
    """Return one line of the table."""
    return f"{name:<{width}}" + "".join(f"{cell:>18}" for cell in cells)


def _number(value: float | None) -> str:
    """Return a figure to three decimals, a dash without one."""
    return "-" if value is None else f"{value:.3f}"
