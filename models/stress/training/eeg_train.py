"""Train, test and export the EEG model: `python -m models.stress.training.eeg_train --data DIR --out DIR`.

Needs the `train` extra. Leave one person out; every recording goes through the device's own features and
personal baseline. Same data, seed and versions give the same file and figures.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from device.evaluation.metrics import Scored, figures
from device.stress.eeg_card import FORMAT
from device.stress.eeg_inputs import BANDS, input_names
from device.stress.network import CARD_NAME
from models.stress.training.eeg_models import (
    Predictor,
    Trainer,
    candidates,
    distance_trainer,
    ensemble_trainer,
    heart_trainer,
    logistic_curve,
    loudness_trainer,
    train_ensemble,
    tuned,
)
from models.stress.training.eeg_people import Person, load_people, middle_and_last_minute, vectors
from models.stress.training.eeg_sequences import sequences_of
from models.stress.training.eeg_words import describe

FloatArray = NDArray[np.float64]
Logits = dict[str, FloatArray]

LOG = logging.getLogger("eeg_train")
MODEL_NAME = "eeg.tflite"
SHIPPED = "kernel_ensemble"
HEART, BOTH = "heart_rate", "kernel_ensemble_and_heart_rate"
FARTHEST_MARGIN = 1.25  # times the largest root mean square of the training windows


def main() -> None:
    """Read the arguments, run everything and write the model and its card."""
    parser = argparse.ArgumentParser(description="train the EEG model")
    parser.add_argument("--data", type=Path, required=True, help="folder of EEGMAT recordings")
    parser.add_argument("--out", type=Path, required=True, help="folder for eeg.tflite and card.json")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    run(options.data, options.out, options.seed)


def run(data: Path, out: Path, seed: int) -> None:
    """Test by leaving people out, train on all, and write model and card."""
    from models.stress.training.eeg_network import VERSION, make_deterministic, to_tflite

    make_deterministic(seed)
    people = load_people(data)
    LOG.info("%d people", len(people))
    logits: dict[str, Logits] = {}
    results: dict[str, dict[str, Any]] = {}
    for name, trainer in trainers(data, people).items():
        logits[name] = leave_one_out(people, trainer, seed)
        results[name] = report(name, people, logits[name], seed)
    logits[BOTH] = fused(people, logits[SHIPPED], logits[HEART])
    results[BOTH] = report(BOTH, people, logits[BOTH], seed)
    model = train_ensemble(people, seed)
    content = to_tflite(model)
    out.mkdir(parents=True, exist_ok=True)
    (out / MODEL_NAME).write_bytes(content)
    every = [vectors(one, model.spread) for one in people]
    card = {
        "format": FORMAT, "sha256": hashlib.sha256(content).hexdigest(),
        "inputs": [{"name": name, "unit": "ln uV^2 against the first minute", "spread": round(float(one), 5)}
                   for name, one in zip(input_names(), model.spread, strict=True)],
        "members": int(model.weight.shape[1]),
        "temperature": round(model.calibration.temperature, 5), "bias": round(model.calibration.bias, 5),
        "farthest": round(FARTHEST_MARGIN * max(float(np.sqrt((one**2).mean(axis=1)).max())
                                                for one in every), 3),
        "heart": _heart_curve(people), "both": _weights(people, logits[SHIPPED], logits[HEART]),
        **describe(people, results, controls(people, logits[SHIPPED], seed),
                   {name: scored(people, logits[name]) for name in (SHIPPED, HEART, BOTH)}, seed, VERSION)}
    (out / CARD_NAME).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


def trainers(data: Path, people: Sequence[Person]) -> dict[str, Trainer]:
    """Return everything that is compared, by name; the first is what is shipped."""
    from models.stress.training.eeg_network import dense_trainer, gru_trainer

    sequences = {one.name: sequences_of(data, one.name) for one in people}

    def recurrent(some: Sequence[Person], seed: int) -> Predictor:
        """Train the recurrent network."""
        return gru_trainer(some, sequences, seed)

    classic = {name: partial(tuned, settings) for name, settings in candidates().items()}
    return {SHIPPED: ensemble_trainer, HEART: heart_trainer, **classic, "dense_network": dense_trainer,
            "gru_on_2_s_spectra": recurrent}


def leave_one_out(people: Sequence[Person], trainer: Trainer, seed: int) -> Logits:
    """Return what models that never saw a person say of this person's windows."""
    return {one.name: trainer([other for other in people if other.name != one.name], seed)(one)
            for one in people}


