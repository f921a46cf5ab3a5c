"""Train the melody network, export it, measure what was exported, write its card.

    python -m models.melody.training.train --data DIR --out models/melody

DIR holds the melodies in ABC notation. Needs the `train` extra (TensorFlow) besides the device's own
packages. The seed fixes the split, the first weights and the order of the tunes. What ships learns from
the training and the validation part; with `--validate` the members learn from the training part alone,
nothing is written, and the bits on the validation part are logged: choices are made by those.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import time
from pathlib import Path
from typing import Any

import numpy as np

from device.evaluation.abc import Tune, read_folder
from device.evaluation.melody import fingerprint, score
from device.music.fields import FIELD_NAMES, FIELD_SIZES, TARGET_NAMES, TARGETS
from device.music.melody_network import MelodyNetwork
from device.music.memory import RUN_INTERVALS, run_codes
from device.music.tokens import DURATIONS_BEATS, HEIGHTS, INTERVALS, SEGMENT_BARS, TRENDS
from models.melody.training import counting, network
from models.melody.training.corpus import Split, padded, split
from models.melody.training.export import export
from models.melody.training.heads import head_figures
from models.melody.training.segments import segments

SEED = 20261121
MEMBERS = 5
EPOCHS = 26  # chosen on the validation part
COMMAND = "python -m models.melody.training.train --data DIR --out models/melody"
MODEL, RUNS, CARD = "melody.tflite", "known_runs.npy", "card.json"
ORDERS = range(1, 5)

log = logging.getLogger(__name__)


def known_runs(tunes: list[Tune]) -> list[int]:
    """Return the distinct runs of 11 intervals of all tunes, sorted, as `run_codes` numbers them."""
    found: set[int] = set()
    for tune in tunes:
        pitches = [tone.pitch for tone in tune.tones]
        found.update(run_codes([int(step) for step in np.diff(pitches)]))
    return sorted(found)


def baselines(train: list[Tune], test: list[Tune]) -> dict[str, dict[str, float]]:
    """Return bits of n-grams under Kneser-Ney smoothing on the test tunes, orders 1 to 4, and of mixtures."""
    interval = {order: counting.interval_chances(order, train, test) for order in ORDERS}
    height = {order: counting.height_chances(order, train, test) for order in ORDERS}
    duration = {order: counting.duration_chances(order, train, test) for order in ORDERS}
    both = {order: counting.mixed(interval[order], height[order]) for order in ORDERS}
    named = {"interval": interval, "key_relative_pitch": height, "both_mixed": both, "duration": duration}
    return {
        name: {f"{order}-gram": round(counting.bits(chances), 3) for order, chances in orders.items()}
        for name, orders in named.items()}


def learn(tunes: list[Tune], seed: int, members: int, epochs: int) -> list[Any]:
    """Return trained members of the network."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()
    shown = padded(tunes, [segment for tune in tunes for segment in segments(tune)])
    found = []
    for member in range(members):
        tf.keras.utils.set_random_seed(seed + member)
        model = network.build()
        network.fit(model, shown, seed + member, epochs)
        found.append(model)
        log.info("member %d of %d", member + 1, members)
    return found


