"""Train, test and export the stress model: `python -m models.stress.training.train --data DIR --out DIR`.

Needs the `train` extra. Leave one subject out; every subject's recording goes through the device's own
feature code and estimator. Same data, seed and versions give the same figures.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import tempfile
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from device.evaluation.metrics import weights
from device.stress.card import Bands, Card
from device.stress.network import CARD_NAME
from models.stress.training.calibration import sigmoid
from models.stress.training.card import describe
from models.stress.training.experts import to_tflite, train
from models.stress.training.folds import SHIPPED, Fold, fold_of, plain_card, training_set
from models.stress.training.recordings import NOT_TESTED, Subject, load_subject, subject_folders
from models.stress.training.results import all_results, calibration_of, of_courses
from models.stress.training.sequences import compare, with_networks

FloatArray = NDArray[np.float64]

LOG = logging.getLogger("train")
HYSTERESIS = 0.03
PENALTY = "logistic_regression"  # whose nested choice of penalty the experts take


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
    run(subjects, options.data, options.out, options.seed)


def load_all(data: Path, cache: Path) -> list[Subject]:
    """Return all subjects' features, computed in two processes where they are not in the cache."""
    folders = subject_folders(data)
    LOG.info("features of %d subjects (cache: %s)", len(folders), cache)
    with get_context("spawn").Pool(2) as pool:
        return pool.map(partial(load_subject, cache=cache), folders, chunksize=1)


def run(subjects: list[Subject], data: Path, out: Path, seed: int) -> None:
    """Test by leaving subjects out, train on all, and write model and card."""
    folds = with_networks(leave_one_out(subjects, seed), compare(subjects, data, seed))
    results = all_results(folds, seed)
    for name, each in results.items():
        LOG.info("%s: %s", name, each)
    known = training_set(subjects, seed)
    penalty = median(fold.settings[PENALTY] for fold in folds)
    experts = train(known.rows, known.present, penalty, seed)
    content = to_tflite(experts)
    card = calibrated(plain_card(experts, known.population), content, folds)
    out.mkdir(parents=True, exist_ok=True)
    (out / "stress.tflite").write_bytes(content)
    whole: dict[str, Any] = {**msgspec.to_builtins(card), **describe(subjects, folds, results, penalty, seed)}
    (out / CARD_NAME).write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")


def leave_one_out(subjects: list[Subject], seed: int) -> list[Fold]:
    """Return what models say of subjects that they never saw.

    Two processes share the work; every fold sets its own seed, so who does what changes nothing.
    """
    tested = [one.name for one in subjects if one.name not in NOT_TESTED]
    with get_context("fork").Pool(2) as pool:
        return pool.map(partial(fold_of, subjects=subjects, seed=seed), tested, chunksize=1)


def calibrated(card: Card, content: bytes, folds: list[Fold]) -> Card:
    """Return the card with the model's hash, and with calibration and bands from the held-out levels.

    The borders of the bands are thirds of the held-out levels, stress and rest weighing the same.
    """
    said = [of_courses(SHIPPED)(fold) for fold in folds]
    calibration = calibration_of(said)
    level = sigmoid(calibration.apply(np.concatenate([one.logit for one in said])))
    medium, high = balanced_thirds(level, np.concatenate([one.label for one in said]))
    return msgspec.structs.replace(
        card, sha256=hashlib.sha256(content).hexdigest(),
        temperature=round(calibration.temperature, 4), bias=round(calibration.bias, 4),
        bands=Bands(medium_enter=round(medium + HYSTERESIS, 3), medium_leave=round(medium - HYSTERESIS, 3),
                    high_enter=round(high + HYSTERESIS, 3), high_leave=round(high - HYSTERESIS, 3)))


def balanced_thirds(level: FloatArray, label: NDArray[np.int64]) -> tuple[float, float]:
    """Return the levels below which one and two thirds lie when both classes weigh the same."""
    order = np.argsort(level)
    share = np.cumsum(weights(label)[order]) / len(level)
    low, high = (float(level[order][np.searchsorted(share, part)]) for part in (1 / 3, 2 / 3))
    return low, high


if __name__ == "__main__":
    main()
