"""The part of the EEG model's card that is written for people."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import sklearn

from device.evaluation.eegmat import CALIBRATION_S, HOP_S, WINDOW_S
from device.evaluation.metrics import RESAMPLES, Scored, auc, balanced_accuracy
from device.stress.eeg_inputs import ADAPTATION_S
from models.stress.training.eeg_models import FOLDS, KERNEL_GRID
from models.stress.training.eeg_people import Person

BINS = 5

FAILURE_MODES = """
A clean-signal upper bound: the publishers removed eye, muscle and heart artefacts by independent \
components and filtered 0.5 to 45 Hz; a headset at a bedside is much dirtier and will do worse.
Rest always comes first and the two states are separate files, so whatever differs between files \
(cleaning, filters, a moved electrode) is learnt as if it were stress; the controls bound this, they do \
not exclude it: how far the spectrum is from the first minute, in any direction, already tells much.
An electrode that moves after the first minute may read as stress (controls: changed gain).
The stressor is mental arithmetic by students of 16 to 26; age, illness, medicines and felt stress are \
outside what it knows. Beta and alpha change with sedatives.
Everything is relative to the first minute of contact: who is stressed then, or closes the eyes then and \
opens them later, is misjudged; opening the eyes lowers alpha as arithmetic does.
The montage must be Fp1, Fp2, C3, C4, P7, P8, O1, O2 in this order.
The heart-rate curve was learnt from R peaks of the same people and task; talking, movement and music \
move the heart rate as well.
The weights of the fusion come from held-out log-odds of people who were in each other's training sets.
""".strip().splitlines()


def describe(
    people: Sequence[Person], results: Mapping[str, Any], controls: Mapping[str, Any],
    shipped: Mapping[str, Mapping[str, Scored]], seed: int, tensorflow: str,
) -> dict[str, Any]:
    """Return what a reader has to know before trusting the model.

    Args:
        people: everybody learnt from.
        results: figures by model.
        controls: what the pipeline makes of what is not the brain at work.
        shipped: held-out levels and labels of each person, for EEG, heart rate and both.
        seed: of the whole run.
        tensorflow: its version.
    """
    return {
        "purpose": "one input to choosing calm music; not a diagnosis and not an alarm",
        "output": "logits of mental arithmetic against rest, one for each member of the ensemble; "
                  "calibrated, their mean is the log-odds and their variance its doubt",
        "data": {
            "name": "EEGMAT 1.0.0, development part",
            "source": "physionet.org/content/eegmat/1.0.0",
            "licence": "ODC-By 1.0",
            "cite": "Zyma et al., Data 2019, 4(1), 14; Goldberger et al., Circulation 2000, 101(23), e215",
            "subjects": [one.name for one in people],
            "windows": {"stress": int(sum(one.label.sum() for one in people)),
                        "rest": int(sum((one.label == 0).sum() for one in people))},
        },
        "evaluation": {
            "method": f"leave one person out; windows of {WINDOW_S} s wholly inside one file, every "
                      f"{HOP_S} s; deviations from the first {CALIBRATION_S} s of rest, which are not "
                      "scored; settings and calibration chosen within the other people; mean over people",
            "upper_bound": "figures of signals cleaned by hand; see failure_modes",
            "interval": f"95 %, {RESAMPLES} bootstrap resamples of people",
            "columns": ["value", "lower", "upper"],
            "note": "brier and ece with both classes weighing the same; ece pooled over people",
            "results": dict(results),
            "controls": dict(controls),
            "calibration_curve": {name: _curve(each) for name, each in shipped.items()},
            "by_subject": {"columns": ["balanced_accuracy", "auc"],
                           **{name: {person: [round(balanced_accuracy(one), 3), round(auc(one), 3)]
                                     for person, one in each.items()} for name, each in shipped.items()}},
        },
        "training": "ten support vector machines with a Gaussian kernel, each on resampled people; the "
                    "opposite of every row of stress is added as rest, so that not just any change counts, "
                    "and a copy of every row at another gain; "
                    f"the baseline then follows with a time constant of {ADAPTATION_S:g} s",
        "architecture": {"kernel_grid": [list(one) for one in KERNEL_GRID], "folds_of_others": FOLDS},
        "failure_modes": FAILURE_MODES,
        "command": "python -m models.stress.training.eeg_train --data DIR --out models/stress/eeg",
        "seed": seed,
        "versions": {"python": platform.python_version(), "tensorflow": tensorflow,
                     "scikit-learn": sklearn.__version__, "numpy": np.__version__},
    }


def _curve(each: Mapping[str, Scored]) -> list[list[float]]:
    """Return mean level, share of stress (classes weighing the same) and windows in five equal bins."""
    level = np.concatenate([one.level for one in each.values()])
    label = np.concatenate([one.label for one in each.values()])
    weight = np.where(label == 1, 0.5 / label.mean(), 0.5 / (1.0 - label.mean()))
    bins = np.minimum((level * BINS).astype(int), BINS - 1)
    return [[round(float(np.average(level[bins == one], weights=weight[bins == one])), 3),
             round(float(np.average(label[bins == one], weights=weight[bins == one])), 3),
             int((bins == one).sum())] for one in np.unique(bins)]
