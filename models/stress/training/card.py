"""The part of the model card that is written for people."""

from __future__ import annotations

import platform
from typing import Any

import numpy as np
import sklearn
import tensorflow as tf

from device.evaluation.metrics import ECE_RESAMPLES, RESAMPLES
from device.evaluation.windows import CALIBRATION_S, HOP_S, REST, STRESS
from device.features.extractor import WINDOW_S
from models.stress.training.candidates import CANDIDATES
from models.stress.training.experts import MEMBERS
from models.stress.training.folds import RANDOM_CONTACTS, Fold
from models.stress.training.recordings import NOT_TESTED, Subject
from models.stress.training.results import by_subject, calibration_curve, errors_by_doubt

FAILURE_MODES = """
Learnt from wrist recordings of healthy volunteers in a laboratory; patients, medicines that act on heart or \
sweat glands, pacemakers and arrhythmia are outside what it knows.
Labels are tasks, not felt stress; the first minutes of the interview are calm, early rest is not.
Levels are relative to what the person showed since contact; before that is known, to the population. Who is \
stressed from the first minute to the last is recognised in the first minutes at best.
About one person in ten has a flat skin conductance; for them only the pulse is left.
Arousal of any kind (laughter, pain, movement, a warm room) looks like stress.
Movement differs between the tasks of the protocol, so some of the separation may be motion.
The order of tasks is the same for everyone; time is no input, but slow drifts of dry electrodes go with it.
The figures come from the same protocol and watch as the training; expect less elsewhere.
""".strip().splitlines()


def describe(
    subjects: list[Subject], folds: list[Fold], results: dict[str, dict[str, list[float]]], penalty: float,
    seed: int,
) -> dict[str, Any]:
    """Return what a reader has to know before trusting the model."""
    windows = [one.label[one.scored()] for one in subjects]
    return {
        "purpose": "one input to choosing calm music; not a diagnosis and not an alarm",
        "output": "logits of stress (stroop, interview) against rest, both taken as equally likely, of every "
                  "member's expert for each source; the device adds up the sources, calibrates, smooths and "
                  "takes mean and variance of the level 0 to 1",
        "data": {
            "name": "Stress-Predict, development part",
            "source": "github.com/italha-d/Stress-Predict-Dataset, commit "
                      "f49d2eae603f90c3f0140fbbbae7c0480d651023",
            "licence": "MIT",
            "cite": "Iqbal et al., Sensors 2022, 22(21), 8135, doi:10.3390/s22218135",
            "subjects": [one.name for one in subjects],
            "not_tested": list(NOT_TESTED),
            "stress": list(STRESS), "rest": list(REST),
            "windows": {"stress": int(sum(one.sum() for one in windows)),
                        "rest": int(sum((one == 0).sum() for one in windows))},
        },
        "evaluation": evaluation(folds, results),
        "training": f"all scored windows, and per subject {RANDOM_CONTACTS} contacts that begin at random "
                    "moments, so that what is usual since contact is not taken for rest",
        "architecture": {
            "kind": "per source a bagged ensemble of logistic regressions on clipped personal deviations; "
                    "log-odds of sources add",
            "members": MEMBERS, "inverse_penalty": penalty,
        },
        "failure_modes": FAILURE_MODES,
        "command": "python -m models.stress.training.train --data DIR --out models/stress",
        "seed": seed,
        "versions": {"python": platform.python_version(), "tensorflow": tf.__version__,
                     "scikit-learn": sklearn.__version__, "numpy": np.__version__},
    }


def evaluation(folds: list[Fold], results: dict[str, dict[str, list[float]]]) -> dict[str, Any]:
    """Return how the figures were made, and the figures."""
    chosen = {one.name: {f"{setting:g}": [fold.settings[one.name] for fold in folds].count(setting)
                         for setting in one.settings} for one in CANDIDATES}
    return {
        "method": f"leave one subject out; windows of {WINDOW_S:g} s wholly inside one interval, every "
                  f"{HOP_S} s, first {CALIBRATION_S:g} s not scored; population, settings (nested: chosen on "
                  "the other people) and calibration from the other subjects; 'shipped' runs the device's "
                  "own estimator over the recording's features; mean over subjects. Contacts in "
                  "mid-protocol and mid-stress: as if the sensors had been put on only then, scored from one "
                  "minute on",
        "interval": f"95 %, {RESAMPLES} bootstrap resamples of subjects (ece: {ECE_RESAMPLES})",
        "columns": ["value", "lower", "upper"],
        "note": "brier and ece with both classes weighing the same; ece pooled over windows, subjects "
                "weighing the same; the deviations that the gru reads rest on 115 s of signal",
        "results": results,
        "by_subject": {"columns": ["balanced_accuracy", "auc"], **by_subject(folds)},
        "calibration_curve": {"columns": ["mean level", "share of stress", "share of windows"],
                              "rows": calibration_curve(folds)},
        "error_by_variance": errors_by_doubt(folds),
        "settings_chosen": chosen,
    }
