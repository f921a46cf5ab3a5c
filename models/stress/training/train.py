"""Train, test and export the stress model: `python -m models.stress.training.train --data DIR --out DIR`.

Needs the `train` extra. Leave one subject out; every subject's recording goes through the device's own
feature code. Same data, seed and versions give the same figures.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import tempfile
from collections.abc import Callable
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from device.stress.card import CARD_NAME, FORMAT
from device.stress.inputs import INPUTS, SOURCES
from models.stress.training.card import describe
from models.stress.training.evaluate import Calibration, Scored, calibrate, figures, sigmoid, smooth
from models.stress.training.normalise import (
    PRIOR_SECONDS,
    contact_from,
    deviations,
    labelled,
    typical_spread,
    vectors,
)
from models.stress.training.recordings import NOT_TESTED, Subject, load_subject, subject_folders

FloatArray = NDArray[np.float64]
Predictor = Callable[[NDArray[np.float32]], FloatArray]
Trainer = Callable[[NDArray[np.float32], NDArray[np.int64], int], Predictor]

LOG = logging.getLogger("train")
SMOOTHING_S = 15.0
HYSTERESIS = 0.03
WHOLE = "eda+ppg"
LATE = "eda+ppg, late contact"
LATE_CONTACTS_S = (400, 900, 1400, 1900)  # contact that begins in the middle of the protocol
RANDOM_CONTACTS = 4  # per subject in training
SHORTEST_CONTACT_S = 600
SUBSETS = {WHOLE: (True, True), "eda": (True, False), "ppg": (False, True)}


class Fold(NamedTuple):
    """What a model that never saw this subject says of it, one logit per second."""

    subject: Subject
    logit: FloatArray
    scored: NDArray[np.intp]

    def smoothed(self) -> tuple[FloatArray, NDArray[np.int64]]:
        """Return the scored windows' smoothed logits and labels."""
        logit = smooth(self.logit, np.asarray(self.subject.present.any(axis=1)), SMOOTHING_S)
        return logit[self.scored], self.subject.label[self.scored]


def main() -> None:
    """Read the arguments, run everything and write the model and its card."""
    parser = argparse.ArgumentParser(description="train the stress model")
    parser.add_argument("--data", type=Path, required=True, help="folder of Stress-Predict recordings")
    parser.add_argument("--out", type=Path, required=True, help="folder for stress.tflite and card.json")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "tranquillo-features")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    subjects = load_all(options.data, options.cache)
    run(subjects, options.out, options.seed)


def load_all(data: Path, cache: Path) -> list[Subject]:
    """Return all subjects' inputs, computed in two processes where they are not in the cache."""
    folders = subject_folders(data)
    LOG.info("features of %d subjects (cache: %s)", len(folders), cache)
    with get_context("spawn").Pool(2) as pool:
        return pool.map(partial(load_subject, cache=cache), folders, chunksize=1)


def run(subjects: list[Subject], out: Path, seed: int) -> None:
    """Test by leaving subjects out, train on all, and write model and card."""
    from models.stress.training.network import make_deterministic, to_tflite, train

    make_deterministic(seed)
    trainers = {"network": network, "logistic_regression": logistic, "random_forest": forest}
    results: dict[str, Any] = {}
    folds: dict[str, dict[str, list[Fold]]] = {}
    for name, trainer in trainers.items():
        folds[name] = leave_one_out(subjects, trainer, seed, SUBSETS if name == "network" else
                                    {WHOLE: SUBSETS[WHOLE]})
        for subset, some in folds[name].items():
            results[f"{name}, {subset}"] = figures(score(some), seed)
            LOG.info("%s, %s: %s", name, subset, results[f"{name}, {subset}"])
    whole = folds["network"][WHOLE]
    spread = typical_spread(subjects)
    rows, label = training_set(subjects, spread, seed)
    content = to_tflite(train(rows, label, seed))
    out.mkdir(parents=True, exist_ok=True)
    (out / "stress.tflite").write_bytes(content)
    card = {"format": FORMAT, "sha256": hashlib.sha256(content).hexdigest(),
            **constants(whole + folds["network"][LATE], spread),
            **describe(subjects, results, whole_figures(whole), seed)}
    (out / CARD_NAME).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