def fused(people: Sequence[Person], eeg: Logits, heart: Logits) -> Logits:
    """Return late fusion in log-odds, its weights from the other people; EEG alone without a heart rate."""
    found = {}
    for one in people:
        weights = _weights([other for other in people if other.name != one.name], eeg, heart)
        known = np.isfinite(heart[one.name])
        both = weights["eeg"] * eeg[one.name] + weights["heart"] * heart[one.name] + weights["bias"]
        found[one.name] = np.where(known, both, eeg[one.name])
    return found


def _weights(people: Sequence[Person], eeg: Logits, heart: Logits) -> dict[str, float]:
    """Return the weights of both log-odds and a bias, by logistic regression on held-out logits."""
    rows = np.concatenate([np.stack((eeg[one.name], heart[one.name]), axis=1) for one in people])
    label = np.concatenate([one.label for one in people])
    known = np.isfinite(rows).all(axis=1)
    model = LogisticRegression(C=1.0, class_weight="balanced").fit(rows[known], label[known])
    return {"eeg": round(float(model.coef_[0, 0]), 4), "heart": round(float(model.coef_[0, 1]), 4),
            "bias": round(float(model.intercept_[0]), 4)}


def _heart_curve(people: Sequence[Person]) -> dict[str, float]:
    """Return the curve of the heart rate's expert, from everybody."""
    value, label = (np.concatenate(parts) for parts in ([one.heart for one in people],
                                                        [one.label for one in people]))
    slope, bias = logistic_curve(value[np.isfinite(value)], label[np.isfinite(value)])
    return {"slope": round(slope, 4), "bias": round(bias, 4)}


def scored(people: Sequence[Person], logits: Logits) -> dict[str, Scored]:
    """Return levels and labels of everybody with windows of both kinds."""
    found = {}
    for one in people:
        known = np.isfinite(logits[one.name])
        level = 1.0 / (1.0 + np.exp(-logits[one.name][known]))
        found[one.name] = Scored(level, one.label[known])
    return {name: each for name, each in found.items() if each.both_classes()}


def report(name: str, people: Sequence[Person], logits: Logits, seed: int) -> dict[str, Any]:
    """Return and log the figures of one model."""
    each = scored(people, logits)
    found = {"people": len(each), **figures(each, seed)}
    LOG.info("%s: %s", name, found)
    return found


def controls(people: Sequence[Person], logits: Logits, seed: int) -> dict[str, Any]:
    """Return what the same pipeline makes of things that are not the brain at work."""
    plain = partial(ensemble_trainer, mirror=False)
    rest = [one for one in map(middle_and_last_minute, people) if one is not None]
    found: dict[str, Any] = {
        "third_minute_of_rest_against_second":
            report("rest only", rest, leave_one_out(rest, plain, seed), seed),
        "distance_from_first_minute_alone":
            report("distance", people, leave_one_out(people, distance_trainer, seed), seed),
        "broadband_amplitude_alone":
            report("amplitude", people, leave_one_out(people, loudness_trainer, seed), seed),
        "without_mirrored_rest": report("not mirrored", people, leave_one_out(people, plain, seed), seed),
    }
    opposite = [one._replace(deviations=-one.deviations) for one in people]
    for name, trainer in (("with", ensemble_trainer), ("without", plain)):
        said = {one.name: trainer([other for other in people if other.name != one.name], seed)(one)
                for one in opposite}
        found[f"opposite_of_stress_called_stress_{name}_mirrored_rest"] = _called(people, said)
    found["arithmetic_called_stress"] = _called(people, logits)
    found.update(_changed_gain(people, seed))
    return found


def _changed_gain(people: Sequence[Person], seed: int) -> dict[str, float]:
    """Return the share of rest that is called stress, as it is and after the gain has changed."""
    random = np.random.default_rng(seed)
    rest = [one._replace(deviations=one.deviations[one.label == 0], label=one.label[one.label == 0])
            for one in people]
    changes = {"rest_called_stress": [0.0] * len(people),
               "rest_called_stress_all_channels_20_percent_lower": [2.0 * np.log(0.8)] * len(people),
               "rest_called_stress_each_channel_off_by_up_to_20_percent":
                   [np.repeat(2.0 * np.log(random.uniform(0.8, 1.2, 8)), len(BANDS)) for _ in people]}
    called: dict[str, list[float]] = {name: [] for name in changes}
    for index, one in enumerate(rest):
        predict = ensemble_trainer([other for other in people if other.name != one.name], seed)
        for name, change in changes.items():
            logits = predict(one._replace(deviations=one.deviations + change[index]))
            called[name].append(float((logits > 0).mean()))
    return {name: round(float(np.mean(shares)), 3) for name, shares in called.items()}


def _called(people: Sequence[Person], logits: Logits) -> float:
    """Return the share of the windows of stress that are called stress, mean over people."""
    return round(float(np.mean([(logits[one.name][one.label == 1] > 0).mean() for one in people])), 3)


if __name__ == "__main__":
    main()
