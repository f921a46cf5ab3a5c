"""Train the melody network, export it, measure what was exported, write its card.

    python -m models.melody.training.train --data DIR --out models/melody

DIR holds the melodies in ABC notation. Needs the `train` extra (TensorFlow) besides the device's own
packages. The seed fixes the split, the first weights and the order of the tunes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from device.music.melody import LstmMelody
from device.music.memory import RUN_INTERVALS, run_codes
from device.music.tokens import DURATIONS_BEATS, FIELD_NAMES, FIELD_SIZES, INTERVALS
from models.melody.training import network
from models.melody.training.abc_notation import Tune, read_folder
from models.melody.training.corpus import Split, padded, split
from models.melody.training.counting import duration_bits, height_bits, interval_bits
from models.melody.training.evaluate import score

SEED = 20261121
EPOCHS = 90
PATIENCE = 8
COMMAND = "python -m models.melody.training.train --data DIR --out models/melody"
MODEL, RUNS, CARD = "melody.tflite", "known_runs.npy", "card.json"

log = logging.getLogger(__name__)


def known_runs(tunes: list[Tune]) -> list[int]:
    """Return the distinct runs of 11 intervals of all tunes, sorted, as `run_codes` numbers them."""
    found: set[int] = set()
    for tune in tunes:
        pitches = [tone.pitch for tone in tune.tones]
        found.update(run_codes([int(step) for step in np.diff(pitches)]))
    return sorted(found)


def baselines(parts: Split) -> dict[str, dict[str, float]]:
    """Return bits of n-grams under Kneser-Ney smoothing on the test tunes, orders 1 to 4."""
    train, test = parts.train, parts.test
    counted: dict[str, Callable[[int], float]] = {
        "interval": lambda order: interval_bits(order, train, test),
        "key_relative_pitch": lambda order: height_bits(order, train, test),
        "duration": lambda order: duration_bits(order, len(DURATIONS_BEATS), train, test),
    }
    return {
        name: {f"{order}-gram": round(measure(order), 3) for order in range(1, 5)}
        for name, measure in counted.items()}


def learn(parts: Split, seed: int, out: Path) -> dict[str, Any]:
    """Train on the split, write the .tflite, return what the card says of the training."""
    import tensorflow as tf

    tf.keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    model = network.build()
    began = time.monotonic()
    history = network.fit(model, padded(parts.train), padded(parts.validation), EPOCHS, PATIENCE)
    network.export(model, out)
    interval, duration = network.bits(model, padded(parts.test))
    return {
        "seed": seed, "tensorflow": tf.__version__, "epochs": len(history),
        "seconds": round(time.monotonic() - began),
        "float_test_bits": {"interval": round(interval, 3), "duration": round(duration, 3)},
    }


def describe(parts: Split, training: dict[str, Any], out: Path) -> dict[str, Any]:
    """Return the card: data, split, inputs and outputs in order, hashes."""
    return {
        "name": "melody LSTM, one step",
        "data": {
            "source": "Open Hymnal Project, openhymnal.org (mirror mzealey/openhymnal, commit "
                      "d35811b2d5c9b0bbc5887d60a2936454815416e8)",
            "licence": "public domain", "tunes": sum(map(len, parts)),
            "notes": sum(len(tune.tones) for part in parts for tune in part)},
        "split": {
            "rule": "by melody: tunes sharing over half of their six-interval patterns stay together",
            "train": len(parts.train), "validation": len(parts.validation), "test": len(parts.test),
            "test_tunes": [tune.name for tune in parts.test]},
        "inputs": [
            {"name": "token", "shape": [1, len(FIELD_SIZES)], "dtype": "int32",
             "fields": [{"name": name, "classes": size}
                        for name, size in zip(FIELD_NAMES, FIELD_SIZES, strict=True)]},
            {"name": "h_in", "shape": [1, network.UNITS], "dtype": "float32"},
            {"name": "c_in", "shape": [1, network.UNITS], "dtype": "float32"}],
        "outputs": [
            {"name": "interval", "shape": [1, INTERVALS], "unit": "logits of -13 to +13 semitones"},
            {"name": "duration", "shape": [1, len(DURATIONS_BEATS)], "unit": "logits",
             "classes_beats": list(DURATIONS_BEATS)},
            {"name": "h_out", "shape": [1, network.UNITS], "dtype": "float32"},
            {"name": "c_out", "shape": [1, network.UNITS], "dtype": "float32"}],
        "training": {"command": COMMAND, **training},
        "known_runs": RUNS, "known_run_intervals": RUN_INTERVALS,
        "sha256": {name: hashlib.sha256((out / name).read_bytes()).hexdigest() for name in (MODEL, RUNS)},
    }


def main() -> None:
    """Read the arguments, train, measure, write three files."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with .abc files")
    parser.add_argument("--out", type=Path, required=True, help="folder for model, runs and card")
    parser.add_argument("--seed", type=int, default=SEED)
    arguments = parser.parse_args()
    out = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    tunes = read_folder(arguments.data)
    parts = split(tunes, arguments.seed)
    np.save(out / RUNS, np.array(known_runs(tunes), np.int64))
    training = learn(parts, arguments.seed, out / MODEL)
    card = describe(parts, training, out)
    (out / CARD).write_text(json.dumps(card, indent=1) + "\n")
    found = score(LstmMelody(out / MODEL), parts.test)
    card["test"] = {
        "interval_bits": round(found.interval_bits, 3), "duration_bits": round(found.duration_bits, 3),
        "intervals": found.intervals, "counted_as": "27 interval classes, rests skipped, the .tflite itself",
        "baselines_kneser_ney_bits": baselines(parts)}
    (out / CARD).write_text(json.dumps(card, indent=1) + "\n")
    log.info("%s", json.dumps({"training": training, "test": card["test"]}, indent=1))


if __name__ == "__main__":
    main()