def training_set(
    subjects: list[Subject], spread: FloatArray, seed: int,
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return model vectors and labels: whole recordings, and contacts that begin at random moments."""
    random = np.random.default_rng(seed)
    rows, label = [], []
    for subject in subjects:
        starts = random.integers(0, len(subject.label) - SHORTEST_CONTACT_S, RANDOM_CONTACTS)
        parts = [(subject, subject.scored())]
        parts += [(late, labelled(late)) for late in (contact_from(subject, int(at)) for at in starts)]
        rows += [vectors(deviations(one, spread), one.present)[at] for one, at in parts]
        label += [one.label[at] for one, at in parts]
    return np.concatenate(rows), np.concatenate(label)


def leave_one_out(
    subjects: list[Subject], trainer: Trainer, seed: int, subsets: dict[str, tuple[bool, bool]],
) -> dict[str, list[Fold]]:
    """Return for each subset of sources what models say of subjects that they never saw.

    Two processes share the work; every fold sets its own seed, so who does what changes nothing.
    """
    from models.stress.training.network import make_deterministic

    tested = [one.name for one in subjects if one.name not in NOT_TESTED]
    one_fold = partial(fold_of, subjects=subjects, trainer=trainer, seed=seed, subsets=subsets)
    with get_context("spawn").Pool(2, make_deterministic, (seed,)) as pool:
        folds = pool.map(one_fold, tested, chunksize=1)
    return {subset: [fold for some in folds for fold in some[subset]] for subset in [*subsets, LATE]}


def fold_of(
    name: str, subjects: list[Subject], trainer: Trainer, seed: int, subsets: dict[str, tuple[bool, bool]],
) -> dict[str, list[Fold]]:
    """Train without one subject and return what the model says of it."""
    from models.stress.training.network import without_sources

    held_out = next(one for one in subjects if one.name == name)
    others = [one for one in subjects if one.name != name]
    spread = typical_spread(others)
    predict = trainer(*training_set(others, spread, seed), seed)
    rows = vectors(deviations(held_out, spread), held_out.present)
    found: dict[str, list[Fold]] = {LATE: []}
    for subset, keep in subsets.items():
        fewer = held_out._replace(present=held_out.present & np.array(keep))
        logit = predict(without_sources(rows, np.array(keep)))
        found[subset] = [Fold(fewer, logit, fewer.scored())]
    for start_s in LATE_CONTACTS_S:
        late = contact_from(held_out, start_s)
        logit = predict(vectors(deviations(late, spread), late.present))
        found[LATE].append(Fold(late, logit, labelled(late)))
    return found


def network(rows: NDArray[np.float32], label: NDArray[np.int64], seed: int) -> Predictor:
    """Train the network that is shipped."""
    from models.stress.training.network import logits, train

    return partial(logits, train(rows, label, seed))


def logistic(rows: NDArray[np.float32], label: NDArray[np.int64], _seed: int) -> Predictor:
    """Train a logistic regression on the same inputs."""
    model = LogisticRegression(C=0.1, class_weight="balanced", max_iter=1000).fit(rows, label)
    return lambda some: np.asarray(model.decision_function(some))


def forest(rows: NDArray[np.float32], label: NDArray[np.int64], seed: int) -> Predictor:
    """Train a random forest on the same inputs."""
    model = RandomForestClassifier(100, min_samples_leaf=20, class_weight="balanced_subsample",
                                   random_state=seed, n_jobs=1).fit(rows, label)

    def predict(some: NDArray[np.float32]) -> FloatArray:
        """Return logits of stress."""
        chance = np.clip(model.predict_proba(some)[:, 1], 1e-3, 1.0 - 1e-3)
        return np.asarray(np.log(chance / (1.0 - chance)))

    return predict


def score(folds: list[Fold]) -> dict[str, Scored]:
    """Return calibrated levels of each subject's scored windows; calibrated on the other subjects.

    Subjects without a scored window of both classes (no usable source) are left out.
    """
    parts: dict[str, list[tuple[FloatArray, NDArray[np.int64]]]] = {}
    for fold in folds:
        parts.setdefault(fold.subject.name, []).append(fold.smoothed())
    joined = {name: tuple(map(np.concatenate, zip(*some, strict=True))) for name, some in parts.items()}
    joined = {name: pair for name, pair in joined.items() if set(pair[1]) == {0, 1}}
    found = {}
    for name, (logit, label) in joined.items():
        others = [pair for other, pair in joined.items() if other != name]
        calibration = calibrate(*map(np.concatenate, zip(*others, strict=True)))
        found[name] = Scored(sigmoid(calibration.apply(logit)), label)
    return found


def whole_figures(folds: list[Fold]) -> dict[str, list[float]]:
    """Return balanced accuracy and AUC of every held-out subject."""
    from models.stress.training.evaluate import METRICS

    return {name: [round(float(METRICS[metric](one)), 3) for metric in ("balanced_accuracy", "auc")]
            for name, one in score(folds).items()}


def constants(folds: list[Fold], spread: FloatArray) -> dict[str, Any]:
    """Return the numbers that the device needs: inputs, calibration, smoothing, borders of the bands.

    The borders are thirds of the held-out levels, stress and rest weighing the same.
    """
    logit, label = map(np.concatenate, zip(*(fold.smoothed() for fold in folds), strict=True))
    calibration = calibrate(logit, label)
    medium, high = balanced_thirds(sigmoid(calibration.apply(logit)), label)
    inputs: list[dict[str, Any]] = [
        {"name": one.name, "unit": one.unit, "source": one.source, "spread": round(float(each), 5)}
        for one, each in zip(INPUTS, spread, strict=True)]
    inputs += [{"name": f"{source}_present", "unit": "0 or 1", "source": source, "spread": None}
               for source in SOURCES]
    return {
        "inputs": inputs, "prior_seconds": PRIOR_SECONDS,
        "temperature": round(calibration.temperature, 4), "bias": round(calibration.bias, 4),
        "smoothing_s": SMOOTHING_S,
        "bands": {
            "medium_enter": round(medium + HYSTERESIS, 3), "medium_leave": round(medium - HYSTERESIS, 3),
            "high_enter": round(high + HYSTERESIS, 3), "high_leave": round(high - HYSTERESIS, 3)},
    }


def balanced_thirds(level: FloatArray, label: NDArray[np.int64]) -> tuple[float, float]:
    """Return the levels below which one and two thirds lie when both classes weigh the same."""
    from models.stress.training.evaluate import weights

    order = np.argsort(level)
    share = np.cumsum(weights(label)[order]) / len(level)
    low, high = (float(level[order][np.searchsorted(share, part)]) for part in (1 / 3, 2 / 3))
    return low, high


__all__ = ["Calibration", "balanced_thirds", "constants", "load_all", "main", "run", "score"]

if __name__ == "__main__":
    main()