def describe(parts: Split, training: dict[str, Any], out: Path) -> dict[str, Any]:
    """Return the card: data, split, inputs and outputs in order, hashes."""
    learnt = [*parts.train, *parts.validation]
    state = [training["members"], network.UNITS]
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
            "learnt_from": "train and validation; choices were made on validation before",
            "test_tunes": [tune.name for tune in parts.test]},
        "inputs": [
            {"name": "token", "shape": [1, len(FIELD_SIZES)], "dtype": "int32",
             "fields": [{"name": name, "classes": size}
                        for name, size in zip(FIELD_NAMES, FIELD_SIZES, strict=True)]},
            {"name": "target", "shape": [1, TARGETS], "dtype": "float32",
             "unit": "rank in the corpus as -1 to 1 and 1, or 0 and 0 for unknown, of each part",
             "parts": list(TARGET_NAMES)},
            {"name": "h_in", "shape": state, "dtype": "float32"},
            {"name": "c_in", "shape": state, "dtype": "float32"}],
        "outputs": [
            {"name": "interval", "shape": [1, INTERVALS], "unit": "log probability of -13 to +13 semitones"},
            {"name": "duration", "shape": [1, len(DURATIONS_BEATS)], "unit": "log probability",
             "classes_beats": list(DURATIONS_BEATS)},
            {"name": "opening", "shape": [1, HEIGHTS],
             "unit": "log probability of the next segment's first pitch, height over the tonic"},
            {"name": "trend", "shape": [1, TRENDS], "unit": "log probability of the next segment's trend",
             "classes": ["down", "level", "up"], "segment_bars": SEGMENT_BARS},
            {"name": "h_out", "shape": state, "dtype": "float32"},
            {"name": "c_out", "shape": state, "dtype": "float32"}],
        "training": {"command": COMMAND, **training},
        "known_runs": RUNS, "known_run_intervals": RUN_INTERVALS,
        "trained_on": sorted({fingerprint(tune) for tune in learnt}),
        "set_apart": sorted({fingerprint(tune) for tune in parts.test}),
        "sha256": {name: hashlib.sha256((out / name).read_bytes()).hexdigest() for name in (MODEL, RUNS)},
    }


def measure(model: MelodyNetwork, parts: Split) -> dict[str, Any]:
    """Return the card's figures on the test tunes: the .tflite itself, and what counting reaches."""
    learnt = [*parts.train, *parts.validation]
    found = score(model, parts.test)
    return {
        "interval_bits": round(found.bits_per_interval, 3),
        "duration_bits": round(found.bits_per_duration, 3),
        "intervals": found.intervals,
        "counted_as": "27 interval classes, rests skipped, no target given, the .tflite itself",
        "baselines_kneser_ney_bits": baselines(learnt, parts.test),
        "segment_heads": head_figures(model, learnt, parts.test)}


def validate(parts: Split, seed: int, members: int, epochs: int) -> None:
    """Train on the training part alone and log the bits on the validation part."""
    models = learn(parts.train, seed, members, epochs)
    shown = padded(parts.validation, [segment for tune in parts.train for segment in segments(tune)])
    for told in (False, True):
        chances = network.predicted(models, shown, told=told)
        figures = {
            name: round(network.bits(found, getattr(shown, name)), 3) for name, found in chances.items()}
        log.info("validation, target %s: %s", "told" if told else "unknown", json.dumps(figures))


def main() -> None:
    """Read the arguments, train, measure, write three files."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with .abc files")
    parser.add_argument("--out", type=Path, help="folder for model, runs and card")
    parser.add_argument("--validate", action="store_true", help="only log the bits on the validation part")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--members", type=int, default=MEMBERS)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    arguments = parser.parse_args()
    tunes = read_folder(arguments.data).tunes
    parts = split(tunes, arguments.seed)
    if arguments.validate or arguments.out is None:
        validate(parts, arguments.seed, arguments.members, arguments.epochs)
        return
    write(parts, arguments.out, arguments.seed, arguments.members, arguments.epochs)


def write(parts: Split, out: Path, seed: int, members: int, epochs: int) -> None:
    """Train what ships, write model, runs and card, then the figures of what was written."""
    import tensorflow as tf

    began = time.monotonic()
    models = learn([*parts.train, *parts.validation], seed, members, epochs)
    out.mkdir(parents=True, exist_ok=True)
    np.save(out / RUNS, np.array(known_runs([tune for part in parts for tune in part]), np.int64))
    export(models, out / MODEL)
    training = {
        "seed": seed, "tensorflow": tf.__version__, "members": members, "epochs": epochs,
        "seconds": round(time.monotonic() - began)}
    card = describe(parts, training, out)
    (out / CARD).write_text(json.dumps(card, indent=1) + "\n")
    card["test"] = measure(MelodyNetwork(out / MODEL), parts)
    (out / CARD).write_text(json.dumps(card, indent=1) + "\n")
    log.info("%s", json.dumps({"training": training, "test": card["test"]}, indent=1))


if __name__ == "__main__":
    main()
