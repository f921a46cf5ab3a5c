"""The part of the model card that is written for people."""

from __future__ import annotations

import platform
from typing import Any

import numpy as np
import sklearn
import tensorflow as tf

from device.evaluation.metrics import ECE_RESAMPLES
from device.features.extractor import WINDOW_S
from models.stress.training import evaluate, network
from models.stress.training.recordings import (
    CALIBRATION_S,
    HOP_S,
    NOT_TESTED,
    REST,
    STRESS,
    Subject,
)

FAILURE_MODES = """
Learnt from wrist recordings of healthy volunteers in a laboratory; patients, medicines that act on heart or \
sweat glands, pacemakers and arrhythmia are outside what it knows.
Labels are tasks, not felt stress; the first minutes of the interview are calm, early rest is not.
Levels are relative to what the person showed since contact; who is stressed from the first minute to the \
last is not recognised as such.
About one person in ten has a flat skin conductance; for them only the pulse is left.
Arousal of any kind (laughter, pain, movement, a warm room) looks like stress.
Movement differs between the tasks of the protocol, so some of the separation may be motion.
The order of tasks is the same for everyone; time is no input, but slow drifts of dry electrodes go with it.
The figures come from the same protocol and watch as the training; expect less elsewhere.
""".strip().splitlines()


def describe(
    subjects: list[Subject],
    results: dict[str, dict[str, list[float]]],
    by_subject: dict[str, list[float]],
    seed: int,
) -> dict[str, Any]:
    """Return what a reader has to know before trusting the model."""
    windows = [one.label[one.scored()] for one in subjects]
    return {
        "purpose": "one input to choosing calm music; not a diagnosis and not an alarm",
        "output": "logit of stress (stroop, interview) against rest, both taken as equally likely; the "
                  "device smooths it, calibrates it and takes its sigmoid as level 0 to 1",
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
        "evaluation": {
            "method": f"leave one subject out; windows of {WINDOW_S:g} s wholly inside one interval, every "
                      f"{HOP_S} s, first {CALIBRATION_S:g} s not scored; levels smoothed as on the device; "
                      "normalising spreads and calibration from the other subjects; mean over subjects. "
                      "'late contact': the same people as if the sensors had been put on only in the middle "
                      "of the protocol, scored from one minute on",
            "interval": f"95 %, {evaluate.RESAMPLES} bootstrap resamples of subjects (ece: {ECE_RESAMPLES})",
            "columns": ["value", "lower", "upper"],
            "note": "brier and ece with both classes weighing the same; ece pooled over windows, subjects weighing the same",
            "results": results,
            "by_subject": {"columns": ["balanced_accuracy", "auc"], **by_subject},
        },
        "training": "all scored windows, and per subject some contacts that begin at random moments, so "
                    "that what is usual since contact is not taken for rest",
        "architecture": {
            "hidden": list(network.HIDDEN), "dropout": network.DROPOUT, "weight_decay": network.WEIGHT_DECAY,
            "epochs": network.EPOCHS, "batch": network.BATCH, "rate": network.RATE,
            "copies_with_sources_removed": network.COPIES,
        },
        "failure_modes": FAILURE_MODES,
        "command": "python -m models.stress.training.train --data DIR --out models/stress",
        "seed": seed,
        "versions": {"python": platform.python_version(), "tensorflow": tf.__version__,
                     "scikit-learn": sklearn.__version__, "numpy": np.__version__},
    }
